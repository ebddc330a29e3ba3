/* SPDX-License-Identifier: MIT */
#include "sched/watchdog.h"

#include "plat/futex.h"

enum { TICKS_A_LIMIT = 5, QUIET_TICKS = 5 };

_Atomic bool wf_watchdog_sleeps;

static struct {
    bool has_thread; /* under rt.lock */
    struct wf_os_thread thread;
    _Atomic uint32_t n_woken; /* it sleeps on this */
    int64_t looked_ns;        /* its own: the last look */
} dog;

void wf_watchdog_wake(void)
{
    wf_store_seq(&wf_watchdog_sleeps, false);
    (void)wf_add_seq(&dog.n_woken, 1u);
    wf_futex_wake(&dog.n_woken, 1);
}

/* ---- looking --------------------------------------------------------------------------------------- */

/* D2 */
WF_WORKER_LOCAL static const struct wf_waiter *task_of(const struct wf_worker *w)
{
    struct wf_waiter *current = *(struct wf_waiter *const volatile *)&w->thread.current;
    return current != &w->thread.own ? current : NULL;
}

static void see(struct wf_worker *w, const struct wf_waiter *task, uint64_t picks, int64_t now_ns)
{
    w->task_seen = task;
    w->picks_seen = picks;
    w->seen_since_ns = now_ns;
    w->is_hog_told = w->is_hog_answered = false;
}

/* Once for each that is held up, and only while nobody is free to look after it. */
static void answer(struct wf_worker *w)
{
    wf_store_rlx(&w->wants_help, true);
    wf_idle_notify();
    if (!w->is_hog_answered && wf_load_seq(&wf_rt.n_idle) == 0)
        w->is_hog_answered = wf_runtime_grow();
}

/* d_lost_ns: of the time since the last look, what counts for nobody (D3). */
static void look_at(struct wf_worker *w, int64_t now_ns, int64_t d_lost_ns)
{
    uint64_t picks = wf_load_rlx(&w->stats[WF_SWITCHES]);
    const struct wf_waiter *task = task_of(w);
    if (task == NULL || task != w->task_seen || picks != w->picks_seen) {
        see(w, task, picks, now_ns);
        return;
    }
    w->seen_since_ns += d_lost_ns;
    int64_t d_ns = now_ns - w->seen_since_ns;
    if (d_ns < wf_rt.config.watchdog_ns)
        return;
    if (!w->is_hog_told)
        wf_report_hog(task, d_ns);
    w->is_hog_told = true;
    answer(w);
}

static int64_t tick_ns(void)
{
    return WF_MAX(wf_rt.config.watchdog_ns / TICKS_A_LIMIT, INT64_C(1));
}

void wf_watchdog_look(int64_t now_ns)
{
    int64_t d_lost_ns = WF_MAX(now_ns - dog.looked_ns - 2 * tick_ns(), INT64_C(0));
    dog.looked_ns = now_ns;
    for (unsigned i = 0; i < wf_n_workers(); i++)
        look_at(&wf_rt.workers[i], now_ns, d_lost_ns);
}

/* ---- ticking --------------------------------------------------------------------------------------- */

/* seq [dog-dekker] */
static bool is_anybody_awake(void) { return wf_load_seq(&wf_rt.n_idle) < wf_n_workers(); }

/* True: it may sleep until it is woken (D1). */
static bool may_sleep(unsigned n_quiet)
{
    if (n_quiet < QUIET_TICKS)
        return false;
    wf_store_seq(&wf_watchdog_sleeps, true);
    if (!is_anybody_awake())
        return true;
    wf_store_seq(&wf_watchdog_sleeps, false);
    return false;
}

static void watch(void *arg)
{
    (void)arg;
    unsigned n_quiet = 0;
    for (;;) {
        uint32_t seen = wf_load_seq(&dog.n_woken);
        if (wf_load_seq(&wf_rt.is_stopping))
            break;
        bool sleeps = may_sleep(n_quiet);
        (void)wf_futex_wait(&dog.n_woken, seen, sleeps ? WF_NEVER : wf_clock_after(tick_ns()));
        if (is_anybody_awake()) {
            n_quiet = 0;
            wf_watchdog_look(wf_clock_now());
        } else {
            n_quiet++;
        }
    }
    (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
}

void wf_watchdog_start(void)
{
    if (wf_rt.config.watchdog_ns <= 0)
        return;
    wf_store_seq(&wf_watchdog_sleeps, false);
    (void)wf_add_seq(&wf_rt.n_helpers, 1u);
    dog.has_thread = wf_thread_create(&dog.thread, "weft-watchdog", watch, NULL) >= 0;
    if (!dog.has_thread)
        (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
}

void wf_watchdog_join(void)
{
    if (dog.has_thread)
        wf_thread_join(&dog.thread);
    dog.has_thread = false;
}
