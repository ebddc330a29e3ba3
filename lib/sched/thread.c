/* SPDX-License-Identifier: MIT
 * The record of each OS thread: a worker's lives in the worker; a plain thread's is made on its
 * first call and freed when the thread ends (or by weft_shutdown, for the one that calls it).
 * After a fork the child's one thread has none, and each call answers WEFT_EFORK. */
#include "base/panic.h"
#include "plat/fork.h"
#include "plat/futex.h"
#include "plat/mem.h"
#include "plat/self.h"
#include "plat/thread.h"
#include "sched/host.h"
#include "sched/worker.h"

/* If only waiting threads are left, one of them asks for a deadlock soon: when this one, which the
 * system still counts, is gone (wait.c, sleep_on_token). */
static void nudge_locked(void)
{
    if (wf_list_is_empty(&wf_rt.threads) ||
        wf_load_seq(&wf_rt.plain_waiting) != wf_load_seq(&wf_rt.n_plain))
        return;
    wf_futex_wake(&WF_CONTAINER(wf_rt.threads.head.next, struct wf_thread, link)->token, 1);
}

static void free_record(struct wf_thread *thread, bool nudges)
{
    wf_lock_acquire(&wf_rt.threads_lock);
    wf_list_remove(&thread->link);
    (void)wf_sub_seq(&wf_rt.n_plain, 1u);
    if (nudges)
        nudge_locked();
    wf_lock_release(&wf_rt.threads_lock);
    wf_free(thread);
}

static void end(void *self)
{
    struct wf_thread *thread = self;
    WF_MUST(thread->worker == NULL,
            "a task ended its worker's thread (pthread_exit, pthread_cancel)");
    WF_MUST(thread->own.n_locks == 0, "thread #%llu ended while it held a mutex or rwlock",
            (unsigned long long)thread->own.id);
    free_record(thread, true);
}

static void after_fork_in_child(void)
{
    wf_store_seq(&wf_rt.has_forked, true);
    wf_self_set(NULL);
}

void wf_thread_after_clean_fork(void) { wf_store_seq(&wf_rt.has_forked, false); }

/* Under rt.lock: before there is a second record. */
static void set_hooks_once_locked(void)
{
    static bool is_done;
    if (is_done)
        return;
    is_done = true;
    wf_self_on_exit(end);
    (void)wf_on_fork_child(after_fork_in_child);
}

WF_NOINLINE struct wf_thread *wf_thread_make_slow(void)
{
    if (wf_load_rlx(&wf_rt.has_forked))
        return NULL;
    struct wf_thread *thread = wf_alloc(1, sizeof *thread);
    if (thread == NULL)
        return NULL;
    wf_waiter_init(&thread->own, false);
    thread->current = &thread->own;
    thread->timers = &wf_rt.thread_timers;
    thread->own.id = wf_add_rlx(&wf_rt.next_id, (uint64_t)1) + 1;
    thread->own.name = "thread";
    wf_lock_acquire(&wf_rt.lock);
    wf_rng_seed(&thread->rng, wf_rt.config.seed, thread->own.id);
    set_hooks_once_locked();
    wf_lock_release(&wf_rt.lock);
    wf_lock_acquire(&wf_rt.threads_lock);
    wf_list_push_back(&wf_rt.threads, &thread->link);
    wf_lock_release(&wf_rt.threads_lock);
    (void)wf_add_seq(&wf_rt.n_plain, 1u);
    wf_self_set(thread);
    wf_host_dress(thread);
    return thread;
}

static void forget(bool nudges)
{
    struct wf_thread *thread = wf_self_get();
    if (thread == NULL || thread->worker != NULL || thread->own.scope != NULL ||
        thread->own.n_locks > 0)
        return;
    wf_self_set(NULL);
    free_record(thread, nudges);
}

void wf_thread_forget(void) { forget(true); }

void wf_thread_forget_quietly(void) { forget(false); }
