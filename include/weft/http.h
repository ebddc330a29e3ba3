/* SPDX-License-Identifier: MIT */
/* HTTP: one session with its pool of connections, and a response for each request.
 *
 *     WEFT_AUTO(weft_http_session, session);
 *     WEFT_TRY(weft_http_session_open(NULL, &session));
 *     for (size_t i = 0; i < n_urls; i++) {
 *         WEFT_AUTO(weft_http_response, response);        // closed at each turn's brace
 *         WEFT_TRY(weft_http_get(session, urls[i], NULL, &response));
 *         WEFT_TRY(weft_http_text(response, &texts[i]));
 *     }
 *
 * A session is used by any number of tasks and plain threads at once. There is no thread
 * behind it: whoever waits for an answer moves all of them on. It is a library of its own,
 * weft-http (pkg-config) or weft::http (CMake), on libcurl; weft.h does not include it.
 *
 * Secure unless told otherwise: http and https alone, certificates checked, TLS 1.2 or later;
 * no .netrc, no proxy from the environment and no cookies unless asked for. Credentials and
 * headers of the request's own do not follow a redirect to another origin. A user and a
 * password in a URL are sent to its origin, unless an Authorization is given otherwise;
 * weft_http_url shows them.
 */
#ifndef WEFT_HTTP_H
#define WEFT_HTTP_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/http_form.h>
#include <weft/http_middleware.h>
#include <weft/http_request.h>
#include <weft/http_response.h>
#include <weft/http_trace.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a session does things. 0 in a field is its default. Text is copied. */
typedef struct weft_http_session_opts {
    size_t size_;
    const char *base_url;             /* what relative URLs are relative to */
    const weft_http_field *headers;   /* for each request */
    const weft_http_field *cross_origin_headers; /* likewise; redirects take them anywhere */
    const char *user_agent;           /* "weft" */
    unsigned limit;                   /* transfers at once; 100 */
    unsigned host_limit;              /* for each scheme, host and port; 0: no limit */
    weft_http_timeouts timeouts;
    int64_t close_wait_ns;            /* how long a close lets what is under way end; 0: not */
    bool raise_for_status;
    int max_redirects;                /* 10; negative: none is followed */
    const weft_http_retry_opts *retry; /* NULL: none but on a kept connection that was dead */
    int retry_percent;                /* most retries to 100 requests, after the first 10; 20;
                                         negative: no limit */
    const char *ca_file;              /* whom to trust in place of the system's, in PEM */
    const char *client_cert;          /* who we are, in PEM, */
    const char *client_key;           /* and its key, if that is not in the same file */
    const char *client_key_password;  /* of a key that has one */
    const char *pinned_key;           /* the server's public key: "sha256//..."; several with a
                                         semicolon between: one of them */
    const char *unix_socket;          /* where all connections go */
    const char *proxy;                /* "http://host:port" or https; requests of https go through
                                         it unread */
    const char *proxy_user, *proxy_password; /* told to the proxy alone */
    const char *no_proxy;             /* hosts that are asked directly: "localhost,.example.org" */
    bool proxy_from_environment;      /* http_proxy, https_proxy, no_proxy */
    bool insecure_any_certificate;    /* trust whoever answers: for tests */
    bool http2;                       /* offered to servers with TLS; see below */
    const char *user, *password;      /* Authorization: Basic ..., for each request; */
    bool digest;                      /* or a proof for servers that challenge: Digest. Then a
                                         request takes two, and a body goes with the second;
                                         later ones to the same server have the proof with
                                         them, unless their body is no memory. Not for
                                         WebSockets */
    const char *netrc;                /* a file of users by host, "~/.netrc" spelt out: for
                                         requests that have none. Read once; others must not be
                                         able to read it; "default" is for no host */
    bool no_compression;              /* answers come as they are: none is asked to be packed */
    bool refuse_private;              /* names that lead into this network are -EACCES; not with a
                                         proxy, which looks names up itself */
    bool cookies;                     /* kept, and sent back (weft/http_cookies.h) */
    const weft_http_middleware *middleware; /* around each request (weft/http_middleware.h) */
    /* Told of each phase of each request (weft/http_trace.h), with trace_arg. */
    void (*on_trace)(const weft_http_trace *trace, void *arg);
    void *trace_arg;                  /* outlives the session and its responses */
} weft_http_session_opts;

/* With .http2 up to 16 requests at once share a connection to a server that speaks it
 * (weft_http_version_of). Its price is memory: what comes of a body before it is read is not held
 * back at 64 KiB, but by what libcurl has let the server send ahead, 32 MiB (10 MiB for some
 * versions) for each response that is open; so .limit times that is what a session may hold. A
 * session that streams long bodies to slow readers does better without. With libcurl before 8.1 a
 * request whose body's length is not known goes by HTTP/1.1, on a connection of its own: its end
 * would take bytes from the bodies that others read slowly. */

/* Opens a session. opts may be NULL.
 *
 * The caller closes it. It is in the ledger of resources (weft/resource.h).
 *
 * Waits    the task, or a plain thread, while .netrc is read; else no
 * From     any thread
 * Returns  0
 *          WEFT_ENOTSUP   this libcurl can't do what the options ask for
 *          WEFT_EINVAL    a header or a base URL that can't be sent; a pin or a proxy that is
 *                         none; a key without a certificate; .refuse_private with a proxy
 *          -EACCES        .netrc can be read by others, or not by us; -EBADMSG: it is none;
 *                         or else -errno of reading it
 *          WEFT_ENOMEM, or -errno: no descriptor is left                                     */
WEFT_API WEFT_MUST_CHECK int weft_http_session_open(const weft_http_session_opts *opts,
                                                    weft_http_session **out_session);

/* Closes the session: what is still under way ends with WEFT_ECLOSED. NULL is 0.
 *
 * Responses that are open stay so, for their holders to close; reads of them that wait return
 * WEFT_ECLOSED. A report names each (weft/resource.h); how many there were is what the close
 * returns.
 *
 * Waits    the task, or a plain thread, for .close_wait_ns at most, and the driver
 * Cancel   no: shielded, within the teardown budget
 * From     any thread, once, when no request is being made
 * Returns  how many responses were left open, or 0                                          */
WEFT_API int weft_http_session_close(weft_http_session *session);

/* What the client is made of: weft, libcurl and its libraries.
 *
 * Waits    no
 * From     any thread
 * Returns  static text                                                                      */
WEFT_API const char *weft_http_version(void);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_http_session, weft_http_session_close)

#endif
#endif
