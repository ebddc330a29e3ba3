/* SPDX-License-Identifier: MIT
 * The engine: libcurl's multi handle over an epoll instance of our own.
 *
 * A turn calls libcurl for what has been asked of it, for the sockets that are ready and for its
 * timers, all without waiting; it runs on a native stack, since libcurl and the TLS library need more
 * than a task's. A rest waits in weft for the epoll instance itself: so a cancel, a deadline and a
 * deadlock check treat the driver as any other waiter, and no thread is held while nothing happens.
 *
 * Rejected: curl_multi_poll inside a blocking call. It holds a thread for as long as the server takes
 * (the worker is lent after a millisecond, and the next turn goes to another thread), and a cancel
 * would have to find the multi handle to wake it. A scope with a deadline around each rest: timers are
 * nearly always moved later, and then the timerfd is left as it is, and comes once for nothing.
 *
 * A socket stays registered when libcurl no longer asks for it, since the next request on a kept
 * connection asks for the same again: two system calls less. An event that nobody asked for takes it
 * out. That needs to know when a descriptor is closed, so it is done for connections alone, which are
 * opened and closed through us; the resolver's pipes are registered as libcurl says. */
#include "http/address.h"
#include "http/easy.h"
#include "http/session.h"
#include "http/tunnel.h"

#include "plat/mem.h"
#include "plat/sys.h"

#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <weft/blocking.h>
#include <weft/fd.h>
#include <weft/once.h>
#include <weft/task.h>
#include <weft/time.h>

/* A few of each in a turn: one that goes past the monitor's tick costs its worker another thread, and
 * who has an answer would wait for the others'. */
enum { EVENTS = 16, BEGINNINGS = 16, CURL_TIMERS = 8, SOCKETS_AT_FIRST = 64 };

/* ---- sockets ------------------------------------------------------------------------------------- */

static struct wf_http_socket *socket_of(struct wf_http_engine *engine, curl_socket_t fd)
{
    size_t place = (size_t)fd;
    if (place >= engine->n_sockets) {
        size_t n = WF_MAX(engine->n_sockets * 2, (size_t)SOCKETS_AT_FIRST);
        n = WF_MAX(n, place + 1);
        struct wf_http_socket *sockets = wf_realloc(engine->sockets,
                                                    wf_size_with(0, n, sizeof(*sockets)));
        if (sockets == NULL)
            return NULL;
        for (size_t i = engine->n_sockets; i < n; i++)
            sockets[i] = (struct wf_http_socket){ 0 };
        engine->sockets = sockets;
        engine->n_sockets = n;
    }
    return &engine->sockets[place];
}

static void register_socket(struct wf_http_engine *engine, int fd, struct wf_http_socket *entry,
                            uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    int op = events == 0 ? EPOLL_CTL_DEL : entry->registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (entry->registered == events)
        return;
    if (epoll_ctl(engine->epoll_fd, op, fd, &event) < 0 && op != EPOLL_CTL_DEL)
        engine->broken_code = WEFT_ENOMEM; /* or watches */
    entry->registered = events;
}

static bool waits_for_body(const weft_http_response *x) { return x->is_up_paused && !x->has_head; }

/* NULL: it is libcurl's own. */
static struct wf_http_easy *easy_of(CURL *curl)
{
    char *private = NULL;
    (void)curl_easy_getinfo(curl, CURLINFO_PRIVATE, &private);
    return (struct wf_http_easy *)(void *)private;
}

static bool is_on_kept_connection(const weft_http_response *x)
{
    long n_connects = 1;
    (void)curl_easy_getinfo(x->easy->curl, CURLINFO_NUM_CONNECTS, &n_connects);
    return n_connects == 0;
}

/* A connection that has ended, perhaps: see has_ended, when libcurl is done with what it is at. */
static void note_not_heard(CURL *curl, curl_socket_t fd)
{
    struct wf_http_easy *easy = easy_of(curl);
    weft_http_response *x = easy != NULL ? easy->x : NULL;
    if (x == NULL || x->easy != easy)
        return; /* of none, or of one that is being ended */
    x->unheard_fd = fd;
    wf_http_role_lock(&x->session->role);
    if (waits_for_body(x))
        wf_http_ask_locked(x);
    wf_http_role_unlock_in_turn(&x->session->role);
}

