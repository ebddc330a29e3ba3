/* SPDX-License-Identifier: MIT
 * One transfer with libcurl: its easy handle, and what libcurl calls while it goes on. All of it runs
 * in a turn of the engine; callbacks only record, copy, and tell who waits. */
#include "http/setopt.h"
#include "http/trace.h"
#include "http/trust.h"
#include "http/tunnel.h"

#include <errno.h>
#include <string.h>
#include <weft/time.h>

/* ---- what libcurl calls ---------------------------------------------------------------------------- */

static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    weft_http_response *x = arg;
    if (x->trace != NULL)
        wf_http_trace_sending(x);
    wf_http_role_lock(&x->session->role);
    wf_http_arm_locked(x, x->timeouts.first_byte_ns, WEFT_EHTTPFIRST);
    wf_http_role_unlock_in_turn(&x->session->role);
    return CURL_PREREQFUNC_OK;
}

/* Fewer bytes than were given end the transfer. */
static size_t refuse(weft_http_response *x, int code)
{
    x->callback_code = code;
    return 0;
}

static void head_has_come(weft_http_response *x)
{
    if (x->trace != NULL)
        wf_http_trace_look(x);
    wf_http_role_lock(&x->session->role);
    x->has_head = true;
    wf_http_arm_locked(x, x->timeouts.idle_ns, WEFT_EHTTPIDLE);
    wf_http_role_tell_locked(&x->session->role, &x->party);
    wf_http_role_tell_locked(&x->session->role, &x->up_party);
    wf_http_role_unlock_in_turn(&x->session->role);
}

/* No other head follows. */
static void release_head(weft_http_response *x)
{
    if (!wf_http_digest_is_held(x))
        return;
    head_has_come(x);
    x->proof = WF_PROOF_DONE;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    weft_http_response *x = arg;
    int rc = wf_http_head_line(&x->head, x->has_head, line, size * n);
    if (rc < 0)
        return refuse(x, rc);
    if (rc == 1 && wf_http_watch_body(x) != CURLE_OK)
        return refuse(x, WEFT_ENOMEM);
    if (rc == 1 && !wf_http_digest_holds(x))
        head_has_come(x);
    return size * n;
}

static bool has_exploded(weft_http_response *x, size_t n)
{
    int64_t decoded = x->n_received + (int64_t)n;
    curl_off_t raw = 0;
    if (!x->head.is_encoded || decoded < WF_HTTP_RATIO_FROM)
        return false;
    (void)curl_easy_getinfo(x->easy, CURLINFO_SIZE_DOWNLOAD_T, &raw);
    return decoded / WF_HTTP_MAX_RATIO > raw;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    weft_http_response *x = arg;
    size *= n;
    if (x->is_left)
        return 0;
    if (x->proof == WF_PROOF_REFUSED)
        return size; /* of an answer that is for nobody */
    release_head(x);
    if (has_exploded(x, size))
        return refuse(x, WEFT_EHTTPLIMIT);
    int rc = wf_http_ring_reserve(&x->in, wf_http_room_for(&x->head));
    if (rc < 0)
        return refuse(x, rc);
    struct wf_http_role *role = &x->session->role;
    wf_http_role_lock(role);
    bool discards = x->discards;
    x->is_paused = !discards && x->in.room - (x->in.tail - x->in.head) < size;
    if (x->is_paused)
        wf_http_arm_locked(x, 0, 0);
    wf_http_role_unlock_in_turn(role);
    if (x->is_paused)
        return CURL_WRITEFUNC_PAUSE;
    if (!discards)
        wf_http_ring_copy_in(&x->in, data, size); /* E4 */
    wf_http_role_lock(role);
    x->in.tail += discards ? 0 : size;
    x->n_received += (int64_t)size;
    wf_http_note_complete_locked(x);
    wf_http_arm_locked(x, x->timeouts.idle_ns, WEFT_EHTTPIDLE);
    wf_http_role_tell_locked(role, &x->party);
    wf_http_role_unlock_in_turn(role);
    return size;
}

