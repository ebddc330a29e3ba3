/* SPDX-License-Identifier: MIT
 * Forms as bodies. libcurl's own writer of forms is not used: it would pull files and receivers in the
 * driver's turn. */
#include "http/form.h"

#include "plat/mem.h"

#include <string.h>
#include <weft/half.h>

/* ---- opening and closing ----------------------------------------------------------------------------- */

static int check_part(const weft_http_part *part, const weft_receiver *rx)
{
    int n_data = (part->value != NULL) + (part->data != NULL) + (part->path != NULL) +
                 (part->rx != NULL);
    bool is_type = part->type == NULL || (*part->type != '\0' && wf_http_is_value(part->type));
    bool is_sized = part->data != NULL || part->data_size == 0;
    bool has_receiver = part->rx == NULL || rx != NULL;
    return n_data == 1 && is_type && is_sized && has_receiver ? 0 : WEFT_EINVAL;
}

static int take_parts(struct wf_http_form *form, const weft_http_request_opts *opts)
{
    int rc = 0;
    size_t n = 0;
    while (opts->form[n].name != NULL)
        n++;
    form->own = wf_alloc(wf_size_with(1, 1, n), sizeof(*form->own));
    if (form->own == NULL) {
        (void)wf_http_source_drop(opts);
        return WEFT_ENOMEM;
    }
    form->parts = opts->form;
    form->n = n;
    for (size_t i = 0; i < n; i++) {
        form->own[i].rx = wf_http_take_receiver(form->parts[i].rx);
        int part_rc = check_part(&form->parts[i], form->own[i].rx);
        rc = rc < 0 ? rc : part_rc;
    }
    return rc;
}

static bool says_type(const weft_http_request_opts *opts)
{
    static const char header[] = "Content-Type";
    return opts->content_type != NULL || wf_http_fields_have(opts->headers, header) ||
           wf_http_fields_have(opts->cross_origin_headers, header);
}

static int open_parts(struct wf_http_form *form, weft_http_request_opts *opts)
{
    int rc = take_parts(form, opts);
    if (rc == 0 && says_type(opts))
        rc = WEFT_EINVAL;
    if (rc == 0)
        rc = wf_http_form_boundary(form);
    opts->content_type = form->type;
    return rc;
}

static int open_text(struct wf_http_form *form, weft_http_request_opts *opts)
{
    for (const weft_http_field *field = opts->urlencoded; field->name != NULL; field++)
        if (field->value == NULL)
            return WEFT_EINVAL;
    size_t size = wf_http_form_fields(opts->urlencoded, NULL);
    form->text = wf_realloc(NULL, size);
    if (form->text == NULL)
        return WEFT_ENOMEM;
    (void)wf_http_form_fields(opts->urlencoded, form->text);
    opts->body = form->text;
    opts->body_size = size;
    if (!says_type(opts))
        opts->content_type = "application/x-www-form-urlencoded";
    return 0;
}

int wf_http_form_open(struct wf_http_form *form, weft_http_request_opts *opts)
{
    *form = (struct wf_http_form){ .n = 0 };
    if (opts->form != NULL)
        return open_parts(form, opts);
    return opts->urlencoded != NULL ? open_text(form, opts) : 0;
}

void wf_http_form_close(struct wf_http_form *form)
{
    for (size_t i = 0; i < form->n; i++)
        weft_half_drop(&form->own[i].rx);
    wf_http_source_close(&form->data);
    wf_free(form->own);
    wf_free(form->head);
    wf_free(form->text);
}

/* ---- sending ----------------------------------------------------------------------------------------- */

static weft_http_chunk memory_of(const weft_http_part *part)
{
    if (part->value != NULL)
        return (weft_http_chunk){ part->value, strlen(part->value) };
    return (weft_http_chunk){ part->data, part->data_size };
}

static int measure(const weft_http_part *part, int64_t *out_size)
{
    *out_size = part->rx != NULL ? -1 : (int64_t)memory_of(part).size;
    return part->path != NULL ? wf_http_file_size(part->path, out_size) : 0;
}

static void leave_part(struct wf_http_form *form)
{
    wf_http_source_close(&form->data);
    form->data = (struct wf_http_source){ .size = -1 };
    form->is_within = false;
}

int wf_http_form_begin(struct wf_http_form *form, int64_t *out_size)
{
    int64_t size = (int64_t)wf_http_form_end(form, NULL);
    bool is_known = true, is_too_long = false;
    form->i = 0;
    leave_part(form);
    for (size_t i = 0; i < form->n; i++) {
        int64_t *part = &form->own[i].size, head = (int64_t)wf_http_form_head(form, i, NULL);
        int rc = measure(&form->parts[i], part);
        if (rc < 0)
            return rc;
        is_known &= *part >= 0;
        is_too_long |= __builtin_add_overflow(size, head, &size) ||
                       __builtin_add_overflow(size, WF_MAX(*part, (int64_t)0), &size);
    }
    *out_size = is_known ? size : -1;
    return is_too_long ? WEFT_EINVAL : 0;
}

/* F1 */
static int enter_part(struct wf_http_form *form)
{
    const weft_http_part *part = &form->parts[form->i];
    struct wf_http_form_part *own = &form->own[form->i];
    form->is_within = true;
    form->memory = memory_of(part);
    form->data.rx = own->rx;
    own->rx = NULL;
    if (part->path == NULL)
        return 0;
    int rc = wf_http_source_open_file(&form->data, part->path);
    form->data.size = form->data.left = own->size;
    return rc;
}

/* Or the end. */
static int pull_head(struct wf_http_form *form, weft_http_chunk *out)
{
    if (form->i > form->n)
        return 0;
    bool is_end = form->i == form->n;
    size_t size = is_end ? wf_http_form_end(form, NULL) : wf_http_form_head(form, form->i, NULL);
    char *head = wf_realloc(form->head, size);
    if (head == NULL)
        return WEFT_ENOMEM;
    form->head = head;
    *out = (weft_http_chunk){ head, size };
    if (is_end) {
        (void)wf_http_form_end(form, head);
        form->i++;
        return WF_HTTP_MORE;
    }
    (void)wf_http_form_head(form, form->i, head);
    int rc = enter_part(form);
    return rc < 0 ? rc : form->data.rx != NULL ? 1 : WF_HTTP_MORE;
}

static int pull_data(struct wf_http_form *form, weft_http_chunk *out)
{
    struct wf_http_source *data = &form->data;
    if (data->rx != NULL || data->file != NULL) {
        int rc = wf_http_source_pull(data, out);
        return rc == 1 && data->size >= 0 && data->left == 0 ? WF_HTTP_MORE : rc;
    }
    *out = form->memory;
    form->memory.size = 0;
    return out->size > 0 ? WF_HTTP_MORE : 0;
}

int wf_http_form_pull(struct wf_http_form *form, weft_http_chunk *out)
{
    if (form->is_within) {
        int rc = pull_data(form, out);
        if (rc != 0)
            return rc;
        leave_part(form);
        form->i++;
    }
    return pull_head(form, out);
}
