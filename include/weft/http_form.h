/* SPDX-License-Identifier: MIT */
/* Forms: what a browser sends when one is submitted, files included.
 *
 *     WEFT_TRY(weft_http_post(session, url, WEFT_OPTS(http_request,
 *         .form = (const weft_http_part[]){ { .name = "title", .value = "Notes" },
 *                                           { .name = "notes", .path = "notes.txt" },
 *                                           { 0 } }), &response));
 *
 * .form is multipart/form-data. It is written while it is sent, a file a piece at a time. The
 * request gives its length if that of each part is known, else it goes in chunks; it can be made
 * again, by a retry or a redirect, if no part is a receiver or a file without a size. The boundary
 * between parts is random. It says its type itself: a Content-Type beside it is WEFT_EINVAL.
 * .urlencoded, a list of fields, is application/x-www-form-urlencoded, unless another type is
 * given.
 *
 * A file that is not there fails before anything is sent. One that becomes shorter while it is
 * sent is WEFT_EEOF, and of one that becomes longer goes what it had at first.
 *
 * A line break or a quote in a name or a file's name goes percent-encoded, as the HTML standard
 * has it, so that it begins no line of its own; all other bytes go as they are.
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_FORM_H
#define WEFT_HTTP_FORM_H

#include <weft/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a form: one of value, data, path and rx is set. Lists of them end with a NULL name.
 * What a part points to is read until the request returns. */
typedef struct weft_http_part {
    const char *name;
    const char *value;    /* text */
    const void *data;     /* or bytes */
    size_t data_size;
    const char *path;     /* or a file */
#ifdef __cplusplus
    void *rx;
#else
    weft_rx(weft_http_chunk) *rx; /* or what a receiver yields, handed over: WEFT_MOVE(rx) */
#endif
    const char *type;     /* its Content-Type; of a file "application/octet-stream" */
    const char *filename; /* what a file is called; NULL: as its path ends, and a value has none */
} weft_http_part;

#ifdef __cplusplus
}
#endif
#endif
