/* SPDX-License-Identifier: MIT
 * The one runtime: settings, start, stop.
 *
 * Users (root scopes, generators opened outside any) keep the workers.
 * With none left for idle_stop_ns the polling worker stops them all; the next user joins the
 * ended threads and starts new ones. weft_shutdown does the same at once, and frees everything.
 *
 *   STOPPED   no workers
 *   RUNNING   workers run or sleep
 *   STOPPING  no users; workers are ending or have ended, and have not been joined
 *
 * Every change is made under rt.lock; is_stopping repeats STOPPING for the workers. */
#include "sched/worker.h"

#include "base/panic.h"
#include "plat/fault.h"
#include "plat/futex.h"
#include "plat/mem.h"
#include "plat/self.h"
#include "sched/host.h"
#include "sched/iowait.h"
#include "sched/pace.h"
#include "sched/overflow.h"
#include "sched/watchdog.h"

#include <weft/error.h>

#define IDLE_STOP_NS       INT64_C(5000000000)
#define TEARDOWN_NS        INT64_C(5000000000)
#define BLOCKING_MAX       512
#define MOST_SPARE_WORKERS 8u
#define MOST_SERVICES      16u
#define STACKS_KEPT        (4 * WF_CREDIT_BATCH) /* more than a worker ever keeps (plat/stack.c) */

struct wf_runtime wf_rt = {
    .lock = WF_LOCK_INIT(WF_RANK_RUNTIME),
    .idle_lock = WF_LOCK_INIT(WF_RANK_IDLE),
    .inject = { .lock = WF_LOCK_INIT(WF_RANK_INJECT) },
    .thread_timers = { .lock = WF_LOCK_INIT(WF_RANK_TIMERS), .next_ns = WF_NEVER },
    .threads_lock = WF_LOCK_INIT(WF_RANK_THREADS),
    .threads = { { &wf_rt.threads.head, &wf_rt.threads.head } },
    .idle = { { &wf_rt.idle.head, &wf_rt.idle.head } },
    .poll_until_ns = INT64_MIN,
    .idle_stop_at_ns = WF_NEVER,
};

/* ---- starting ---------------------------------------------------------------------------------- */

static void fill_config(weft_config *config)
{
    if (config->workers == 0)
        config->workers = wf_cpu_count();
    if (config->stack_size == 0)
        config->stack_size = WF_STACK_DEFAULT;
    if (config->blocking_threads == 0)
        config->blocking_threads = BLOCKING_MAX;
    if (config->idle_stop_ns == 0)
        config->idle_stop_ns = IDLE_STOP_NS;
    if (config->teardown_budget_ns == 0)
        config->teardown_budget_ns = TEARDOWN_NS;
    if (config->watchdog_ns == 0)
        config->watchdog_ns = WF_WATCHDOG_NS;
    if (config->seed == 0)
        config->seed = wf_seed_from_system();
}

static void free_workers(void)
{
    for (unsigned i = 0; i < wf_n_workers(); i++)
        wf_free(wf_rt.workers[i].host); /* of those that were never started */
    wf_free_aligned(wf_rt.workers);
    wf_rt.workers = NULL;
    wf_store_rlx(&wf_rt.n_workers, 0u);
}

static void init_worker(struct wf_worker *w, unsigned index)
{
    w->index = index;
    wf_runq_init(&w->runq);
    wf_timerq_init(&w->timers);
    wf_link_init(&w->idle_link);
    wf_rng_seed(&w->rng, wf_rt.config.seed, index);
    wf_waiter_init(&w->thread.own, false);
    w->thread.worker = w;
    w->thread.current = &w->thread.own;
    w->thread.timers = &w->timers;
    wf_pace_start(w);
}

static int give_host(struct wf_worker *w)
{
    w->host = wf_host_new();
    if (w->host == NULL)
        return WEFT_ENOMEM;
    w->host->worker = w;
    return 0;
}

/* One more for each that may be held up by a task; off, there is none to notice. */
static unsigned max_workers(void)
{
    unsigned n = wf_rt.config.workers;
    return wf_rt.config.watchdog_ns > 0 ? n + WF_MIN(n, MOST_SPARE_WORKERS) : n;
}

static int make_workers(void)
{
    unsigned n = wf_rt.config.workers;
    wf_rt.n_workers_max = max_workers();
    wf_rt.workers = wf_alloc_aligned(wf_rt.n_workers_max * sizeof *wf_rt.workers, WF_CACHE_LINE);
    if (wf_rt.workers == NULL)
        return WEFT_ENOMEM;
    wf_store_rlx(&wf_rt.n_workers, n);
    for (unsigned i = 0; i < wf_rt.n_workers_max; i++)
        init_worker(&wf_rt.workers[i], i);
    int rc = 0;
    for (unsigned i = 0; i < n && rc >= 0; i++)
        rc = give_host(&wf_rt.workers[i]);
    if (rc < 0)
        free_workers();
    return rc;
}

