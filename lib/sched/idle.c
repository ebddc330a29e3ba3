/* SPDX-License-Identifier: MIT
 * Sleeping and waking of workers, and the poller.
 *
 * Why no wake-up is lost [park-dekker]. A pusher puts work where others can see it, fences, and
 * reads n_searching and n_idle. A worker that gives up puts itself on the idle list (n_idle + 1),
 * takes itself out of n_searching, fences, and looks at every source of work once more. Of two
 * fences one comes first: either the pusher's, and the worker's last look sees the work; or the
 * worker's, and the pusher sees n_searching without it and n_idle with it, and wakes somebody. If
 * n_searching is above 0 for another searcher, the same holds for that one. A searcher that finds
 * work and was the last wakes the next, since work seldom comes alone.
 *
 *   I1  n_idle is the length of `idle`; a worker on it sleeps or is about to.
 *   I2  Whoever takes a worker off the list owes it one token (park_word = 1); a worker found off
 *       the list waits for its token. It was made a searcher by the one who took it.
 *   I3  One worker at most has the poller (poll_owner, under idle_lock). While any worker is idle
 *       one of them has it, or somebody has been woken to take it: wakers take the poll owner
 *       last, and one that leaves by itself wakes another in its place.
 *   I4  The poll owner sleeps until poll_until_ns. Starting a timer: insert, fence, read
 *       poll_until_ns. Polling: store poll_until_ns, fence, read the queues' next [poll-dekker].
 *       Again one sees the other, and a timer that is due earlier interrupts the poller.
 *
 * The poll owner gives back the memory of a burst of tasks (plat/stack.c), a slab at a time, between
 * looks at what it polls for: before it sleeps for long, so that an idle process does not wake for
 * it; while others are awake, when it looks at them and the surplus has not grown since the last
 * look. If nobody ever sleeps, it is done on tours (worker.c).
 *
 * Rejected: sleeping with a time limit as a safety net. It turns a lost wake-up into a slow one
 * that no test finds. */
#include "plat/futex.h"
#include "sched/iowait.h"
#include "sched/pace.h"
#include "sched/watchdog.h"

/* ---- timers and descriptors -------------------------------------------------------------------- */

int64_t wf_next_timer(void)
{
    int64_t next_ns = wf_load_rlx(&wf_rt.thread_timers.next_ns);
    for (unsigned i = 0; i < wf_n_workers(); i++)
        next_ns = WF_MIN(next_ns, wf_load_rlx(&wf_rt.workers[i].timers.next_ns));
    return next_ns;
}

static unsigned expire_all(struct wf_worker *w)
{
    if (wf_next_timer() == WF_NEVER)
        return 0;
    int64_t now_ns = wf_clock_now();
    unsigned n = wf_timerq_expire(&wf_rt.thread_timers, now_ns);
    for (unsigned i = 0; i < wf_n_workers(); i++)
        n += wf_timerq_expire(&wf_rt.workers[i].timers, now_ns);
    wf_store_rlx(&w->stats[WF_TIMERS_FIRED], wf_load_rlx(&w->stats[WF_TIMERS_FIRED]) + n);
    return n;
}

static int wait_for_events(struct wf_worker *w, int max, int64_t at_ns)
{
    wf_count_one(&w->stats[WF_POLLS]);
    return wf_poller_wait(&wf_rt.poller, w->events, max, at_ns);
}

/* What a look between two tasks takes. While as many are queued as come at once, only so few that
 * the queue gets shorter all the same: the rest are in a fair line in the kernel, and a ring that
 * runs over sends its oldest to the shared queue, where they wait for those that come after them. */
static int most_events(struct wf_worker *w)
{
    enum { FEW = 8 };
    return wf_runq_ring_length(&w->runq) < WF_EVENTS_AT_ONCE ? WF_EVENTS_AT_ONCE : FEW;
}

static unsigned handle_events(struct wf_worker *w, int n)
{
    if (n > 0)
        wf_io_ready(w->events, n);
    return n > 0 ? (unsigned)n : 0;
}

/* ---- waking ------------------------------------------------------------------------------------------ */

static struct wf_worker *pop_idle_locked(void)
{
    struct wf_worker *polling = NULL;
    wf_list_each (link, &wf_rt.idle) {
        struct wf_worker *w = WF_CONTAINER(link, struct wf_worker, idle_link);
        if (!w->is_polling)
            return w;
        polling = w;
    }
    return polling;
}

static void leave_idle_locked(struct wf_worker *w)
{
    wf_list_remove(&w->idle_link);
    wf_store_seq(&wf_rt.n_idle, wf_load_rlx(&wf_rt.n_idle) - 1);
}

static void give_token(struct wf_worker *w, bool is_polling)
{
    /* release [park-token] */
    wf_store_rel(&w->park_word, 1u);
    if (is_polling)
        wf_poller_interrupt(&wf_rt.poller);
    else
        wf_futex_wake(&w->park_word, 1);
}

