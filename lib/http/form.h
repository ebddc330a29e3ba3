/* SPDX-License-Identifier: MIT
 * Forms as bodies of requests. One that is urlencoded is a text in memory; multipart is a source of
 * which each part is a piece of memory or a source of its own.
 *
 *   F1  What the length of a request counts is what is sent: heads are written by one function for both,
 *       and a file gives as many bytes as it was announced with or fails. Else the server would take the
 *       rest for another request. */
#ifndef WF_HTTP_FORM_H
#define WF_HTTP_FORM_H

#include "http/session.h"

struct wf_http_form_part {
    weft_receiver *rx; /* until the part is sent */
    int64_t size;      /* -1: not known */
};

struct wf_http_form {
    const weft_http_part *parts; /* the caller's */
    struct wf_http_form_part *own;
    size_t n;
    char boundary[48], type[96];
    char *text; /* urlencoded */

    /* What is sent next: part i, its head unless is_within; n is the end's turn. */
    size_t i;
    bool is_within;
    char *head;
    weft_http_chunk memory;
    struct wf_http_source data;
};

/* Takes over what the parts own, on every path; to be closed on every path. A body and its type are
 * put into opts. Nothing for a request without a form. */
WF_MUST_CHECK int wf_http_form_open(struct wf_http_form *form, weft_http_request_opts *opts);
void wf_http_form_close(struct wf_http_form *form);

/* From its beginning. *out_size is -1 if it is not known. */
WF_MUST_CHECK int wf_http_form_begin(struct wf_http_form *form, int64_t *out_size);

/* As wf_http_source_pull. */
WF_MUST_CHECK int wf_http_form_pull(struct wf_http_form *form, weft_http_chunk *out);

/* ---- form_text.c: their sizes, and, where `to` is not NULL, they themselves; no 0 at the end -------------- */

size_t wf_http_form_fields(const weft_http_field *fields, char *to);
size_t wf_http_form_head(const struct wf_http_form *form, size_t i, char *to); /* of a part */
size_t wf_http_form_end(const struct wf_http_form *form, char *to);

/* Makes it, and the type that names it. */
WF_MUST_CHECK int wf_http_form_boundary(struct wf_http_form *form);

#endif