static void join_workers(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct wf_host *host = wf_rt.workers[i].host;
        wf_thread_join(&host->os);
        wf_free(host);
        wf_rt.workers[i].host = NULL;
    }
}

static int start_thread(unsigned i)
{
    char name[WF_WORKER_NAME_SIZE];
    wf_host_name_worker(name, i);
    struct wf_host *host = wf_rt.workers[i].host;
    int rc = wf_thread_create(&host->os, name, wf_host_main, host);
    if (rc >= 0)
        host->has_handle = true;
    return rc;
}

/* All of them or none: with fewer threads than queues, work could lie where nobody looks. */
static int start_threads(void)
{
    for (unsigned i = 0; i < wf_n_workers(); i++) {
        int rc = start_thread(i);
        if (rc < 0) {
            wf_store_seq(&wf_rt.is_stopping, true);
            wf_idle_wake_all();
            join_workers(i);
            return rc;
        }
    }
    wf_watchdog_start();
    return 0;
}

/* It counts from before its thread exists: one that is about to run something does not rest. */
static bool grow_locked(void)
{
    unsigned n = wf_n_workers();
    if (wf_rt.state != WF_RUNNING || n == wf_rt.n_workers_max || give_host(&wf_rt.workers[n]) < 0)
        return false;
    wf_store_rlx(&wf_rt.n_workers, n + 1);
    if (start_thread(n) >= 0)
        return true;
    wf_store_rlx(&wf_rt.n_workers, n);
    wf_free(wf_rt.workers[n].host);
    wf_rt.workers[n].host = NULL;
    return false;
}

/* try: a shutdown joins us while it holds the lock. */
bool wf_runtime_grow(void)
{
    if (!wf_lock_try(&wf_rt.lock))
        return false;
    bool has_grown = grow_locked();
    wf_lock_release(&wf_rt.lock);
    return has_grown;
}

static void stop_parts(void)
{
    wf_io_stop();
    wf_stack_pool_stop();
    wf_poller_close(&wf_rt.poller);
    free_workers();
    if (!wf_rt.config.no_signal_stack)
        wf_fault_uninstall();
}

/* What tasks may have, and what workers may keep by them. */
static size_t max_stacks(void)
{
    size_t kept = (size_t)max_workers() * STACKS_KEPT;
    return wf_rt.config.max_tasks != 0 ? wf_rt.config.max_tasks + kept : 0;
}

static int start_parts(void)
{
    fill_config(&wf_rt.config);
    wf_panic_context(wf_describe_self);
    int rc = wf_poller_open(&wf_rt.poller);
    if (rc < 0)
        return rc;
    rc = wf_stack_pool_start(wf_rt.config.stack_size, max_stacks());
    if (rc >= 0 && (rc = make_workers()) < 0)
        wf_stack_pool_stop();
    if (rc < 0) {
        wf_poller_close(&wf_rt.poller);
        return rc;
    }
    if (!wf_rt.config.no_signal_stack)
        rc = wf_fault_install(wf_overflow_report);
    if (rc >= 0)
        rc = start_threads();
    if (rc < 0)
        stop_parts();
    return rc;
}

/* Counters outlive the workers that counted. */
static void keep_counts(void)
{
    for (unsigned i = 0; i < wf_n_workers(); i++)
        for (size_t k = 0; k < WF_N_STATS; k++)
            (void)wf_add_rlx(&wf_rt.ended_stats[k], wf_load_rlx(&wf_rt.workers[i].stats[k]));
}

static void finish_stopping_locked(void)
{
    wf_watchdog_join();
    join_workers(wf_n_workers());
    keep_counts();
    stop_parts();
    wf_rt.state = WF_STOPPED;
}

static int ensure_running_locked(void)
{
    if (wf_rt.state == WF_RUNNING)
        return 0;
    if (wf_rt.state == WF_STOPPING)
        finish_stopping_locked();
    wf_store_seq(&wf_rt.is_stopping, false);
    wf_store_seq(&wf_rt.n_searching, 0u);
    wf_store_seq(&wf_rt.idle_stop_at_ns, WF_NEVER);
    int rc = start_parts();
    if (rc >= 0)
        wf_rt.state = WF_RUNNING;
    return rc;
}

int wf_runtime_enter(void)
{
    if (wf_load_rlx(&wf_rt.has_forked))
        return WEFT_EFORK;
    if (wf_thread_self() == NULL)
        return wf_no_waiter();
    wf_lock_acquire(&wf_rt.lock);
    int rc = ensure_running_locked();
    if (rc >= 0)
        wf_rt.n_users++;
    wf_lock_release(&wf_rt.lock);
    return rc;
}

