/* SPDX-License-Identifier: MIT
 * One transfer with libcurl: its easy handle, and what libcurl calls while it goes on. All of it runs
 * in a turn of the engine; callbacks only record, copy, and tell who waits. */
#include "http/easy.h"
#include "http/setopt.h"
#include "http/trace.h"
#include "http/tunnel.h"

#include <errno.h>
#include <string.h>
#include <weft/time.h>

/* ---- what libcurl calls ---------------------------------------------------------------------------- */

static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
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
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
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
    (void)curl_easy_getinfo(x->easy->curl, CURLINFO_SIZE_DOWNLOAD_T, &raw);
    return decoded / WF_HTTP_MAX_RATIO > raw;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
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
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
    struct wf_http_role *role = &x->session->role;
    wf_http_role_lock(role);
    size = WF_MIN(size * n, x->out.tail - x->out.head);
    x->is_up_paused = size == 0 && !x->is_up_over;
    if (x->is_up_paused && !x->has_head)
        wf_http_arm_locked(x, 0, 0); /* it is not the server that is waited for */
    if (x->is_up_paused && !x->has_socket)
        wf_http_ask_locked(x); /* engine.c looks whether its connection has ended */
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
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
    if (x->proof == WF_PROOF_BODY_REFUSED || x->proof == WF_PROOF_REFUSED)
        return send_again(x);
    x->is_stale = true;
    return CURL_SEEKFUNC_FAIL;
}

CURLcode wf_http_transfer_set_callbacks(struct wf_http_easy *easy)
{
    CURL *curl = easy->curl;
    CURLcode code = CURLE_OK;
    SET(code, curl, CURLOPT_HEADERFUNCTION, on_header);
    SET(code, curl, CURLOPT_HEADERDATA, easy);
    SET(code, curl, CURLOPT_WRITEFUNCTION, on_body);
    SET(code, curl, CURLOPT_WRITEDATA, easy);
    SET(code, curl, CURLOPT_READFUNCTION, on_upload);
    SET(code, curl, CURLOPT_READDATA, easy);
    SET(code, curl, CURLOPT_SEEKFUNCTION, on_seek);
    SET(code, curl, CURLOPT_SEEKDATA, easy);
#if LIBCURL_VERSION_NUM >= 0x075000
    SET(code, curl, CURLOPT_PREREQFUNCTION, before_request);
    SET(code, curl, CURLOPT_PREREQDATA, easy);
#endif
    return code;
}

/* ---- beginning and ending -------------------------------------------------------------------------- */

static int start(weft_http_response *x)
{
    CURLcode code = wf_http_easy_take(x);
    if (code == CURLE_OK)
        code = wf_http_easy_tell(x);
    if (code != CURLE_OK)
        return wf_http_code_of(code, 0);
    if (x->trace != NULL)
        wf_http_trace_begun(x);
    wf_http_role_lock(&x->session->role);
    wf_http_arm_locked(x, 0, 0);
    wf_http_role_unlock_in_turn(&x->session->role);
    return wf_http_code_of_multi(curl_multi_add_handle(x->session->engine.multi, x->easy->curl));
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
        (void)curl_easy_pause(x->easy->curl, CURLPAUSE_CONT);
    x->is_left = false;
}

static void let_go(weft_http_response *x)
{
    struct wf_http_engine *engine = &x->session->engine;
    struct wf_http_easy *easy = x->easy;
    x->easy = NULL;
    (void)curl_multi_remove_handle(engine->multi, easy->curl);
    easy->x = NULL;
    wf_http_jar_came(x->session, x->head.n_cookies);
    if (wf_http_digest_keep(x, easy))
        return;
    if (!x->is_tunnel && x->proof == WF_PROOF_OF_NOBODY)
        wf_http_easy_spare(engine, easy);
    else
        wf_http_easy_free(easy);
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
    CURLcode result = curl_easy_pause(x->easy->curl, CURLPAUSE_CONT);
    if (result != CURLE_OK) { /* what it had kept was refused: that is said here alone */
        wf_http_transfer_end(x, wf_http_code_of(result, 0));
        return;
    }
    x->session->engine.curl_at_ns = 0; /* it goes on at the next look at libcurl's timers */
}