static WF_NOINLINE void wake_one(void)
{
    wf_lock_acquire(&wf_rt.idle_lock);
    struct wf_worker *w = wf_load_rlx(&wf_rt.n_searching) == 0 ? pop_idle_locked() : NULL;
    bool is_polling = w != NULL && w->is_polling;
    if (w != NULL) {
        leave_idle_locked(w);
        w->is_searching = true;
        (void)wf_add_seq(&wf_rt.n_searching, 1u);
        give_token(w, is_polling);
    }
    wf_lock_release(&wf_rt.idle_lock);
}

void wf_idle_notify(void)
{
    wf_fence_seq(); /* [park-dekker] the pusher's */
    if (wf_load_rlx(&wf_rt.n_idle) > 0 && wf_load_rlx(&wf_rt.n_searching) == 0)
        wake_one();
}

void wf_idle_wake_all(void)
{
    wf_lock_acquire(&wf_rt.idle_lock);
    wf_list_each (link, &wf_rt.idle) {
        struct wf_worker *w = WF_CONTAINER(link, struct wf_worker, idle_link);
        leave_idle_locked(w);
        w->is_searching = true;
        (void)wf_add_seq(&wf_rt.n_searching, 1u);
        give_token(w, w->is_polling);
    }
    wf_lock_release(&wf_rt.idle_lock);
}

void wf_idle_timer_added(int64_t at_ns)
{
    wf_fence_seq(); /* [poll-dekker] the adder's */
    if (at_ns < wf_load_rlx(&wf_rt.poll_until_ns))
        wf_poller_interrupt(&wf_rt.poller);
}

static bool take_poller(struct wf_worker *w)
{
    if (!wf_lock_try(&wf_rt.idle_lock))
        return false;
    bool is_free = wf_rt.poll_owner == NULL;
    if (is_free)
        wf_rt.poll_owner = w;
    wf_lock_release(&wf_rt.idle_lock);
    return is_free;
}

/* True: there are idle workers, none of which polls. */
static bool give_back_poller(void)
{
    wf_lock_acquire(&wf_rt.idle_lock);
    wf_rt.poll_owner = NULL;
    bool is_wanted = !wf_list_is_empty(&wf_rt.idle);
    wf_lock_release(&wf_rt.idle_lock);
    return is_wanted;
}

/* A look without sleeping, by a busy or searching worker. The poll owner, if any, sleeps in the
 * poller and sees descriptors itself: only one thread waits there at a time. */
unsigned wf_poll(struct wf_worker *w)
{
    unsigned n = expire_all(w);
    if (!wf_io_is_in_use() || !take_poller(w))
        return n;
    n += handle_events(w, wait_for_events(w, most_events(w), 0));
    if (give_back_poller())
        wake_one(); /* I3: somebody went to sleep meanwhile and could not take it */
    return n;
}

/* ---- searching ---------------------------------------------------------------------------------------- */

/* Half of the workers at most: more would only fight for the same queues. */
bool wf_idle_may_search(void) { return 2 * wf_load_rlx(&wf_rt.n_searching) < wf_n_workers(); }

WF_WORKER_LOCAL void wf_idle_begin_search(struct wf_worker *w)
{
    if (w->is_searching)
        return;
    w->is_searching = true;
    (void)wf_add_seq(&wf_rt.n_searching, 1u);
}

WF_WORKER_LOCAL void wf_idle_end_search(struct wf_worker *w)
{
    w->is_searching = false;
    if (wf_sub_seq(&wf_rt.n_searching, 1u) == 1)
        wf_idle_notify();
}

/* ---- sleeping -------------------------------------------------------------------------------------------- */

/* is_searching changes under the lock from here on, since a waker may set it again at once. */
static void join_idle(struct wf_worker *w)
{
    wf_store_rlx(&w->park_word, 0u);
    wf_lock_acquire(&wf_rt.idle_lock);
    bool was_searching = w->is_searching;
    w->is_searching = false;
    w->is_polling = wf_rt.poll_owner == NULL;
    if (w->is_polling)
        wf_rt.poll_owner = w;
    wf_list_push_back(&wf_rt.idle, &w->idle_link);
    wf_store_seq(&wf_rt.n_idle, wf_load_rlx(&wf_rt.n_idle) + 1);
    if (was_searching) /* under the lock: who sees us in `idle` sees no searcher in us (I3) */
        (void)wf_sub_seq(&wf_rt.n_searching, 1u);
    wf_lock_release(&wf_rt.idle_lock);
}

/* Takes the worker off the list and the poller from it. False: somebody took it off already. */
static bool quit_idle(struct wf_worker *w)
{
    wf_lock_acquire(&wf_rt.idle_lock);
    bool was_listed = wf_link_is_linked(&w->idle_link);
    if (was_listed)
        leave_idle_locked(w);
    if (w->is_polling)
        wf_rt.poll_owner = NULL;
    w->is_polling = false;
    wf_lock_release(&wf_rt.idle_lock);
    return was_listed;
}