/* ---- stopping ------------------------------------------------------------------------------------ */

void wf_runtime_leave(void)
{
    wf_lock_acquire(&wf_rt.lock);
    wf_rt.n_users--;
    bool is_last = wf_rt.n_users == 0;
    int64_t stop_ns = wf_clock_after(wf_rt.config.idle_stop_ns);
    if (is_last) {
        wf_store_seq(&wf_rt.idle_stop_at_ns, stop_ns);
        wf_idle_timer_added(stop_ns); /* still locked: a shutdown may close the poller after it */
    }
    (void)wf_add_seq(&wf_rt.users_word, 1u);
    wf_futex_wake(&wf_rt.users_word, INT32_MAX);
    wf_lock_release(&wf_rt.lock);
}

int64_t wf_runtime_idle_stop_at(void) { return wf_load_seq(&wf_rt.idle_stop_at_ns); }

static void begin_stopping_locked(void)
{
    wf_rt.state = WF_STOPPING;
    wf_store_seq(&wf_rt.is_stopping, true);
    wf_idle_wake_all();
    wf_watchdog_wake();
}

/* Called by workers between sleeps. try: whoever holds the lock is starting, stopping or counting,
 * and a shutdown joins us while it holds it. */
void wf_runtime_idle_stop(void)
{
    if (wf_clock_now() < wf_runtime_idle_stop_at() || !wf_lock_try(&wf_rt.lock))
        return;
    bool is_due = wf_clock_now() >= wf_runtime_idle_stop_at(); /* a user came and went meanwhile */
    if (is_due && wf_rt.n_users == 0 && wf_rt.state == WF_RUNNING)
        begin_stopping_locked();
    if (is_due)
        wf_store_seq(&wf_rt.idle_stop_at_ns, WF_NEVER);
    wf_lock_release(&wf_rt.lock);
}

static bool wait_for_users(int64_t until_ns)
{
    for (;;) {
        uint32_t seen = wf_load_seq(&wf_rt.users_word);
        wf_lock_acquire(&wf_rt.lock);
        bool is_done = wf_rt.n_users == 0;
        wf_lock_release(&wf_rt.lock);
        if (is_done)
            return true;
        if (wf_clock_now() >= until_ns)
            return false;
        (void)wf_futex_wait(&wf_rt.users_word, seen, until_ns);
    }
}

static struct wf_service *pop_service(void)
{
    wf_lock_acquire(&wf_rt.lock);
    struct wf_service *service = wf_rt.services;
    if (service != NULL) {
        wf_rt.services = service->next;
        service->is_registered = false;
    }
    wf_lock_release(&wf_rt.lock);
    return service;
}

/* Those that are stuck are registered again at the end, or there would be none. One that has been
 * registered anew meanwhile is in the list already. */
static void stop_services(int64_t until_ns)
{
    struct wf_service *stuck[MOST_SERVICES], *service;
    unsigned n_stuck = 0;
    while ((service = pop_service()) != NULL) {
        service->is_stuck = false;
        if (service->stop != NULL)
            service->stop(until_ns);
        if (service->is_stuck && n_stuck < MOST_SERVICES)
            stuck[n_stuck++] = service;
    }
    while (n_stuck > 0)
        wf_service_register(stuck[--n_stuck]);
}

void wf_service_register(struct wf_service *service)
{
    wf_lock_acquire(&wf_rt.lock);
    if (!service->is_registered) {
        service->is_registered = true;
        service->next = wf_rt.services;
        wf_rt.services = service;
    }
    wf_lock_release(&wf_rt.lock);
}

/* False: somebody came since the last one left, and must not lose the workers. */
static bool stop_workers(void)
{
    wf_lock_acquire(&wf_rt.lock);
    bool is_free = wf_rt.n_users == 0;
    if (is_free && wf_rt.state == WF_RUNNING)
        begin_stopping_locked();
    if (is_free && wf_rt.state == WF_STOPPING)
        finish_stopping_locked();
    wf_lock_release(&wf_rt.lock);
    return is_free;
}

int weft_shutdown(int64_t budget_ns)
{
    if (wf_load_rlx(&wf_rt.has_forked))
        return WEFT_EFORK;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (self->is_task || wf_thread_self()->worker != NULL)
        return WEFT_EDEADLK;
    int64_t until_ns = wf_clock_after(budget_ns);
    do {
        wf_cancel_all();
        if (!wait_for_users(until_ns)) {
            wf_report_stuck();
            return WEFT_ETIMEDOUT;
        }
        stop_services(until_ns);
    } while (!stop_workers());
    wf_thread_forget();
    return 0;
}
