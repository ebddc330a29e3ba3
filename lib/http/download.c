/* SPDX-License-Identifier: MIT
 * A URL into a file: which part of it is asked for, and whether the answer is that part. */
#include "http/download.h"

#include "base/opts.h"
#include "http/session.h"
#include "plat/mem.h"

#include <stdio.h>
#include <string.h>
#include <weft/chan.h>
#include <weft/file.h>

enum { OWN_HEADERS = 3 };

struct download {
    weft_http_session *session;
    weft_http_download_opts opts;
    weft_http_request_opts request;
    weft_http_field *headers; /* the caller's, with room for OWN_HEADERS more and the end */
    size_t n_headers;
    char range[64];
    struct wf_http_part part;
    weft_http_progress progress;
    bool is_unwatched; /* nobody is told of the progress, or he has gone */
    bool is_stale;     /* the server has no such rest */
    size_t n_known;    /* bytes that come first, and are in the file already */
};

/* ---- asking -------------------------------------------------------------------------------------------- */

/* Asks for what is missing, and for the byte before: of a part that is the whole, too, there is a rest. */
static int ask(struct download *d, weft_http_response **out)
{
    weft_http_field *field = d->headers + d->n_headers;
    *field++ = (weft_http_field){ "Accept-Encoding", "identity" };
    if (d->part.size > 0) {
        (void)snprintf(d->range, sizeof(d->range), "bytes=%lld-", (long long)d->part.size - 1);
        *field++ = (weft_http_field){ "Range", d->range };
        *field++ = (weft_http_field){ "If-Range", d->part.validator };
    }
    *field = (weft_http_field){ NULL, NULL };
    return weft_http_get(d->session, d->part.url, &d->request, out);
}

/* ---- the answer ------------------------------------------------------------------------------------------ */

static bool parse_number(const char **at, int64_t *out)
{
    const char *begin = *at;
    int64_t n = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **at - '0', &n))
            return false;
    *out = n;
    return *at > begin;
}