static void note_heard(CURL *curl)
{
    struct wf_http_easy *easy = easy_of(curl);
    if (easy != NULL && easy->x != NULL)
        easy->x->has_socket = true;
}

/* By HTTP/2 others may have the same connection, and libcurl has asked to be told of it for them. */
static bool may_share_connection(const weft_http_response *x)
{
    bool is_plain = strncasecmp(x->url, "http:", 5) == 0;
    return x->session->opts.http2 && !is_plain && !x->easy->is_http1;
}

/* libcurl (7.88) says nothing of a connection's end while more of a body is to come: it keeps it, and listens
 * no longer. One that it has given up for another is closed. */
static bool has_ended(weft_http_response *x)
{
    const struct wf_http_socket *sockets = x->session->engine.sockets;
    wf_http_role_lock(&x->session->role);
    bool waits = waits_for_body(x);
    wf_http_role_unlock_in_turn(&x->session->role);
    if (waits && !x->has_socket) /* it has read the end before it would have begun to listen */
        return !may_share_connection(x) && is_on_kept_connection(x);
    return waits && x->unheard_fd > 0 && sockets[x->unheard_fd].is_connection &&
           sockets[x->unheard_fd].wanted == 0;
}

/* Or it was asked for so that it would be looked at. */
static bool has_more(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    bool has = !waits_for_body(x) || x->is_up_over || x->out.head != x->out.tail;
    wf_http_role_unlock_in_turn(&x->session->role);
    return has;
}

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *arg, void *unused)
{
    (void)unused;
    struct wf_http_engine *engine = arg;
    struct wf_http_socket *entry = socket_of(engine, fd);
    if (what == CURL_POLL_REMOVE)
        note_not_heard(curl, fd);
    else
        note_heard(curl);
    if (entry == NULL) {
        engine->broken_code = WEFT_ENOMEM;
        return 0;
    }
    entry->wanted = (what & CURL_POLL_IN && what != CURL_POLL_REMOVE ? (uint32_t)EPOLLIN : 0) |
                    (what & CURL_POLL_OUT && what != CURL_POLL_REMOVE ? (uint32_t)EPOLLOUT : 0);
    if (entry->wanted != 0 || !entry->is_connection || entry->registered != EPOLLIN)
        register_socket(engine, fd, entry, entry->wanted);
    return 0;
}

void wf_http_watch_tunnel(weft_http_response *x, uint32_t events)
{
    struct wf_http_engine *engine = &x->session->engine;
    struct wf_http_socket *entry = socket_of(engine, x->tunnel_fd);
    if (entry == NULL) {
        engine->broken_code = WEFT_ENOMEM;
        return;
    }
    entry->tunnel = events != 0 ? x : NULL;
    entry->wanted = events;
    register_socket(engine, x->tunnel_fd, entry, events);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct wf_http_engine *engine = arg;
    engine->curl_at_ns = timeout_ms < 0 ? INT64_MAX : weft_now_ns() + WEFT_MS(timeout_ms);
    return 0;
}

curl_socket_t wf_http_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
    struct wf_http_engine *engine = &x->session->engine;
    bool is_refused = x->session->opts.refuse_private && wf_http_is_private(&address->addr);
    x->is_refused |= is_refused;
    x->is_allowed |= !is_refused;
    if (is_refused)
        return CURL_SOCKET_BAD; /* libcurl goes on to the name's next address */
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    struct wf_http_socket *entry = fd < 0 ? NULL : socket_of(engine, fd);
    if (entry != NULL)
        *entry = (struct wf_http_socket){ .is_connection = true };
    return fd;
}

int wf_http_close_socket(void *arg, curl_socket_t fd)
{
    struct wf_http_engine *engine = arg;
    if ((size_t)fd < engine->n_sockets) {
        /* A child that was forked may have it open: then its close takes it out of nothing. */
        register_socket(engine, fd, &engine->sockets[fd], 0);
        engine->sockets[fd] = (struct wf_http_socket){ 0 };
    }
    return wf_sys.close(fd);
}

/* ---- a turn -------------------------------------------------------------------------------------- */

