/* SPDX-License-Identifier: MIT
 * The monitor: the spare thread that lends workers whose blocking function is long (handoff.h).
 *
 * A role, taken by an idle thread of the pool or a new one when a blocking call finds none, and
 * given up when no call was made for some ticks: the thread is an idle one of the pool again, and
 * the process sleeps. A worker that was let go at one tick, and at the next is so for the same
 * function, is lent; or at once if the function asks for it, because it is about to wait.
 *
 * Ticks are looks under rt.lock, which keeps the workers from going. */
#include "blocking/handoff.h"
#include "blocking/pool_core.h"
#include "plat/futex.h"

#include <weft/error.h>

#define TICK_NS INT64_C(1000000)

/* Ticks without a call, until it gives up. */
#ifdef WF_SIM
enum { QUIET_TICKS = 2 };
#else
enum { QUIET_TICKS = 100 };
#endif

static struct {
    struct wf_host *owner;  /* who has the role; under the pool's lock */
    bool is_missed;         /* the last one could not be replaced; under the pool's lock */
    _Atomic uint32_t pokes; /* it sleeps on this */
} monitor;

struct wf_monitor_shown wf_monitor;

/* All that sleep there: one that has just lost the role may be among them. */
void wf_monitor_poke(void)
{
    (void)wf_add_seq(&monitor.pokes, 1u);
    wf_futex_wake(&monitor.pokes, INT32_MAX);
}

/* ---- the role ------------------------------------------------------------------------------------- */

static void set_owner_locked(struct wf_host *owner)
{
    monitor.owner = owner;
    monitor.is_missed = false;
    /* seq [monitor-dekker]: before the look at the words, if it is given up. */
    wf_store_seq(&wf_monitor.is_there, owner != NULL);
}

/* Gives the role from `before` (NULL: nobody) to host, which exists and will serve. Otherwise that
 * one is of no use as a monitor, and finds it out. */
void wf_monitor_appoint_locked(struct wf_host *host, struct wf_host *before)
{
    if (monitor.owner == before)
        set_owner_locked(host);
}

/* An idle thread, which has to be woken. */
static struct wf_host *appoint_idle_locked(struct wf_host *before)
{
    struct wf_host *host = wf_pool_last_idle_locked();
    if (host == NULL)
        return NULL;
    wf_list_remove(&host->idle_link);
    host->is_monitor = true;
    wf_pool.n_threads--;
    wf_pool.n_monitors++;
    wf_store_rlx(&host->word, 1u);
    wf_monitor_appoint_locked(host, before);
    return host;
}

/* Of several that come at once with a new thread each, one has the role. */
static bool appoint(struct wf_host *before)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_needed = monitor.owner == before;
    struct wf_host *host = is_needed ? appoint_idle_locked(before) : NULL;
    wf_lock_release(&wf_pool.lock);
    if (host != NULL)
        wf_futex_wake(&host->word, 1);
    return !is_needed || host != NULL || wf_pool_start_monitor(before);
}

bool wf_monitor_hire(void)
{
    if (WF_UNLIKELY(!wf_load_rlx(&wf_pool.is_attached)))
        wf_pool_attach();
    wf_host_asks(wf_monitor_poke);
    return appoint(NULL) || wf_monitor_is_there();
}

static void take_role_back(struct wf_host *self)
{
    wf_lock_acquire(&wf_pool.lock);
    wf_monitor_appoint_locked(self, NULL);
    wf_lock_release(&wf_pool.lock);
}

/* H5: by a thread with nothing to do. True: it has the role, and counts as one that has. */
bool wf_monitor_adopt_locked(struct wf_host *self)
{
    if (WF_LIKELY(!monitor.is_missed))
        return false;
    self->is_monitor = true;
    wf_pool.n_threads--;
    wf_pool.n_monitors++;
    set_owner_locked(self);
    return true;
}

/* H5: no new thread can be had in its place. */
static void leave_role(struct wf_host *self)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_owner = monitor.owner == self;
    struct wf_host *next = is_owner ? appoint_idle_locked(self) : NULL;
    if (is_owner && next == NULL) {
        set_owner_locked(NULL);
        monitor.is_missed = true;
    }
    wf_lock_release(&wf_pool.lock);
    if (next != NULL)
        wf_futex_wake(&next->word, 1);
}

static bool has_role(struct wf_host *self)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_owner = monitor.owner == self;
    wf_lock_release(&wf_pool.lock);
    return is_owner;
}

/* ---- looking --------------------------------------------------------------------------------------- */

struct look {
    unsigned n_lendable;
    bool is_busy;    /* a call was made since the last tick, or is being made */
    bool is_overdue; /* there is one to lend: */
    unsigned index;  /* this, as long as its word says that */
    uint64_t lending;
};

static void look_at(struct look *look, unsigned index, bool is_tick)
{
    struct wf_worker *w = &wf_rt.workers[index];
    /* seq [monitor-dekker] */
    uint64_t lending = wf_load_seq(&w->lending);
    bool is_lendable = lending % 2 == 1;
    bool has_moved = lending != w->lending_seen;
    look->n_lendable += is_lendable;
    look->is_busy |= is_lendable || has_moved;
    if (is_tick && is_lendable && !has_moved)
        wf_store_rlx(&w->lend_at, lending);
    if (is_tick)
        w->lending_seen = lending;
    if (!is_lendable || wf_load_rlx(&w->lend_at) != lending)
        return;
    look->is_overdue = true;
    look->index = index;
    look->lending = lending;
}

