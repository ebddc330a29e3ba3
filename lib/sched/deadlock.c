/* SPDX-License-Identifier: MIT
 * Can anything ever run again?
 *
 * Asked by whoever may have been the last that could: a worker that is about to sleep while all
 * others do, a plain thread that has begun to wait without limit, a thread that ends. Each marks
 * itself first and looks then, so the last of them sees all (seq).
 *
 * Everything is at rest when all workers are idle, nothing is queued, no timer, descriptor or
 * blocking job is pending, and every thread of the process is a worker, a helper of ours, or a
 * plain thread parked in weft without time limit. The last is counted by the system; a program
 * with a thread of its own that is elsewhere can always wake somebody, so nothing is reported.
 * Threads are counted between two looks, and `motion` must not have changed: if no plain thread
 * parked or woke and no task ran in between, all counts are of one moment, and a state in which
 * nobody runs does not change by itself.
 *
 * Looks come one after the other, and whoever tells of a deadlock, a worker that counts as idle
 * perhaps, ends the rest of all until it has told everybody, and looks again then.
 *
 * A thread that weft does not know ends without a word, and one that is ending is still counted:
 * so a plain thread that waits asks again after 10, 20, 40 ... ms (wait.c). It asks only: a
 * wake-up that was lost stays lost, for the tests to find.
 *
 * Rejected: waking a worker to look. It would also look for work. */
#include "base/panic.h"
#include "sched/iowait.h"
#include "sched/worker.h"

/* Written before main; the layer that knows scopes may be missing. */
static struct wf_report_hooks hooks;
static _Atomic bool is_trap_pending;

void wf_report_hooks(const struct wf_report_hooks *all) { hooks = *all; }

void wf_cancel_all(void)
{
    if (hooks.cancel_all != NULL)
        hooks.cancel_all();
}

void wf_report_stuck(void)
{
    if (hooks.stuck != NULL)
        hooks.stuck();
}

/* seq [trap-pending]: before the look at plain_waiting that follows; and below after the count. */
void wf_trap_is_pending(void) { wf_store_seq(&is_trap_pending, true); }

void wf_report_hog(const struct wf_waiter *task, int64_t d_ns)
{
    if (hooks.hog != NULL)
        hooks.hog(task, d_ns);
}

/* ---- looking --------------------------------------------------------------------------------- */

static uint64_t motion(void) { return wf_load_seq(&wf_rt.plain_epoch) + wf_stat(WF_SWITCHES); }

static bool are_known_threads_waiting(void)
{
    return wf_load_seq(&wf_rt.plain_waiting) == wf_load_seq(&wf_rt.n_plain) &&
           wf_load_seq(&wf_rt.plain_timed) == 0 && wf_load_seq(&wf_rt.jobs) == 0;
}

/* By one that keeps the workers' structs from going: a worker, or under rt.lock. Without workers,
 * or when they are ending, there is neither a task nor a timer nor a wait for a descriptor. */
static bool are_workers_quiet(void)
{
    if (wf_load_seq(&wf_rt.is_stopping))
        return true;
    return wf_load_seq(&wf_rt.n_idle) == wf_n_workers() && wf_load_seq(&wf_rt.n_searching) == 0 &&
           !wf_has_work() && wf_next_timer() == WF_NEVER && wf_io_armed() == 0;
}

static struct wf_lock look_lock = WF_LOCK_INIT(WF_RANK_NONE);
static _Atomic bool is_telling; /* set under look_lock, cleared by who set it */

static bool is_quiet(void)
{
    return are_known_threads_waiting() && are_workers_quiet() && !wf_load_seq(&is_telling) &&
           (wf_live_tasks() > 0 || wf_load_seq(&wf_rt.plain_waiting) > 0);
}

static bool are_all_threads(unsigned n_ours) { return wf_thread_count() == (int)n_ours; }

/* Workers that are ending count until the system has forgotten them: asked again later. */
static bool is_every_thread_ours(void)
{
    unsigned n_workers = wf_load_seq(&wf_rt.is_stopping) ? 0 : wf_n_workers();
    return are_all_threads(n_workers + wf_load_seq(&wf_rt.n_helpers) +
                           wf_load_seq(&wf_rt.plain_waiting));
}

bool wf_is_thread_elsewhere(bool is_caller_counted)
{
    unsigned n_plain = wf_load_seq(&wf_rt.plain_waiting) + (is_caller_counted ? 0 : 1);
    return n_plain != wf_load_seq(&wf_rt.n_plain) ||
           !are_all_threads(wf_n_workers() + wf_load_seq(&wf_rt.n_helpers) + n_plain);
}

/* True once for each deadlock, however many look: those that no cancel reaches go on waiting. */
static bool is_new_deadlock_locked(void)
{
    static uint64_t reported; /* motion + 1 */
    uint64_t seen = motion();
    if (!is_quiet() || !is_every_thread_ours() || !is_quiet() || motion() != seen ||
        reported == seen + 1)
        return false;
    reported = seen + 1;
    wf_store_seq(&is_telling, true);
    return true;
}

/* True: the caller has to tell(). */
static bool is_new_deadlock(void)
{
    if (!is_quiet())
        return false;
    wf_lock_acquire(&look_lock);
    bool is_one = is_new_deadlock_locked();
    wf_lock_release(&look_lock);
    return is_one;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* A plain thread that waits outside every scope hears of it from its own call. All of them are
 * claimed while nobody runs: afterwards they, and whom they wake, come and go. */
static void claim_bare_threads(void)
{
    wf_lock_acquire(&wf_rt.threads_lock);
    wf_list_each (link, &wf_rt.threads) {
        struct wf_waiter *thread = &WF_CONTAINER(link, struct wf_thread, link)->own;
        if (thread->scope == NULL)
            (void)wf_wait_claim(thread, WF_CLAIM_DEADLOCK);
    }
    wf_lock_release(&wf_rt.threads_lock);
}

static void wake_claimed_threads(void)
{
    wf_lock_acquire(&wf_rt.threads_lock);
    wf_list_each (link, &wf_rt.threads) {
        struct wf_waiter *thread = &WF_CONTAINER(link, struct wf_thread, link)->own;
        if (wf_load_acq(&thread->cell) == WF_CLAIM_DEADLOCK)
            wf_wait_wake(thread, WF_WAKE_LAST);
    }
    wf_lock_release(&wf_rt.threads_lock);
}

/* A program that has never had a scope may lack the layer that knows them. */
static void report_plainly(void)
{
    static const char text[] = "weft: deadlock: every thread waits for another. Their calls return "
                               "WEFT_EDEADLK.\n";
    wf_report(text, sizeof text - 1);
}

static void tell(void)
{
    if (hooks.deadlock != NULL)
        hooks.deadlock();
    else
        report_plainly();
    claim_bare_threads();
    if (hooks.cancel_deadlocked != NULL)
        hooks.cancel_deadlocked();
    wake_claimed_threads();
    wf_store_seq(&is_telling, false);
}

bool wf_deadlock_check(void)
{
    bool is_one = is_new_deadlock();
    if (is_one)
        tell();
    return is_one;
}

static bool is_new_deadlock_for_thread(void)
{
    if (!are_known_threads_waiting())
        return false;
    wf_lock_acquire(&wf_rt.lock);
    bool is_one = is_new_deadlock();
    wf_lock_release(&wf_rt.lock);
    return is_one;
}

void wf_deadlock_suspect(void)
{
    while (is_new_deadlock_for_thread())
        tell();
    if (wf_load_seq(&is_trap_pending) && wf_xchg_seq(&is_trap_pending, false))
        hooks.traps();
}