static void check(struct wf_http_engine *engine, CURLMcode code)
{
    if (code != CURLM_OK)
        engine->broken_code = wf_http_code_of_multi(code);
}

/* There may be more to do than this turn did: no rest before the next. */
static void turn_again(weft_http_session *session)
{
    wf_http_role_lock(&session->role);
    wf_http_role_post_locked(&session->role);
    wf_http_role_unlock_in_turn(&session->role);
}

/* E1. The party's reference that the session holds keeps it until it is over. */
static void begin_posted(weft_http_session *session)
{
    for (int i = 0; i < BEGINNINGS; i++) {
        wf_http_role_lock(&session->role);
        struct wf_link *link = wf_list_pop_front(&session->posted);
        weft_http_response *x = link == NULL ? NULL : WF_CONTAINER(link, weft_http_response, link);
        if (x != NULL) {
            x->stage = WF_HTTP_RUNNING;
            wf_list_push_back(&session->running, &x->link);
        }
        wf_http_role_unlock_in_turn(&session->role);
        if (x == NULL)
            return;
        int rc = wf_http_transfer_begin(x);
        if (rc < 0)
            wf_http_transfer_end(x, rc);
    }
    turn_again(session);
}

static void end_without_answer(weft_http_response *x)
{
    x->is_stale |= is_on_kept_connection(x);
    wf_http_transfer_end(x, WEFT_EEOF);
}

/* What is asked for is RUNNING: one that is over is no longer in the list. */
static void do_asked(weft_http_session *session)
{
    for (;;) {
        wf_http_role_lock(&session->role);
        struct wf_link *link = wf_list_pop_front(&session->asked);
        weft_http_response *x = link == NULL ? NULL
                                             : WF_CONTAINER(link, weft_http_response, asked_link);
        int abort_code = x == NULL ? 0 : x->abort_code;
        bool is_complete = x != NULL && x->is_complete;
        wf_http_role_unlock_in_turn(&session->role);
        if (x == NULL)
            return;
        if (is_complete || abort_code < 0)
            wf_http_transfer_end(x, is_complete ? 0 : abort_code);
        else if (x->is_tunnel)
            wf_http_tunnel_move(x);
        else if (has_ended(x))
            end_without_answer(x);
        else if (has_more(x))
            wf_http_transfer_resume(x);
    }
}

static void socket_event(struct wf_http_engine *engine, const struct epoll_event *event)
{
    int fd = event->data.fd, n_running;
    if (fd == engine->event_fd || fd == engine->timer_fd) {
        uint64_t count;
        (void)wf_sys.read(fd, &count, sizeof(count));
        if (fd == engine->timer_fd)
            engine->armed_at_ns = INT64_MAX;
        return;
    }
    struct wf_http_socket *entry = socket_of(engine, fd);
    if (entry == NULL || entry->registered == 0)
        return; /* closed by what came before it in this batch */
    if (entry->tunnel != NULL) {
        wf_http_tunnel_move(entry->tunnel);
        return;
    }
    if (entry->wanted == 0) {
        register_socket(engine, fd, entry, 0);
        return;
    }
    int bits = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    check(engine, curl_multi_socket_action(engine->multi, fd, bits, &n_running));
}

static void do_sockets(struct wf_http_engine *engine)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(engine->epoll_fd, events, EVENTS, 0);
    for (int i = 0; i < n; i++)
        socket_event(engine, &events[i]);
    if (n == EVENTS)
        turn_again(wf_http_session_of(engine));
}

static void do_curl_timers(struct wf_http_engine *engine)
{
    int n_running;
    for (int i = 0; i < CURL_TIMERS && engine->curl_at_ns <= weft_now_ns(); i++) {
        engine->curl_at_ns = INT64_MAX;
        check(engine, curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0, &n_running));
    }
}

/* The server had ended a kept connection, or takes no more requests on it, when this one came: libcurl (7.88)
 * has not seen the latter of HTTP/2, and sees the former too late when some of a body is on its way. */
static bool came_too_late(const weft_http_response *x, CURLcode result)
{
    bool may_be = result == CURLE_HTTP2 || result == CURLE_HTTP2_STREAM ||
                  result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR;
    return may_be && !x->has_head && is_on_kept_connection(x);
}