static size_t on_upload(char *data, size_t size, size_t n, void *arg)
{
    weft_http_response *x = arg;
    struct wf_http_role *role = &x->session->role;
    wf_http_role_lock(role);
    size = WF_MIN(size * n, x->out.tail - x->out.head);
    x->is_up_paused = size == 0 && !x->is_up_over;
    if (x->is_up_paused && !x->has_head)
        wf_http_arm_locked(x, 0, 0); /* it is not the server that is waited for */
    int code = size == 0 && x->is_up_over ? x->up_code : 0;
    wf_http_role_unlock_in_turn(role);
    if (code < 0) {
        x->callback_code = code;
        return CURL_READFUNC_ABORT;
    }
    if (x->is_up_paused)
        return CURL_READFUNC_PAUSE;
    wf_http_ring_copy_out(&x->out, data, size);
    wf_http_role_lock(role);
    x->out.head += size;
    wf_http_arm_locked(x, x->timeouts.first_byte_ns, WEFT_EHTTPFIRST);
    wf_http_role_tell_locked(role, &x->party);
    wf_http_role_unlock_in_turn(role);
    return size;
}

/* The answer to a challenge has come too late: libcurl would send the body with another. One of memory is there;
 * for want of any other the server's answer is this challenge. */
static int send_again(weft_http_response *x)
{
    if (x->is_streamed) {
        release_head(x);
        return CURL_SEEKFUNC_FAIL;
    }
    wf_http_role_lock(&x->session->role);
    x->out.head = 0;
    wf_http_role_unlock_in_turn(&x->session->role);
    x->proof = WF_PROOF_HELD;
    return CURL_SEEKFUNC_OK;
}

/* Or it has found a kept connection dead, without a byte of an answer, when some of the body was on its way,
 * and would send it again on another. Whether that may be is decided above (retry.c): here it ends. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    (void)offset, (void)origin;
    weft_http_response *x = arg;
    if (x->proof == WF_PROOF_BODY_REFUSED || x->proof == WF_PROOF_REFUSED)
        return send_again(x);
    x->is_stale = true;
    return CURL_SEEKFUNC_FAIL;
}

/* ---- the easy handle ------------------------------------------------------------------------------- */