static bool has_token(struct wf_worker *w)
{
    /* acquire [park-token] */
    return wf_load_acq(&w->park_word) != 0;
}

static int64_t sleep_limit(void)
{
    int64_t limit_ns = wf_next_timer();
    int64_t stop_ns = wf_runtime_idle_stop_at();
    return WF_MIN(limit_ns, stop_ns);
}

/* Is there too much idle memory, and is nobody adding to it? Who is awake may be in the middle of a
 * burst's end. */
WF_WORKER_LOCAL static bool may_trim(struct wf_worker *w, bool watches)
{
    size_t n = wf_stack_surplus();
    bool has_grown = n > w->surplus_seen;
    w->surplus_seen = n;
    return n > 0 && !(watches && has_grown);
}

/* Until there is nothing left to give back, or it is time to look at those awake (P2). True: nothing
 * has happened, sleep on. */
static bool poll_and_trim(struct wf_worker *w, int *out_n_events)
{
    int64_t look_ns = wf_clock_after(WF_MONITOR_NS), now_ns;
    do {
        if (!wf_stack_trim())
            return true;
        *out_n_events = wait_for_events(w, WF_EVENTS_AT_ONCE, 0);
        now_ns = wf_clock_now();
        if (*out_n_events > 0 || has_token(w) || now_ns >= sleep_limit())
            return false;
    } while (now_ns < look_ns);
    return !wf_pace_watch(w);
}

/* Sleeps in the poller until an event, a timer or an interrupt; while others are awake, only until
 * the next look at them. True: that look found nothing, sleep on. */
static bool sleep_polling_once(struct wf_worker *w, int *out_n_events)
{
    bool watches = wf_load_seq(&wf_rt.n_idle) < wf_n_workers();
    if (may_trim(w, watches))
        return poll_and_trim(w, out_n_events);
    int64_t look_ns = watches ? wf_clock_after(WF_MONITOR_NS) : WF_NEVER;
    int64_t until_ns = WF_MIN(look_ns, sleep_limit());
    wf_store_rlx(&wf_rt.poll_until_ns, until_ns);
    wf_fence_seq(); /* [poll-dekker] the poller's */
    until_ns = WF_MIN(until_ns, sleep_limit());
    if (has_token(w))
        return false;
    *out_n_events = wait_for_events(w, WF_EVENTS_AT_ONCE, until_ns);
    if (*out_n_events > 0 || has_token(w) || !watches)
        return false;
    int64_t now_ns = wf_clock_now();
    return now_ns >= look_ns && now_ns < sleep_limit() && !wf_pace_watch(w);
}

/* The number of events: they are handled when the worker counts as awake again, or a deadlock could
 * be seen where there is none. */
static int sleep_polling(struct wf_worker *w)
{
    int n_events = 0;
    while (sleep_polling_once(w, &n_events))
        continue;
    wf_store_rlx(&wf_rt.poll_until_ns, INT64_MIN);
    return n_events;
}

static void sleep_parked(struct wf_worker *w)
{
    while (!has_token(w))
        (void)wf_futex_wait(&w->park_word, 0, WF_NEVER);
}

static int sleep_until_woken(struct wf_worker *w)
{
    int n_events = 0;
    wf_count_one(&w->stats[WF_PARKS]);
    if (w->is_polling)
        n_events = sleep_polling(w);
    else
        sleep_parked(w);
    wf_count_one(&w->stats[WF_WAKES]);
    return n_events;
}

static bool is_last_awake(void)
{
    return wf_load_rlx(&wf_rt.n_idle) == wf_n_workers() && wf_next_timer() == WF_NEVER;
}

/* A worker is awake from now on, so those asleep have to look at it now and then (pace.h, P2): the
 * poll owner, who may have to be told; or if that was this worker itself, the next in its place. */
static void begin_watch(struct wf_worker *w, bool was_polling)
{
    wf_watchdog_is_needed();
    if (was_polling && wf_load_seq(&wf_rt.n_idle) > 0)
        wake_one();
    else
        wf_idle_timer_added(w->now_ns + WF_MONITOR_NS);
}

bool wf_idle_park(struct wf_worker *w)
{
    int n_events = 0;
    join_idle(w);
    wf_fence_seq(); /* [park-dekker] the sleeper's */
    if (!wf_has_work() && !wf_load_rlx(&wf_rt.is_stopping)) {
        if (!is_last_awake() || !wf_deadlock_check())
            n_events = sleep_until_woken(w);
    }
    bool was_polling = w->is_polling;
    if (!quit_idle(w))
        sleep_parked(w); /* I2: the token may still be on its way */
    (void)handle_events(w, n_events);
    (void)expire_all(w);
    wf_runtime_idle_stop();
    wf_pace_start(w);
    begin_watch(w, was_polling);
    return !wf_load_rlx(&wf_rt.is_stopping);
}
