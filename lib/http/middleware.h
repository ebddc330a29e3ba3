/* SPDX-License-Identifier: MIT
 * The functions around a request, and what is behind them. */
#ifndef WF_HTTP_MIDDLEWARE_H
#define WF_HTTP_MIDDLEWARE_H

#include "http/session.h"

/* Replaces it by a copy, which is the session's (wf_free); NULL when there is no memory. */
WF_MUST_CHECK int wf_http_middleware_copy(const weft_http_middleware **list);

/* Has a receiver that is there no more: who sends one takes it out of its variable. */
bool wf_http_was_sent(const weft_http_request_opts *opts);

/* request.c: the session itself. Consumes what call owns, on every path. */
WF_MUST_CHECK int wf_http_send(weft_http_call *call, weft_http_response **out_response);

/* request.c: method, URL and the most that a whole body may be. */
WF_MUST_CHECK int wf_http_set_target(weft_http_response *x, const char *method, const char *url,
                                     const weft_http_request_opts *opts);

#endif