static CURLcode set_security(CURL *easy, const weft_http_session_opts *opts)
{
    CURLcode code = wf_http_set_tls(easy, opts);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(code, easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(code, easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    SET(code, easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET_IF_KNOWN(code, easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET_TEXT(code, easy, CURLOPT_UNIX_SOCKET_PATH, opts->unix_socket);
    return code == CURLE_OK ? wf_http_set_proxy(easy, opts) : code;
}

static CURLcode set_callbacks(CURL *easy, struct wf_http_engine *engine)
{
    CURLcode code = CURLE_OK;
    SET(code, easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(code, easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(code, easy, CURLOPT_READFUNCTION, on_upload);
    SET(code, easy, CURLOPT_SEEKFUNCTION, on_seek);
    SET(code, easy, CURLOPT_OPENSOCKETFUNCTION, wf_http_open_socket);
    SET(code, easy, CURLOPT_CLOSESOCKETFUNCTION, wf_http_close_socket);
    SET(code, easy, CURLOPT_CLOSESOCKETDATA, engine);
#if LIBCURL_VERSION_NUM >= 0x075000
    SET(code, easy, CURLOPT_PREREQFUNCTION, before_request);
#endif
    return code;
}

static CURLcode set_common(CURL *easy, weft_http_session *session)
{
    CURLcode code = CURLE_OK;
    SET(code, easy, CURLOPT_NOSIGNAL, 1L);
    SET(code, easy, CURLOPT_NOPROGRESS, 1L);
    SET(code, easy, CURLOPT_ACCEPT_ENCODING, session->opts.no_compression ? NULL : "");
    SET(code, easy, CURLOPT_BUFFERSIZE, 64L << 10);
    SET(code, easy, CURLOPT_USERAGENT, session->opts.user_agent);
    long version = session->opts.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
    SET(code, easy, CURLOPT_HTTP_VERSION, version);
    SET(code, easy, CURLOPT_PIPEWAIT,
        (long)session->opts.http2); /* or each would make a connection */
    SET(code, easy, CURLOPT_MAXAGE_CONN, 60L);
#if LIBCURL_VERSION_NUM >= 0x075000
    SET_IF_KNOWN(code, easy, CURLOPT_MAXLIFETIME_CONN, 600L);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    SET_IF_KNOWN(code, easy, CURLOPT_QUICK_EXIT,
                 1L); /* or a slow resolver would hold up everybody */
#endif
    if (code == CURLE_OK)
        code = set_security(easy, &session->opts);
    return code == CURLE_OK ? set_callbacks(easy, &session->engine) : code;
}

/* What all transfers of a session have in common. */
static CURLcode make_easy(weft_http_session *session, CURL **out)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = set_common(easy, session);
    if (code == CURLE_OK)
        *out = easy;
    else
        curl_easy_cleanup(easy);
    return code;
}

/* Every body is read by on_upload: libcurl has none that it could send a second time, as it would on
 * a kept connection that turns out to be dead, whatever the method. */
static CURLcode set_body(weft_http_response *x)
{
    CURLcode code = CURLE_OK;
    SET(code, x->easy, CURLOPT_HTTPGET, 1L); /* takes back what the last transfer has set */
    if (x->is_upload) {
        SET(code, x->easy, CURLOPT_UPLOAD, 1L);
        SET(code, x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->upload_size);
    } else if (strcmp(x->method, "HEAD") == 0) {
        SET(code, x->easy, CURLOPT_NOBODY, 1L);
    }
    bool is_plain_get = !x->is_upload && strcmp(x->method, "GET") == 0;
    SET(code, x->easy, CURLOPT_CUSTOMREQUEST, is_plain_get ? NULL : x->method);
    return code;
}

/* Not taken back: the handle is not used again. */
static CURLcode set_tunnel(CURL *easy)
{
    CURLcode code = CURLE_OK;
    SET(code, easy, CURLOPT_CONNECT_ONLY, 1L);
    SET(code, easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(code, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return code;
}

static CURLcode set_request(weft_http_response *x)
{
    CURL *easy = x->easy;
    CURLcode code = set_body(x);
    SET(code, easy, CURLOPT_PRIVATE, (char *)x);
    SET(code, easy, CURLOPT_ERRORBUFFER, x->error_text);
    SET(code, easy, CURLOPT_HEADERDATA, x);
    SET(code, easy, CURLOPT_WRITEDATA, x);
    SET(code, easy, CURLOPT_READDATA, x);
    SET(code, easy, CURLOPT_SEEKDATA, x);
    SET(code, easy, CURLOPT_OPENSOCKETDATA, x);
#if LIBCURL_VERSION_NUM >= 0x075000
    SET(code, easy, CURLOPT_PREREQDATA, x);
#endif
    SET(code, easy, CURLOPT_HTTPHEADER, x->headers);
    if (code == CURLE_OK)
        code = wf_http_watch_goodbye(x);
    if (x->is_tunnel && code == CURLE_OK)
        code = set_tunnel(easy);
    if (code == CURLE_OK)
        code = wf_http_jar_attach(x);
    if (code == CURLE_OK)
        code = wf_http_digest_attach(x);
    int64_t connect_ms = x->timeouts.connect_ns / 1000000 + 1;
    if (x->timeouts.connect_ns < 0) /* 0 would be libcurl's own limit */
        connect_ms = INT32_MAX;
    SET(code, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)WF_MIN(connect_ms, (int64_t)INT32_MAX));
    SET(code, easy, CURLOPT_URL, x->url);
    return code;
}

static int start(weft_http_response *x)
{
    struct wf_http_engine *engine = &x->session->engine;
    CURLcode code = CURLE_OK;
    if (x->easy == NULL && engine->n_spare > 0)
        x->easy = engine->spare[--engine->n_spare];
    else if (x->easy == NULL)
        code = make_easy(x->session, &x->easy);
    if (code == CURLE_OK)
        code = set_request(x);
    if (code != CURLE_OK)
        return wf_http_code_of(code, 0);
    if (x->trace != NULL)
        wf_http_trace_begun(x);
    wf_http_role_lock(&x->session->role);
    wf_http_arm_locked(x, 0, 0);
    wf_http_role_unlock_in_turn(&x->session->role);
    return wf_http_code_of_multi(curl_multi_add_handle(engine->multi, x->easy));
}

int wf_http_transfer_begin(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    x->total_at_ns = x->timeouts.total_ns > 0 ? weft_now_ns() + x->timeouts.total_ns : INT64_MAX;
    wf_http_role_unlock_in_turn(&x->session->role);
    x->easy = wf_http_digest_take(x);
    return start(x);
}

/* What libcurl has taken in for a transfer that is paused it forgets only if no other uses the connection
 * (7.88, with HTTP/2): else it is lost, or comes to the handle's next transfer. Once refused, it is gone. */
static void drop_taken_in(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    x->is_left = x->is_paused;
    wf_http_role_unlock_in_turn(&x->session->role);
    if (x->is_left)
        (void)curl_easy_pause(x->easy, CURLPAUSE_CONT);
    x->is_left = false;
}

/* Where it would still write to, or tell of, a transfer that is over. */
static void forget(CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    (void)curl_easy_setopt(easy, CURLOPT_VERBOSE, 0L);
}

static void let_go(weft_http_response *x)
{
    struct wf_http_engine *engine = &x->session->engine;
    CURL *easy = x->easy;
    x->easy = NULL;
    (void)curl_multi_remove_handle(engine->multi, easy);
    forget(easy);
    if (wf_http_digest_keep(x, easy))
        return;
    if (!x->is_tunnel && x->proof == WF_PROOF_OF_NOBODY &&
        engine->n_spare < WF_ARRAY_SIZE(engine->spare))
        engine->spare[engine->n_spare++] = easy;
    else
        curl_easy_cleanup(easy);
}

/* With a handle that knows of no challenge. */
static int start_over(weft_http_response *x)
{
    let_go(x);
    wf_http_role_lock(&x->session->role);
    x->out.head = 0;
    wf_http_role_unlock_in_turn(&x->session->role);
    x->proof = WF_PROOF_WANTED;
    return start(x);
}

void wf_http_transfer_end(weft_http_response *x, int code)
{
    weft_http_session *session = x->session;
    if (code == 0 && x->proof == WF_PROOF_REFUSED) {
        code = start_over(x);
        if (code == 0)
            return;
    }
    if (x->is_tunnel)
        wf_http_tunnel_detach(x);
    if (x->easy != NULL && session->opts.http2)
        drop_taken_in(x);
    if (x->callback_code < 0)
        code = x->callback_code;
    else if (code < 0 && x->is_refused && !x->is_allowed)
        code = -EACCES;
    if (x->trace != NULL && x->easy != NULL)
        wf_http_trace_look(x);
    if (code == 0)
        release_head(x); /* while libcurl's times can be asked for */
    if (x->easy != NULL)
        let_go(x);
    wf_http_role_lock(&session->role);
    wf_http_over_locked(x, code);
    wf_http_role_unlock_in_turn(&session->role);
}

void wf_http_transfer_resume(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    x->is_paused = x->is_up_paused = false;
    wf_http_arm_locked(x, x->has_head ? x->timeouts.idle_ns : x->timeouts.first_byte_ns,
                       x->has_head ? WEFT_EHTTPIDLE : WEFT_EHTTPFIRST);
    wf_http_role_unlock_in_turn(&x->session->role);
    CURLcode result = curl_easy_pause(x->easy, CURLPAUSE_CONT);
    if (result != CURLE_OK) { /* what it had kept was refused: that is said here alone */
        wf_http_transfer_end(x, wf_http_code_of(result, 0));
        return;
    }
    x->session->engine.curl_at_ns = 0; /* it goes on at the next look at libcurl's timers */
}