static void end_done(struct wf_http_engine *engine)
{
    int n_left;
    for (CURLMsg *message; (message = curl_multi_info_read(engine->multi, &n_left)) != NULL;) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        weft_http_response *x = easy_of(message->easy_handle)->x;
        x->is_stale |= came_too_late(x, result);
        if (result == CURLE_OK && x->is_tunnel)
            wf_http_tunnel_begin(x);
        else
            wf_http_transfer_end(x, wf_http_outcome_of(x, result));
    }
}

static void end_late(weft_http_session *session)
{
    int64_t now_ns = weft_now_ns();
    for (;;) {
        wf_http_role_lock(&session->role);
        struct wf_http_timer *timer = wf_http_timers_due(&session->timers, now_ns);
        weft_http_response *x = timer == NULL ? NULL
                                              : WF_CONTAINER(timer, weft_http_response, timer);
        bool is_running = x != NULL && x->stage == WF_HTTP_RUNNING;
        if (x != NULL && !is_running)
            wf_http_over_locked(x, x->timer_code);
        int code = is_running ? x->timer_code : 0;
        wf_http_role_unlock_in_turn(&session->role);
        if (timer == NULL)
            return;
        if (is_running)
            wf_http_transfer_end(x, code);
    }
}

/* After an error of the multi handle nothing of it can be trusted: all end, and the next ones get
 * new connections. */
static void end_all(weft_http_session *session)
{
    struct wf_http_engine *engine = &session->engine;
    int code = engine->broken_code;
    engine->broken_code = 0;
    for (;;) {
        wf_http_role_lock(&session->role);
        struct wf_link *link = wf_list_first(&session->running);
        wf_http_role_unlock_in_turn(&session->role);
        if (link == NULL)
            return;
        wf_http_transfer_end(WF_CONTAINER(link, weft_http_response, link), code);
    }
}

static int turn_here(struct wf_http_engine *engine)
{
    weft_http_session *session = wf_http_session_of(engine);
    wf_http_errand_take(session);
    do_asked(session);
    begin_posted(session);
    do_sockets(engine);
    do_curl_timers(engine);
    end_done(engine);
    end_late(session);
    if (WF_UNLIKELY(engine->broken_code < 0))
        end_all(session);
    return 0;
}

WEFT_TASK(turn_job, (struct wf_http_engine *, engine)) { return turn_here(engine); }

/* It takes the transfers off the multi handle, and does nothing else. */
static bool is_last_turn(struct wf_http_engine *engine)
{
    weft_http_session *session = wf_http_session_of(engine);
    wf_http_role_lock(&session->role);
    bool is_last = session->is_aborted;
    wf_http_role_unlock_in_turn(&session->role);
    return is_last;
}

/* A plain thread's stack is native already. The session's close must not fail for want of a thread:
 * this stack has to do then, as for the rest of the close. */
static int turn(struct wf_http_engine *engine)
{
    static const weft_blocking_opts opts = { .in_place = true };
    if (weft_task_id() == 0)
        return turn_here(engine);
    int rc = weft_blocking_with(&opts, turn_job, engine);
    return rc == WEFT_EAGAIN && is_last_turn(engine) ? turn_here(engine) : rc;
}

/* ---- a rest -------------------------------------------------------------------------------------- */

static int64_t next_at(struct wf_http_engine *engine)
{
    weft_http_session *session = wf_http_session_of(engine);
    wf_http_role_lock(&session->role);
    int64_t at_ns = wf_http_timers_next(&session->timers);
    wf_http_role_unlock_in_turn(&session->role);
    return WF_MIN(at_ns, engine->curl_at_ns);
}

