/* SPDX-License-Identifier: MIT
 * What a session's on_trace is told of a request.
 *
 *   G1  It is called by whoever has the response, within his call, with the lock free and on his own
 *       stack: never in a turn. What happens in turns is noted in `seen`, and told once he is back.
 *   G2  `seen` is written under the lock: by turns while the transfer is the driver's, and by the caller
 *       between two tries. The rest of it is the caller's alone.
 *   G3  From its first QUEUED on a request tells of one end: is_ended is set by the first that is told.
 *
 * All calls are for a response whose trace is not NULL: `if (x->trace != NULL)` is what it costs where
 * nobody is told. */
#ifndef WF_HTTP_TRACE_H
#define WF_HTTP_TRACE_H

#include "http/session.h"

/* Of one try: when, by weft_now_ns; 0: not so far. */
struct wf_http_seen {
    int64_t begun_ns, named_ns, connected_ns, secured_ns, sending_ns, head_ns, over_ns;
    bool is_reused;
};

struct wf_http_trace {
    struct wf_http_seen seen; /* G2 */
    uint64_t id;
    int64_t start_ns, last_ns;
    unsigned told; /* bits: which phases of this try have been */
    size_t told_out, told_in;
    bool is_begun, is_ended;
};

/* For a response whose session has an on_trace; *out is NULL where it has none. */
WF_MUST_CHECK int wf_http_trace_make(weft_http_session *session, struct wf_http_trace **out);

/* ---- by the caller ---------------------------------------------------------------------------------- */

void wf_http_trace_queued(weft_http_response *x);                /* a try begins */
void wf_http_trace_sent(weft_http_response *x);                  /* what is known of it so far */
void wf_http_trace_head(weft_http_response *x);                  /* ... and the answer's head */
void wf_http_trace_received(weft_http_response *x, size_t size); /* so much is there to be taken */
void wf_http_trace_redirected(weft_http_response *x);
void wf_http_trace_retried(weft_http_response *x, int code, int64_t wait_ns);
void wf_http_trace_end(weft_http_response *x, int code);
void wf_http_trace_left(weft_http_response *x); /* nothing of it is the driver's any more */

/* ---- in a turn -------------------------------------------------------------------------------------- */

void wf_http_trace_begun(weft_http_response *x);
void wf_http_trace_sending(weft_http_response *x);
void wf_http_trace_look(weft_http_response *x); /* at libcurl's times */
void wf_http_trace_over_locked(weft_http_response *x);

#endif
