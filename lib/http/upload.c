/* SPDX-License-Identifier: MIT
 * A body that is made while it is sent: from a file, or by a receiver.
 *
 * It is pulled in the task that makes the request, since a receiver may wait for anything, and put
 * into the transfer's ring. Each piece is on its way before the next is waited for; as soon as the
 * server answers, or the transfer is over, no more is asked for, nor waited for (early.c). */
#include "http/form.h"
#include "http/trace.h"

#include "plat/mem.h"

#include <string.h>
#include <sys/stat.h>
#include <weft/chan.h>
#include <weft/file_at.h>
#include <weft/path.h>
#include <weft/task.h>

enum { FILE_BLOCK = 32 << 10, RING = 64 << 10 };

/* ---- sources ----------------------------------------------------------------------------------------- */

static int64_t size_of(const struct stat *about)
{
    return S_ISREG(about->st_mode) ? (int64_t)about->st_size : -1;
}

int wf_http_file_size(const char *path, int64_t *out_size)
{
    struct stat about;
    int rc = weft_path_stat(path, &about);
    if (rc >= 0)
        *out_size = size_of(&about);
    return rc;
}

/* Of the file that is open: another may have its name by now. */
int wf_http_source_open_file(struct wf_http_source *source, const char *path)
{
    struct stat about;
    int rc = weft_file_open(path, "r", &source->file);
    if (rc >= 0)
        rc = weft_file_stat(source->file, &about);
    if (rc >= 0)
        source->size = size_of(&about);
    source->left = source->size;
    source->block = wf_realloc(NULL, FILE_BLOCK);
    return rc < 0 ? rc : source->block != NULL ? 0 : WEFT_ENOMEM;
}

weft_receiver *wf_http_take_receiver(const void *rx)
{
    return rx != NULL ? weft_half_take((void *)(uintptr_t)rx) : NULL;
}

static bool drop_receiver(const void *rx)
{
    weft_receiver *taken = wf_http_take_receiver(rx);
    weft_half_drop(&taken);
    return rx != NULL;
}

bool wf_http_source_drop(const weft_http_request_opts *opts)
{
    bool has_any = drop_receiver(opts->body_rx);
    for (const weft_http_part *part = opts->form; part != NULL && part->name != NULL; part++)
        has_any |= drop_receiver(part->rx);
    return has_any;
}

int wf_http_source_open(struct wf_http_source *source, const weft_http_request_opts *opts,
                        struct wf_http_form *form)
{
    *source = (struct wf_http_source){ .size = -1,
                                       .rx = wf_http_take_receiver(opts->body_rx),
                                       .form = form };
    source->is_there = opts->body_rx != NULL || opts->body_path != NULL || form != NULL;
    if (opts->body_rx != NULL && source->rx == NULL)
        return WEFT_EINVAL;
    if (form != NULL)
        return wf_http_form_begin(form, &source->size);
    return opts->body_path != NULL ? wf_http_source_open_file(source, opts->body_path) : 0;
}

void wf_http_source_close(struct wf_http_source *source)
{
    weft_half_drop(&source->rx);
    (void)weft_file_close(source->file);
    wf_free(source->block);
}

bool wf_http_source_is_replayable(const struct wf_http_source *source)
{
    return (source->file != NULL || source->form != NULL) && source->size >= 0;
}

int wf_http_source_rewind(weft_http_response *x, const weft_http_request_opts *opts,
                          struct wf_http_source *source)
{
    if (!x->is_upload || !x->is_streamed)
        return 0;
    wf_http_source_close(source);
    int rc = wf_http_source_open(source, opts, source->form);
    x->upload_size = source->size;
    x->out.tail = 0;
    x->is_up_over = false;
    x->up_code = 0;
    return rc;
}

/* No more than was announced: the server would take the rest for another request. */
static int pull_file(struct wf_http_source *source, weft_http_chunk *out)
{
    size_t most = FILE_BLOCK;
    if (source->size >= 0)
        most = (size_t)WF_MIN(source->left, (int64_t)FILE_BLOCK);
    if (most == 0)
        return 0;
    int64_t n = weft_file_read(source->file, source->block, most);
    *out = (weft_http_chunk){ source->block, n > 0 ? (size_t)n : 0 };
    source->left -= WF_MAX(n, (int64_t)0);
    if (n == 0 && source->size >= 0)
        return WEFT_EEOF;
    return n > 0 ? 1 : (int)n;
}