static void arm_timer(struct wf_http_engine *engine, int64_t at_ns)
{
    if (at_ns >= engine->armed_at_ns)
        return;
    at_ns = WF_MAX(at_ns, (int64_t)1); /* 0 would be never */
    struct itimerspec when = { .it_value = { .tv_sec = at_ns / 1000000000,
                                             .tv_nsec = at_ns % 1000000000 } };
    if (timerfd_settime(engine->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        engine->armed_at_ns = at_ns;
}

static int rest(struct wf_http_engine *engine)
{
    arm_timer(engine, next_at(engine));
    return weft_fd_wait(engine->epoll_fd, WEFT_READABLE);
}

static void wake(struct wf_http_engine *engine)
{
    uint64_t one = 1;
    (void)wf_sys.write(engine->event_fd, &one, sizeof(one));
}

static void free_party(struct wf_http_engine *engine, struct wf_http_party *party)
{
    weft_http_session *session = wf_http_session_of(engine);
    if (party == &session->party)
        wf_http_session_free(session);
    else
        wf_http_response_free(WF_CONTAINER(party, weft_http_response, party));
}

const struct wf_http_engine_ops wf_http_engine_ops = { turn, rest, wake, free_party };

/* ---- opening and closing --------------------------------------------------------------------------- */

static int init_curl(void *arg)
{
    (void)arg;
    int rc = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : WEFT_ENOMEM;
    return rc < 0 ? rc : wf_http_watch_forks();
}

static int open_multi(struct wf_http_engine *engine)
{
    engine->multi = curl_multi_init();
    if (engine->multi == NULL)
        return WEFT_ENOMEM;
    (void)curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
    (void)curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
    long limit = (long)wf_http_session_of(engine)->opts.limit;
    (void)curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, limit);
    (void)curl_multi_setopt(engine->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)WF_HTTP_STREAMS);
    return 0;
}

static int watch(const struct wf_http_engine *engine, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    return epoll_ctl(engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? WEFT_ENOMEM : 0;
}

static int open_descriptors(struct wf_http_engine *engine)
{
    engine->epoll_fd = wf_sys.epoll_create();
    if (engine->epoll_fd < 0)
        return engine->epoll_fd;
    engine->event_fd = wf_sys.event_create();
    if (engine->event_fd < 0)
        return engine->event_fd;
    engine->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (engine->timer_fd < 0)
        return -EMFILE;
    int rc = watch(engine, engine->event_fd);
    return rc < 0 ? rc : watch(engine, engine->timer_fd);
}

static int open_here(struct wf_http_engine *engine)
{
    static weft_once once = WEFT_ONCE_INIT(.name = "libcurl");
    engine->epoll_fd = engine->event_fd = engine->timer_fd = -1;
    engine->curl_at_ns = engine->armed_at_ns = INT64_MAX;
    int rc = weft_once_run(&once, init_curl, NULL);
    if (rc >= 0)
        rc = open_descriptors(engine);
    if (rc >= 0)
        rc = open_multi(engine);
    if (rc >= 0)
        rc = wf_http_easy_open(engine);
    if (rc >= 0 && wf_http_session_of(engine)->opts.cookies)
        rc = wf_http_jar_open(engine);
    if (rc < 0)
        wf_http_engine_close(engine);
    return rc;
}

static int close_here(struct wf_http_engine *engine)
{
    while (engine->n_spare > 0)
        wf_http_easy_free(engine->spare[--engine->n_spare]);
    wf_http_digest_forget(engine);
    if (engine->multi != NULL)
        (void)curl_multi_cleanup(engine->multi);
    wf_http_jar_close(engine);
    if (engine->event_fd >= 0)
        (void)wf_sys.close(engine->event_fd);
    if (engine->timer_fd >= 0)
        (void)wf_sys.close(engine->timer_fd);
    if (engine->epoll_fd >= 0) {
        weft_fd_forget(engine->epoll_fd);
        (void)wf_sys.close(engine->epoll_fd);
    }
    wf_free(engine->sockets);
    curl_slist_free_all(engine->common);
    return 0;
}

WEFT_TASK(open_job, (struct wf_http_engine *, engine)) { return open_here(engine); }
WEFT_TASK(close_job, (struct wf_http_engine *, engine)) { return close_here(engine); }

int wf_http_engine_open(struct wf_http_engine *engine)
{
    return weft_task_id() == 0 ? open_here(engine) : weft_blocking(open_job, engine);
}

/* Called shielded, so a job is refused only when no thread can be had: then this stack has to do. */
void wf_http_engine_close(struct wf_http_engine *engine)
{
    if (weft_task_id() == 0 || weft_blocking(close_job, engine) < 0)
        (void)close_here(engine);
}
