/* SPDX-License-Identifier: MIT
 * Requests that are made again: whether, and after how long. */
#ifndef WF_HTTP_RETRY_H
#define WF_HTTP_RETRY_H

#include "http/session.h"

#include "base/rng.h"

struct wf_http_retries {
    weft_http_retry_opts policy; /* with its defaults; .tries is 1 where there is none */
    int n_tries;
    bool has_reconnected; /* once, after a kept connection that was dead */
    struct wf_rng rng;
};

/* Of the request, or else of the session. */
void wf_http_retries_init(struct wf_http_retries *retries, const weft_http_response *x,
                          const weft_http_request_opts *opts);

/* wf_http_run, and again as long as retries say so. The source is opened anew for each try. */
WF_MUST_CHECK int wf_http_run_with_retries(weft_http_response *x,
                                           const weft_http_request_opts *opts,
                                           struct wf_http_source *source,
                                           struct wf_http_retries *retries);

/* Is it a failure that another attempt may mend? */
bool wf_http_is_passing(int rc);

/* How long Retry-After asks to wait, from now_s (seconds of the calendar) on; -1: it is neither a number
 * nor a date. */
int64_t wf_http_retry_after(const char *value, int64_t now_s);

#endif
