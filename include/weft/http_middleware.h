/* SPDX-License-Identifier: MIT */
/* Middleware: functions around each request of a session, to sign it, to make it again, to answer
 * it from elsewhere.
 *
 *     static int refresh(weft_http_call *call, weft_http_response **out_response, void *arg)
 *     {
 *         struct token *token = arg;
 *         call->opts.bearer = token->text;
 *         WEFT_TRY(weft_http_next(call, out_response));
 *         if (weft_http_status(*out_response) != 401)
 *             return 0;
 *         WEFT_TRY(renew(token));
 *         call->opts.bearer = token->text;
 *         return weft_http_next(call, out_response);    // closes the first answer
 *     }
 *     WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session,
 *         .middleware = (const weft_http_middleware[]){ { log_it, &log }, { refresh, &token },
 *                                                       { 0 } }), &session));
 *
 * The first of the list is the outermost: it sees the request first and the answer last. Behind
 * the last one is the session itself, with retries and redirects. They run in the task or thread
 * that makes the request, several at once, and may wait. .raise_for_status is heard when all
 * have returned. WebSockets go past them. A trace (weft/http_trace.h) tells of each request that
 * the session makes, and of no answer that a function gives.
 *
 * A function that fails has no answer: what it leaves in *out_response is closed. One that needs
 * another request for its own, to renew a token say, makes it by weft_http_next with a changed
 * copy of the call: weft_http_get on the same session would come back to it.
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_MIDDLEWARE_H
#define WEFT_HTTP_MIDDLEWARE_H

#include <weft/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_http_middleware;

/* A request on its way: all but the session may be changed. What its opts own is consumed by the
 * first weft_http_next; a body that is a receiver can't be sent twice. */
typedef struct weft_http_call {
    weft_http_session *session;
    const char *method;
    const char *url;
    const struct weft_http_middleware *next_;
    weft_http_request_opts opts;
} weft_http_call;

/* Lists of them end with a NULL function. */
typedef struct weft_http_middleware {
    int (*run)(weft_http_call *call, weft_http_response **out_response, void *arg);
    void *arg;
} weft_http_middleware;

/* Makes the request: the rest of the list, and then the session. As often as is wanted.
 *
 * A response that is in *out_response already is closed first: *out_response is NULL or one.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     a middleware
 * Returns  as weft_http_request, and
 *          WEFT_EHTTPREPLAY   the body is a receiver's, or a form's that has one, and was sent:
 *                             *out_response stays as it is                                  */
WEFT_API WEFT_MUST_CHECK int weft_http_next(const weft_http_call *call,
                                            weft_http_response **out_response);

/* An answer that comes from no server. */
typedef struct weft_http_answer_opts {
    size_t size_;
    int status;                     /* 200 to 599; 0 is 200 */
    const weft_http_field *headers; /* copied, like the body; its length is not read from them */
    const void *body;
    size_t body_size;
} weft_http_answer_opts;

/* Makes a response for the request, in place of a server's. opts may be NULL.
 *
 * A response that is in *out_response already is closed, after what opts says was copied.
 *
 * Waits    only for that close
 * Cancel   no
 * From     a middleware
 * Returns  0
 *          WEFT_EINVAL   a status, a header or a URL that can't be
 *          WEFT_ENOMEM                                                                      */
WEFT_API WEFT_MUST_CHECK int weft_http_answer(const weft_http_call *call,
                                              const weft_http_answer_opts *opts,
                                              weft_http_response **out_response);

#ifdef __cplusplus
}
#endif
#endif
