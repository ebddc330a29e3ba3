/* SPDX-License-Identifier: MIT
 * Bytes both ways: tunnel.h has the rules. */
#include "http/easy.h"
#include "http/trace.h"
#include "http/tunnel.h"

#include <sys/epoll.h>

/* ---- by whoever uses it ---------------------------------------------------------------------------------- */

int wf_http_tunnel_open(weft_http_response *x)
{
    x->is_tunnel = true;
    x->head.length = -1;
    int rc = wf_http_ring_reserve(&x->in, WF_HTTP_RING);
    if (rc == 0)
        rc = wf_http_ring_reserve(&x->out, WF_HTTP_RING);
    return rc < 0 ? rc : wf_http_run(x, NULL);
}

bool wf_http_tunnel_put_locked(weft_http_response *x, const char *data, size_t size, size_t keep)
{
    if (x->out.room - (x->out.tail - x->out.head) < size + keep)
        return false;
    wf_http_ring_copy_in(&x->out, data, size);
    x->out.tail += size;
    wf_http_ask_locked(x);
    return true;
}

/* ---- by the driver ----------------------------------------------------------------------------------------- */

/* What a call of libcurl's has moved: 1: go on; 0: not now; < 0: the connection is lost. */
static int outcome(const weft_http_response *x, CURLcode result)
{
    if (result == CURLE_OK || result == CURLE_AGAIN)
        return result == CURLE_OK;
    return wf_http_outcome_of(x, result);
}

/* *is_over: the other side has ended the connection. */
static int pull(weft_http_response *x, size_t most, bool *is_over)
{
    struct wf_http_role *role = &x->session->role;
    struct wf_http_ring *in = &x->in;
    int rc = 1;
    for (size_t n_pulled = 0, n = 0; rc == 1 && n_pulled < most; n_pulled += n) {
        wf_http_role_lock(role);
        size_t at = in->tail % in->room;
        size_t room = WF_MIN(in->room - (in->tail - in->head), in->room - at);
        x->is_paused = room == 0;
        wf_http_role_unlock_in_turn(role);
        if (room == 0)
            return 0;
        rc = outcome(x, curl_easy_recv(x->easy->curl, in->data + at, room, &n));
        if (rc != 1)
            return rc;
        *is_over = n == 0;
        if (n == 0)
            return 0;
        wf_http_role_lock(role);
        in->tail += n;
        wf_http_role_tell_locked(role, &x->party);
        wf_http_role_unlock_in_turn(role);
    }
    return rc;
}

static int push(weft_http_response *x, size_t most)
{
    struct wf_http_role *role = &x->session->role;
    struct wf_http_ring *out = &x->out;
    int rc = 1;
    for (size_t n_pushed = 0, n = 0; rc == 1 && n_pushed < most; n_pushed += n) {
        wf_http_role_lock(role);
        size_t at = out->head % out->room;
        size_t size = WF_MIN(out->tail - out->head, out->room - at);
        wf_http_role_unlock_in_turn(role);
        if (size == 0)
            return 0;
        rc = outcome(x, curl_easy_send(x->easy->curl, out->data + at, size, &n));
        if (rc != 1 || n == 0)
            return WF_MIN(rc, 0);
        wf_http_role_lock(role);
        out->head += n;
        wf_http_role_tell_locked(role, &x->up_party);
        wf_http_role_tell_locked(role, &x->party); /* it waits for this in the end */
        wf_http_role_unlock_in_turn(role);
    }
    return rc;
}

void wf_http_tunnel_move(weft_http_response *x)
{
    bool is_over = false;
    if (!x->has_head)
        return;
    int down = pull(x, WF_HTTP_RING, &is_over);
    int up = down < 0 || is_over ? 0 : push(x, WF_HTTP_RING);
    if (down < 0 || up < 0 || is_over) {
        wf_http_transfer_end(x, down < 0 ? down : up);
        return;
    }
    wf_http_role_lock(&x->session->role);
    bool has_more = x->out.tail > x->out.head;
    if (down == 1 || up == 1)
        wf_http_ask_locked(x); /* N4 */
    wf_http_role_unlock_in_turn(&x->session->role);
    wf_http_watch_tunnel(x, (x->is_paused ? 0 : (uint32_t)EPOLLIN) |
                                (has_more ? (uint32_t)EPOLLOUT : 0));
}

void wf_http_tunnel_begin(weft_http_response *x)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    CURLcode result = curl_easy_getinfo(x->easy->curl, CURLINFO_ACTIVESOCKET, &fd);
    if (result != CURLE_OK || fd == CURL_SOCKET_BAD) {
        wf_http_transfer_end(x, WEFT_EEOF);
        return;
    }
    x->tunnel_fd = fd;
    if (x->trace != NULL)
        wf_http_trace_look(x);
    wf_http_role_lock(&x->session->role);
    x->has_head = true;
    wf_http_role_tell_locked(&x->session->role, &x->party);
    wf_http_role_unlock_in_turn(&x->session->role);
    wf_http_tunnel_move(x);
}

void wf_http_tunnel_detach(weft_http_response *x)
{
    if (x->has_head)
        wf_http_watch_tunnel(x, 0);
}