static struct look look_at_all(bool is_tick)
{
    struct look look = { .n_lendable = 0 };
    wf_lock_acquire(&wf_rt.lock);
    for (unsigned i = 0; wf_rt.state == WF_RUNNING && i < wf_n_workers(); i++)
        look_at(&look, i, is_tick);
    wf_lock_release(&wf_rt.lock);
    return look;
}

/* Gives up the role, unless a worker would be left without a monitor (H4). True: it is given up, or
 * somebody else has it now. */
static bool retire(struct wf_host *self)
{
    wf_lock_acquire(&wf_pool.lock);
    set_owner_locked(NULL);
    wf_lock_release(&wf_pool.lock);
    /* seq [monitor-dekker]: after that is_there was cleared. */
    if (look_at_all(false).n_lendable > 0)
        take_role_back(self);
    return !has_role(self);
}

/* ---- lending --------------------------------------------------------------------------------------- */

/* H2. The old host has a job of the pool's from here on, as if it had taken it from the queue. */
static void swap_locked(struct wf_worker *w, struct wf_host *self, struct wf_job *job)
{
    struct wf_host *old = w->host;
    w->host = self;
    self->worker = w;
    self->is_monitor = false;
    wf_list_remove(&self->link);
    wf_pool.n_monitors--;
    wf_list_push_back(&wf_pool.threads, &old->link);
    wf_pool.n_threads++;
    wf_lane_enter_over_locked(job);
    wf_pool_note_begin_locked(old, job);
}

/* The submitter waits as for any job of the pool's. True: it is cancelled, and has to be woken. It
 * can't be gone then: the wait is claimed by us. */
static bool begin_wait_locked(struct wf_job *job)
{
    job->was_lent = true;
    if (job->is_shielded)
        wf_wait_begin_shielded(job->waiter, WF_ON_BLOCKING, job->context.name);
    else
        wf_wait_begin(job->waiter, WF_ON_BLOCKING, job->context.name);
    return wf_wait_is_over_before(job->waiter);
}

/* NULL: the function has just returned, or the runtime has ended. */
static struct wf_worker *take_locked(const struct look *look)
{
    if (wf_rt.state != WF_RUNNING || look->index >= wf_n_workers())
        return NULL;
    struct wf_worker *w = &wf_rt.workers[look->index];
    uint64_t lending = look->lending;
    /* acquire [lend] */
    return wf_cas_acq_rel(&w->lending, &lending, look->lending + 1) ? w : NULL;
}

/* wf_rt.jobs is raised before the worker could fall idle, and so seem to have nothing to do. */
static bool take(struct wf_host *self, const struct look *look)
{
    struct wf_waiter *cancelled = NULL;
    wf_lock_acquire(&wf_rt.lock);
    wf_lock_acquire(&wf_pool.lock);
    struct wf_worker *w = take_locked(look);
    if (w != NULL) {
        struct wf_job *job = w->job;
        (void)wf_add_seq(&wf_rt.jobs, 1u);
        swap_locked(w, self, job);
        if (begin_wait_locked(job))
            cancelled = job->waiter;
    }
    wf_lock_release(&wf_pool.lock);
    wf_lock_release(&wf_rt.lock);
    if (cancelled != NULL)
        wf_wait_wake(cancelled, WF_WAKE_LAST);
    wf_thread_forget_quietly(); /* that may have made a record */
    return w != NULL;
}

/* H5 */
static bool lend(struct wf_host *self, const struct look *look)
{
    if (!appoint(self))
        leave_role(self);
    if (take(self, look))
        return true;
    take_role_back(self);
    return false;
}

/* ---- serving --------------------------------------------------------------------------------------- */

static bool is_pool_stopping(void)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_stopping = wf_pool.is_stopping;
    wf_lock_release(&wf_pool.lock);
    return is_stopping;
}

static bool tick(int64_t *next_ns)
{
    int64_t now_ns = wf_clock_now();
    if (now_ns < *next_ns)
        return false;
    *next_ns = now_ns + TICK_NS;
    wf_store_rlx(&wf_monitor.tick_at_ns, now_ns);
    (void)wf_add_rlx(&wf_monitor.ticks, (uint64_t)1);
    return true;
}

/* True: it has a worker. */
static bool watch(struct wf_host *self)
{
    int64_t next_ns = wf_clock_after(TICK_NS);
    unsigned n_quiet = 0;
    while (has_role(self)) {
        uint32_t seen = wf_load_seq(&monitor.pokes);
        bool is_tick = tick(&next_ns);
        struct look look = look_at_all(is_tick);
        if (look.is_overdue && lend(self, &look))
            return true;
        n_quiet = look.is_busy ? 0 : n_quiet + is_tick;
        if ((n_quiet > QUIET_TICKS || is_pool_stopping()) && retire(self))
            return false;
        (void)wf_futex_wait(&monitor.pokes, seen, next_ns);
    }
    return false;
}

/* Its creator stores the handle and gives it the role in one: not before that. */
static void until_appointed_locked(struct wf_host *self)
{
    while (!self->has_handle) {
        wf_lock_release(&wf_pool.lock);
        wf_thread_yield();
        wf_lock_acquire(&wf_pool.lock);
    }
}

bool wf_monitor_serve_locked(struct wf_host *self)
{
    until_appointed_locked(self);
    wf_lock_release(&wf_pool.lock);
    if (watch(self))
        return true;
    wf_lock_acquire(&wf_pool.lock);
    self->is_monitor = false;
    wf_pool.n_monitors--;
    wf_pool.n_threads++;
    wf_pool.n_coming++;
    return false;
}
