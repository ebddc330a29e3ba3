/* SPDX-License-Identifier: MIT */
/* Tracing: what becomes of each request of a session, told as it goes on.
 *
 *     static void log_it(const weft_http_trace *trace, void *arg)
 *     {
 *         fprintf(arg, "%" PRIu64 " %s %s: %s after %.3f ms\n", trace->id, trace->method,
 *                 trace->url, weft_http_phase_name(trace->phase), (double)trace->at_ns / 1e6);
 *     }
 *
 *     WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session,
 *         .on_trace = log_it, .trace_arg = stderr), &session));
 *
 * The function is called by whoever makes the request, reads its body or closes its response,
 * within that call: so it may do what the caller may, wait and make requests too, and what it
 * does holds up its own request alone. It doesn't use the response that it is told of, nor close
 * the session. Requests that are under way at once call it at once; what is told of one comes
 * one after the other. What happened while the caller waited is told when that wait is over,
 * with the time at which it was; times of one request never go back.
 *
 * Of a request that was queued exactly one end is told, WEFT_HTTP_ENDED or WEFT_HTTP_FAILED; one
 * that was refused for its arguments tells of nothing. A session without a function pays one
 * branch. Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_TRACE_H
#define WEFT_HTTP_TRACE_H

#include <weft/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the order in which a request goes through them. From WEFT_HTTP_QUEUED on they come again
 * with each redirect and each other try. */
typedef enum weft_http_phase {
    WEFT_HTTP_QUEUED = 1,     /* it waits for a place */
    WEFT_HTTP_ADMITTED,       /* it has one */
    WEFT_HTTP_NAMED,          /* the host's addresses are known */
    WEFT_HTTP_CONNECTED,      /* to the server, or its proxy */
    WEFT_HTTP_SECURED,        /* TLS is agreed on */
    WEFT_HTTP_REUSED,         /* in place of the three: a kept connection */
    WEFT_HTTP_SENDING,        /* the request's head goes out */
    WEFT_HTTP_CHUNK_SENT,     /* .size bytes of its body */
    WEFT_HTTP_HEAD_RECEIVED,  /* the answer's: .status, .version */
    WEFT_HTTP_CHUNK_RECEIVED, /* .size bytes of its body are there to be read */
    WEFT_HTTP_REDIRECTED,     /* the answer, .status, leads to .url */
    WEFT_HTTP_RETRIED,        /* it goes again in .wait_ns, for .code or .status */
    WEFT_HTTP_ENDED,          /* its body was read, or its response closed before */
    WEFT_HTTP_FAILED,         /* with .code, as the caller is told */
} weft_http_phase;

/* What has happened. Valid as long as the call. */
typedef struct weft_http_trace {
    weft_http_phase phase;
    uint64_t id;              /* the request's, 1 for the session's first */
    int64_t at_ns;            /* when, since the request was queued first */
    const char *method;
    const char *url;          /* without a user and a password; its query included */
    int status;               /* of the answer; 0 before there is one */
    int version;              /* 11 is HTTP/1.1; 0 before */
    int code;                 /* WEFT_HTTP_FAILED, WEFT_HTTP_RETRIED: an error, or 0 */
    bool is_reused;           /* it goes over a connection that was kept */
    size_t size;              /* of a chunk, as it is after unpacking */
    int64_t sent;             /* bytes of the bodies of this try: of the request, */
    int64_t received;         /* and of the answer; read or not */
    int64_t wait_ns;          /* WEFT_HTTP_RETRIED: until the next try */
} weft_http_trace;

/* The name of a phase, as "head received".
 *
 * Waits    no
 * From     any thread
 * Returns  static text; "?" for what is none                                                */
WEFT_API const char *weft_http_phase_name(weft_http_phase phase);

#ifdef __cplusplus
}
#endif
#endif
