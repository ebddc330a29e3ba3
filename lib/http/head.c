/* SPDX-License-Identifier: MIT
 * The head of an answer, line by line as libcurl hands it over, with every limit that a server could
 * pass and every way of saying two things about the length of the body. */
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>
#include <strings.h>

/* ---- the text -------------------------------------------------------------------------------------- */

static WF_NOINLINE bool grow(struct wf_http_head *head, size_t size)
{
    size_t room = WF_MAX(head->room * 2, (size_t)512);
    room = WF_MAX(room, head->size + size);
    char *grown = wf_realloc(head->text, room);
    if (grown == NULL)
        return false;
    head->text = grown;
    head->room = room;
    return true;
}

/* And a 0 behind it. */
static bool add_string(struct wf_http_head *head, const char *text, size_t size)
{
    if (head->room - head->size <= size && !grow(head, size + 1))
        return false;
    memcpy(head->text + head->size, text, size);
    head->text[head->size + size] = '\0';
    head->size += size + 1;
    return true;
}

static void trim(const char **text, size_t *size)
{
    while (*size > 0 && ((*text)[0] == ' ' || (*text)[0] == '\t'))
        (*text)++, (*size)--;
    while (*size > 0 && ((*text)[*size - 1] == ' ' || (*text)[*size - 1] == '\t'))
        (*size)--;
}

/* ---- what a field means for the body ------------------------------------------------------------------ */

/* -1: no number. */
static int64_t parse_length(const char *text)
{
    int64_t length = 0;
    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++)
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, *text - '0', &length))
            return -1;
    return length;
}

/* Of several codings chunked has to be the last one, or the body ends with the connection. */
static bool ends_with_chunked(const char *codings)
{
    const char *last = strrchr(codings, ',');
    const char *coding = last != NULL ? last + 1 : codings;
    return strcasecmp(coding + strspn(coding, " \t"), "chunked") == 0;
}

bool wf_http_head_tells_end(const struct wf_http_head *head)
{
    return head->length >= 0 || head->is_framed || head->status == 204 || head->status == 304;
}

/* As libcurl takes them. */
static bool is_no_coding(const char *value)
{
    return *value == '\0' || strcasecmp(value, "identity") == 0 || strcasecmp(value, "none") == 0;
}

static bool is_gzip(const char *value)
{
    return strcasecmp(value, "gzip") == 0 || strcasecmp(value, "x-gzip") == 0;
}

static bool is_name(const char *name, size_t size, const char *wanted)
{
    return size == strlen(wanted) && strcasecmp(name, wanted) == 0;
}

static int note_field(struct wf_http_head *head, const char *name, size_t size, const char *value)
{
    if (is_name(name, size, "Content-Length")) {
        int64_t length = parse_length(value);
        if (length < 0 || (head->length >= 0 && head->length != length))
            return WEFT_EHTTPPROTO;
        head->length = length;
    } else if (is_name(name, size, "Transfer-Encoding")) {
        head->is_chunked = true;
        head->is_framed = ends_with_chunked(value);
        head->n_codings += strcasecmp(value, "chunked") != 0;
    } else if (is_name(name, size, "Content-Encoding")) {
        head->is_gzip |= is_gzip(value);
        head->n_codings += !is_no_coding(value);
    } else if (is_name(name, size, "Set-Cookie")) {
        head->n_cookies++;
    }
    head->is_encoded = head->n_codings > 0;
    return 0;
}

/* ---- lines ----------------------------------------------------------------------------------------- */

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

/* Of "HTTP/1.1" or "HTTP/2"; libcurl has let no other through. */
static int version_of(const char *line, const char *end)
{
    const char *at = line + strlen("HTTP/");
    int major = is_digit(at, end) ? at[0] - '0' : 0;
    bool has_minor = at + 1 < end && at[1] == '.' && is_digit(at + 2, end);
    return major * 10 + (has_minor ? at[2] - '0' : 0);
}

static int status_line(struct wf_http_head *head, const char *line, size_t size)
{
    const char *at = memchr(line, ' ', size);
    head->version = version_of(line, line + size);
    head->n_fields = 0;
    head->size = 0;
    head->length = -1;
    head->is_chunked = head->is_framed = head->is_encoded = head->is_gzip = false;
    head->n_codings = 0;
    head->status = 0;
    for (int i = 1; i <= 3; i++) {
        if (at == NULL || at + i >= line + size || at[i] < '0' || at[i] > '9')
            return WEFT_EHTTPPROTO;
        head->status = head->status * 10 + (at[i] - '0');
    }
    return 0;
}

/* A line that goes on with the value of the one before (obsolete, and still seen). */
static int folded_line(struct wf_http_head *head, const char *line, size_t size)
{
    if (head->n_fields == 0)
        return WEFT_EHTTPPROTO;
    trim(&line, &size);
    head->text[head->size - 1] = ' '; /* where the 0 was */
    return add_string(head, line, size) ? 0 : WEFT_ENOMEM;
}

/* Many answers are waited for at once: each has room for the fields that it has. */
static bool add_field(struct wf_http_head *head, size_t name, size_t value)
{
    if (head->n_fields == head->fields_room) {
        unsigned room = head->fields_room == 0 ? 16 : head->fields_room * 2;
        struct wf_http_field_place *grown = wf_realloc(head->fields,
                                                       wf_size_with(0, room, sizeof(*grown)));
        if (grown == NULL)
            return false;
        head->fields = grown;
        head->fields_room = room;
    }
    head->fields[head->n_fields++] = (struct wf_http_field_place){ (uint32_t)name,
                                                                   (uint32_t)value };
    return true;
}

static int field_line(struct wf_http_head *head, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    if (colon == NULL)
        return WEFT_EHTTPPROTO;
    size_t name = head->size, n = (size_t)(colon - line);
    const char *value = colon + 1;
    size_t value_size = size - n - 1;
    trim(&value, &value_size);
    if (!add_string(head, line, n) || !add_string(head, value, value_size) ||
        !add_field(head, name, name + n + 1))
        return WEFT_ENOMEM;
    if (!wf_http_is_token(head->text + name) || strlen(head->text + name) != n)
        return WEFT_EHTTPPROTO;
    return note_field(head, head->text + name, n, head->text + name + n + 1);
}

static int end_of_head(const struct wf_http_head *head)
{
    if (head->status < 200 && head->status != 101)
        return 0; /* another one follows */
    return head->is_chunked && head->length >= 0 ? WEFT_EHTTPPROTO : 1;
}

int wf_http_head_line(struct wf_http_head *head, bool is_complete, const char *line, size_t size)
{
    head->n_bytes += size;
    if (++head->n_lines > WF_HTTP_MAX_LINES || head->n_bytes > WF_HTTP_MAX_HEAD)
        return WEFT_EHTTPLIMIT;
    if (is_complete)
        return 0; /* a trailer */
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        size--;
    if (size == 0)
        return end_of_head(head);
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0)
        return status_line(head, line, size);
    if (line[0] == ' ' || line[0] == '\t')
        return folded_line(head, line, size);
    return field_line(head, line, size);
}

const char *wf_http_head_find(const struct wf_http_head *head, const char *name)
{
    for (unsigned i = 0; i < head->n_fields; i++)
        if (strcasecmp(head->text + head->fields[i].name, name) == 0)
            return head->text + head->fields[i].value;
    return NULL;
}