bool wf_http_parse_range(const char *text, int64_t *out_from, int64_t *out_total)
{
    int64_t last;
    if (text == NULL || strncmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    if (!parse_number(&text, out_from) || *text++ != '-' || !parse_number(&text, &last) ||
        *text++ != '/' || last < *out_from)
        return false;
    if (strcmp(text, "*") == 0) {
        *out_total = -1;
        return true;
    }
    return parse_number(&text, out_total) && *text == '\0' && last < *out_total;
}

/* 206: the rest, or what nobody has asked for. */
static int take_rest(struct download *d, const weft_http_response *response)
{
    int64_t from, total;
    if (d->part.size == 0 || response->head.is_encoded ||
        !wf_http_parse_range(weft_http_header(response, "Content-Range"), &from, &total) ||
        from != d->part.size - 1)
        return WEFT_EHTTPPROTO;
    d->progress = (weft_http_progress){ d->part.size, total, d->part.size };
    d->n_known = 1;
    return 0;
}

static int take_all(struct download *d, const weft_http_response *response)
{
    bool is_known = response->head.length >= 0 && !response->head.is_encoded;
    d->n_known = 0;
    d->progress = (weft_http_progress){ 0, is_known ? response->head.length : -1, 0 };
    return wf_http_part_restart(&d->part, response);
}

/* 0, or < 0: what is in the file stays there. */
static int take_head(struct download *d, const weft_http_response *response)
{
    int status = weft_http_status(response);
    int rc = status == 206   ? take_rest(d, response)
             : status == 200 ? take_all(d, response)
                             : WEFT_EHTTPSTATUS;
    d->is_stale = rc == WEFT_EHTTPPROTO || (status == 416 && d->part.size > 0);
    bool is_long = d->opts.max_size > 0 && d->progress.total > d->opts.max_size;
    return rc == 0 && is_long ? WEFT_EHTTPLIMIT : rc;
}

/* ---- the body -------------------------------------------------------------------------------------------- */

static int tell(struct download *d)
{
    if (d->is_unwatched)
        return 0;
    weft_sender *tx = (weft_sender *)(uintptr_t)d->opts.progress;
    int rc = weft_sender_send(tx, &d->progress, sizeof(d->progress));
    d->is_unwatched = rc == WEFT_ECLOSED;
    return rc == WEFT_ECLOSED ? 0 : rc;
}

static int write_piece(struct download *d, weft_file *file, const char *data, size_t size)
{
    size_t n_known = WF_MIN(d->n_known, size), n_written = 0;
    d->n_known -= n_known;
    size -= n_known;
    if (d->opts.max_size > 0 && (int64_t)size > d->opts.max_size - d->progress.size)
        return WEFT_EHTTPLIMIT;
    int rc = weft_file_write_all(file, data + n_known, size, &n_written);
    d->progress.size += (int64_t)n_written;
    return rc == 0 ? tell(d) : rc;
}

static int write_body(struct download *d, weft_http_response *response, weft_file *file)
{
    const char *data = NULL;
    int64_t n;
    int rc = tell(d);
    while (rc == 0 && (n = wf_http_body_wait(response, &data)) != 0) {
        if (n < 0)
            return (int)n;
        rc = write_piece(d, file, data, (size_t)n);
        wf_http_body_taken(response, (size_t)n);
    }
    if (rc == 0 && d->progress.total >= 0 && d->progress.size != d->progress.total)
        rc = WEFT_EEOF; /* the part of a part: the rest is for another attempt */
    return rc;
}

static int save(struct download *d, weft_http_response *response)
{
    weft_file *file = NULL;
    int rc = take_head(d, response);
    if (rc == 0)
        rc = weft_file_open(d->part.part, "a", &file);
    if (rc >= 0)
        rc = write_body(d, response, file);
    int closed = weft_file_close(file);
    if (rc == 0)
        rc = closed;
    return rc == 0 ? wf_http_part_finish(&d->part) : rc;
}

/* ---- a download ------------------------------------------------------------------------------------------- */

static int attempt(struct download *d)
{
    weft_http_response *response = NULL;
    int rc = ask(d, &response);
    if (rc == 0)
        rc = save(d, response);
    (void)weft_http_response_close(response);
    return rc;
}

/* A rest that the server has not, though it is of this version, or that is another one: then all is asked
 * for, once. */
static int run(struct download *d)
{
    d->headers = wf_http_fields_extend(d->request.headers, OWN_HEADERS, &d->n_headers);
    if (d->headers == NULL)
        return WEFT_ENOMEM;
    d->request.headers = d->headers;
    if (d->opts.restart)
        d->part.size = 0;
    d->progress = (weft_http_progress){ d->part.size, -1, d->part.size };
    int rc = attempt(d);
    if (d->is_stale && d->part.size > 0) {
        d->part.size = 0;
        rc = attempt(d);
    }
    return rc;
}

static int take_opts(struct download *d, const weft_http_download_opts *user_opts)
{
    wf_opts_copy(&d->opts, sizeof(d->opts), user_opts);
    d->is_unwatched = d->opts.progress == NULL;
    wf_opts_copy(&d->request, sizeof(d->request), d->opts.request);
    return wf_http_source_drop(&d->request) ? WEFT_EINVAL : 0;
}

int weft_http_download(weft_http_session *session, const char *url, const char *path,
                       const weft_http_download_opts *opts, weft_http_progress *out_progress)
{
    struct download d = { .session = session, .progress = { .total = -1 } };
    int rc = take_opts(&d, opts);
    if (rc == 0 && (session == NULL || url == NULL || path == NULL))
        rc = WEFT_EINVAL;
    if (rc == 0)
        rc = wf_http_part_open(&d.part, url, path);
    if (rc == 0)
        rc = run(&d);
    wf_http_part_close(&d.part);
    wf_free(d.headers);
    if (out_progress != NULL)
        *out_progress = d.progress;
    return rc;
}
