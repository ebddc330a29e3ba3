/* SPDX-License-Identifier: MIT */
/* Cookies: a session opened with .cookies keeps what servers set, and sends it back to them.
 *
 *     WEFT_AUTO(weft_http_session, session);
 *     WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session, .cookies = true), &session));
 *     int rc = weft_http_cookies_load(session, "cookies.txt");
 *     if (rc < 0 && rc != -ENOENT)
 *         return rc;
 *     ...
 *     WEFT_TRY(weft_http_cookies_save(session, "cookies.txt"));
 *
 * The rules are libcurl's (RFC 6265): a cookie goes to its domain and path, one that is secure
 * over TLS or to this machine, and none may be set for a public suffix such as "co.uk". As in a
 * browser, a host's ports have their cookies in common. Each hop of a redirect sets cookies,
 * and gets those of its own host alone. A request with a Cookie header of its own sends that
 * and nothing else, and keeps nothing. WebSockets have no part in it.
 *
 * All requests of a session share its cookies, and no other session does. It keeps the last 150
 * of a domain, as many as libcurl sends at once, and 3,000 in all: beyond that each domain keeps
 * its last 75, or half of that, until they fit. They are counted after each 100 that were set.
 * When memory is short then, some that would be kept are lost.
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_COOKIES_H
#define WEFT_HTTP_COOKIES_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_http_cookie {
    const char *domain;
    const char *path;
    const char *name;
    const char *value;
    int64_t expires_s;       /* seconds since 1970; 0: it has no time of its own */
    bool subdomains;         /* goes to hosts below its domain too */
    bool secure;
    bool http_only;          /* not for scripts */
} weft_http_cookie;

/* Adds the cookies of a file, in the format of Netscape's and curl's (cookies.txt).
 *
 * Of two with the same domain, path and name the file's stays. Those that are past their time
 * are left out, and those beyond the limits above. All lines are looked at first: a file with a
 * bad one adds nothing.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: nothing is added, or all
 * From     any thread
 * Returns  0
 *          -EBADMSG       a line that is neither a cookie nor a comment
 *          WEFT_EINVAL    a session without .cookies
 *          WEFT_ECANCELED, WEFT_ENOMEM
 *          -errno         of reading it; -ENOENT: there is none                              */
WEFT_API WEFT_MUST_CHECK int weft_http_cookies_load(weft_http_session *session,
                                                    const char *path);

/* Replaces the file at path by the session's cookies, in one step (weft/replace.h).
 *
 * Those without a time of their own are among them, and whoever reads the file can be their
 * owner: it is readable by its own alone.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the file is as it was
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL    a session without .cookies
 *          WEFT_ECANCELED, WEFT_ENOMEM
 *          -errno         as weft_replace_whole                                              */
WEFT_API WEFT_MUST_CHECK int weft_http_cookies_save(weft_http_session *session,
                                                    const char *path);

/* A copy of all cookies that are not past their time, in no particular order.
 *
 * *out_cookies is one piece of memory, texts included: the caller's, to be freed with
 * weft_free. It is NULL when there are none.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL    a session without .cookies
 *          WEFT_ECANCELED, WEFT_ENOMEM                                                      */
WEFT_API WEFT_MUST_CHECK int weft_http_cookies_list(weft_http_session *session,
                                                    weft_http_cookie **out_cookies,
                                                    size_t *out_n);

/* Forgets all cookies. Requests that are under way may bring new ones.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: none is forgotten, or all
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL    a session without .cookies
 *          WEFT_ECANCELED, WEFT_ENOMEM                                                      */
WEFT_API WEFT_MUST_CHECK int weft_http_cookies_clear(weft_http_session *session);

#ifdef __cplusplus
}
#endif
#endif
