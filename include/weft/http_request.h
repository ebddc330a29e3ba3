/* SPDX-License-Identifier: MIT */
/* Requests: what goes to the server, and how long each part of it may take.
 *
 *     WEFT_TRY(weft_http_post(session, "https://example.org/items", WEFT_OPTS(http_request,
 *         .query = (const weft_http_field[]){ { "kind", "book" }, { 0 } },
 *         .content_type = "application/json", .body = json, .body_size = strlen(json)),
 *         &response));
 *
 * Names and values are checked byte by byte: no line break gets into a request by way of a
 * value. A request returns when the head of the answer is there; its body is then read from
 * the response (weft/http_response.h). A status of 404 is an answer like any other, unless
 * .raise_for_status says that it is an error.
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_REQUEST_H
#define WEFT_HTTP_REQUEST_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/http_retry.h>
#ifndef __cplusplus
#include <weft/chan_typed.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_http_session weft_http_session;
typedef struct weft_http_response weft_http_response;

/* A header or a parameter. Lists of them end with a NULL name. */
typedef struct weft_http_field {
    const char *name;
    const char *value;
} weft_http_field;

/* A piece of a body: data stays valid until the next receive from the same receiver. */
typedef struct weft_http_chunk {
    const char *data;
    size_t size;
} weft_http_chunk;

/* How long each part of a request may take. 0: as the session says; negative: no limit. Each
 * has a code of its own. A deadline for the whole of it is the scope's (weft/scope.h). */
typedef struct weft_http_timeouts {
    int64_t pool_ns;         /* waiting for a place: WEFT_EHTTPPOOL; no limit */
    int64_t connect_ns;      /* name, connection, TLS: WEFT_EHTTPCONNECT; 10 s */
    int64_t first_byte_ns;   /* from then to the answer's head: WEFT_EHTTPFIRST; 30 s */
    int64_t idle_ns;         /* between bytes while they are wanted: WEFT_EHTTPIDLE; 30 s */
    int64_t total_ns;        /* all but waiting for a place: WEFT_EHTTPTOTAL; no limit */
} weft_http_timeouts;

struct weft_http_part;

typedef struct weft_http_request_opts {
    size_t size_;
    const weft_http_field *query;     /* appended to the URL, percent-encoded */
    const weft_http_field *headers;   /* beside the session's; those of the same name give way */
    const weft_http_field *cross_origin_headers; /* likewise; redirects take them anywhere */
    const char *content_type;
    const char *bearer;               /* Authorization: Bearer ... */
    const char *user, *password;      /* in place of the session's; as weft/http.h says, */
    bool digest;                      /* this too, which the session's need not be */
    const void *body;                 /* copied */
    size_t body_size;
    const char *body_path;            /* or a file */
#ifdef __cplusplus
    void *body_rx;
#else
    weft_rx(weft_http_chunk) *body_rx; /* or what a receiver yields, handed over: WEFT_MOVE(rx);
                                          sent in chunks, and no more once the server answers */
#endif
    weft_http_timeouts timeouts;
    bool raise_for_status;            /* 400 and more is WEFT_EHTTPSTATUS */
    int max_redirects;                /* 0: as the session says; negative: none is followed */
    const weft_http_retry_opts *retry; /* in place of the session's */
    size_t max_body;                  /* for whole bodies (text, read_all); 0: 64 MiB */
    const struct weft_http_part *form; /* multipart, with files: weft/http_form.h */
    const weft_http_field *urlencoded; /* or a form without */
} weft_http_request_opts;

/* Sends a request and waits for the head of the answer.
 *
 * method is any token, "GET" say. url is absolute, or relative to the session's base_url.
 * opts may be NULL; what it owns is consumed on every path. The response is the caller's to
 * close, by one task or thread at a time.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  0
 *          WEFT_EHTTPPOOL, WEFT_EHTTPCONNECT, WEFT_EHTTPFIRST, WEFT_EHTTPTOTAL   too late
 *          WEFT_ENAME         the host's name is not known
 *          WEFT_EHTTPTLS      no trusted connection: the certificate or the handshake;
 *                             WEFT_EHTTPPIN: another key than .pinned_key; WEFT_EHTTPCERT:
 *                             .ca_file, .client_cert or .client_key can't be used
 *          WEFT_EHTTPPROXY    the proxy refuses to connect
 *          WEFT_EHTTPPROTO    what came is not an HTTP answer; WEFT_EHTTPLIMIT: its head is too
 *                             long; WEFT_EEOF: it ended within it, or the connection while more of
 *                             a body was waited for
 *          WEFT_EHTTPREDIRECT one redirect too many, or one to where none may go
 *          WEFT_EHTTPSTATUS   with .raise_for_status
 *          WEFT_ECLOSED       the session is closed
 *          WEFT_EINVAL        a method, URL, name or value that can't be sent
 *          -EACCES            the host has a private address, and .refuse_private
 *          WEFT_EAGAIN        no thread could be had
 *          WEFT_ECANCELED, WEFT_ENOMEM, or -errno of the connection                         */
WEFT_API WEFT_MUST_CHECK int weft_http_request(weft_http_session *session, const char *method,
                                               const char *url,
                                               const weft_http_request_opts *opts,
                                               weft_http_response **out_response);

/* weft_http_request with "GET".
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_get(weft_http_session *session, const char *url,
                                           const weft_http_request_opts *opts,
                                           weft_http_response **out_response);

/* weft_http_request with "POST".
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_post(weft_http_session *session, const char *url,
                                            const weft_http_request_opts *opts,
                                            weft_http_response **out_response);

/* weft_http_request with "PUT".
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_put(weft_http_session *session, const char *url,
                                           const weft_http_request_opts *opts,
                                           weft_http_response **out_response);

/* weft_http_request with "PATCH".
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_patch(weft_http_session *session, const char *url,
                                             const weft_http_request_opts *opts,
                                             weft_http_response **out_response);

/* weft_http_request with "DELETE".
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_delete(weft_http_session *session, const char *url,
                                              const weft_http_request_opts *opts,
                                              weft_http_response **out_response);

/* weft_http_request with "HEAD": an answer without a body.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_head(weft_http_session *session, const char *url,
                                            const weft_http_request_opts *opts,
                                            weft_http_response **out_response);

/* weft_http_request with "OPTIONS".
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the request is given up
 * From     any thread
 * Returns  as weft_http_request                                                             */
WEFT_API WEFT_MUST_CHECK int weft_http_options(weft_http_session *session, const char *url,
                                               const weft_http_request_opts *opts,
                                               weft_http_response **out_response);

#ifdef __cplusplus
}
#endif
#endif