int wf_http_source_pull(struct wf_http_source *source, weft_http_chunk *out)
{
    if (source->form != NULL)
        return wf_http_form_pull(source->form, out);
    if (source->rx != NULL)
        return weft_receiver_recv(source->rx, out, sizeof(*out));
    return pull_file(source, out);
}

/* ---- the pump ----------------------------------------------------------------------------------------- */

bool wf_http_is_answered(void *arg)
{
    const weft_http_response *x = arg;
    return x->has_head || x->stage == WF_HTTP_OVER;
}

static bool may_go_on(void *arg)
{
    const weft_http_response *x = arg;
    return x->out.head == x->out.tail || wf_http_is_answered(arg);
}

static void publish(weft_http_response *x, size_t size, bool is_over, int code)
{
    wf_http_role_lock(&x->session->role);
    x->out.tail += size;
    x->is_up_over = is_over;
    x->up_code = code;
    if (x->is_up_paused)
        wf_http_ask_locked(x);
    wf_http_role_unlock(&x->session->role);
}

/* Behind what is gathered, of which the driver does not know yet; the ring is empty but for that. */
static size_t gather(weft_http_response *x, weft_http_chunk chunk, size_t n_gathered)
{
    struct wf_http_ring ring = x->out;
    size_t n = WF_MIN(chunk.size, ring.room - n_gathered);
    ring.tail += n_gathered;
    wf_http_ring_copy_in(&ring, chunk.data, n);
    return n;
}

/* Waits until what is gathered is on its way. 0, 1: the server has answered, or < 0. */
static int push(weft_http_response *x, size_t *n_gathered)
{
    publish(x, *n_gathered, false, 0);
    *n_gathered = 0;
    int rc = wf_http_wait(x, may_go_on);
    if (rc < 0)
        return rc;
    if (x->trace != NULL)
        wf_http_trace_sent(x);
    wf_http_role_lock(&x->session->role);
    bool is_over = wf_http_is_answered(x);
    wf_http_role_unlock(&x->session->role);
    return is_over;
}

/* As push; has_more: what fits is only gathered. */
static int add(weft_http_response *x, weft_http_chunk chunk, bool has_more, size_t *n_gathered)
{
    while (chunk.size > 0) {
        size_t n = gather(x, chunk, *n_gathered);
        *n_gathered += n;
        chunk.data += n;
        chunk.size -= n;
        if (has_more && *n_gathered < x->out.room)
            break;
        int rc = push(x, n_gathered);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void cut(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    x->is_cut = true;
    wf_http_note_complete_locked(x);
    wf_http_role_unlock(&x->session->role);
}

/* 0: all of it; 1: the server has answered, or < 0. */
static int send_body(weft_http_response *x, struct wf_http_source *source)
{
    weft_http_chunk chunk;
    size_t n_gathered = 0;
    int rc = 0;
    while (rc == 0) {
        rc = wf_http_source_pull(source, &chunk);
        if (rc <= 0)
            break;
        rc = add(x, chunk, rc == WF_HTTP_MORE, &n_gathered);
    }
    if (rc == 0)
        rc = weft_checkpoint(); /* a source that ends for a cancel has not given all */
    if (rc == 0)
        publish(x, n_gathered, true, 0);
    return rc;
}

int wf_http_upload(weft_http_response *x, struct wf_http_source *source)
{
    bool may_wait = source->size < 0; /* a receiver's, or a pipe's */
    int rc = wf_http_ring_reserve(&x->out, RING);
    if (rc == 0)
        rc = may_wait ? wf_http_send_watched(x, source, send_body) : send_body(x, source);
    if (rc < 0)
        publish(x, 0, true, rc); /* the server is not to take a part for the whole */
    else if (rc > 0)
        cut(x);
    return rc < 0 ? rc : 0;
}
