/* SPDX-License-Identifier: MIT
 * The pool's settings, figures and end.
 *
 * Stopping: the idle threads are woken and leave, since the pool is stopping; busy ones leave when
 * their job has ended and the queue is empty. Each puts itself on `ended` as the last thing it
 * does under the lock, and is joined from there. A job that does not end in time is named, and its
 * thread serves on as if nothing had been. */
#include "blocking/handoff.h"
#include "blocking/pool_core.h"

#include "base/panic.h"
#include "plat/futex.h"
#include "plat/mem.h"
#include "sched/worker.h"

#include <inttypes.h>
#include <weft/error.h>

#define DEFAULT_LIMIT 512

static void add_stats(weft_stats *stats)
{
    uint64_t jobs, threads;
    wf_pool_stats(&jobs, &threads);
    stats->blocking_jobs += jobs;
    stats->blocking_threads += threads;
}

static struct wf_service service = {
    .name = "blocking pool",
    .stop = wf_pool_stop,
    .stats = add_stats,
};

/* Twice at the same time does no harm. The settings may change until the runtime starts, which a
 * plain thread's job does not do; it takes what they are. */
void wf_pool_attach(void)
{
    wf_service_register(&service);
    wf_lock_acquire(&wf_rt.lock);
    weft_config config = wf_rt.config;
    wf_lock_release(&wf_rt.lock);
    wf_lock_acquire(&wf_pool.lock);
    unsigned limit = wf_pool.own_limit > 0 ? wf_pool.own_limit : config.blocking_threads;
    wf_pool.limit = limit > 0 ? limit : DEFAULT_LIMIT;
    wf_lanes_init_locked(wf_pool.limit, config.lane_threads);
    wf_store_rlx(&wf_pool.is_attached, true);
    wf_lock_release(&wf_pool.lock);
}

void wf_pool_configure(unsigned limit)
{
    wf_lock_acquire(&wf_pool.lock);
    wf_pool.own_limit = limit;
    wf_store_rlx(&wf_pool.is_attached, false);
    wf_lock_release(&wf_pool.lock);
}

void wf_pool_stats(uint64_t *jobs, uint64_t *threads)
{
    wf_lock_acquire(&wf_pool.lock);
    *jobs = wf_pool.n_jobs + wf_stat(WF_JOBS);
    *threads = wf_pool_threads_locked();
    wf_lock_release(&wf_pool.lock);
}

static struct wf_host *pop_ended_locked(void)
{
    wf_list_each (link, &wf_pool.ended) {
        struct wf_host *thread = WF_CONTAINER(link, struct wf_host, link);
        if (thread->has_handle) {
            wf_list_remove(link);
            return thread;
        }
    }
    return NULL;
}

/* Joins what has ended, without the lock: a thread that has put itself on the list needs it no
 * more. True: nothing is left. */
static bool join_ended_locked(void)
{
    struct wf_host *thread;
    while ((thread = pop_ended_locked()) != NULL) {
        wf_lock_release(&wf_pool.lock);
        wf_thread_join(&thread->os);
        wf_free(thread);
        wf_lock_acquire(&wf_pool.lock);
    }
    return wf_pool_threads_locked() == 0 && wf_list_is_empty(&wf_pool.ended);
}

static void name_stuck_locked(struct wf_text *text)
{
    int64_t now_ns = wf_clock_now();
    wf_text_add(text, "weft: shutdown leaves blocking jobs running:\n");
    wf_list_each (link, &wf_pool.threads) {
        struct wf_host *thread = WF_CONTAINER(link, struct wf_host, link);
        struct wf_job *job = thread->running;
        if (job == NULL)
            continue;
        wf_text_add(text, "  %s", job->context.name);
        if (job->context.file != NULL)
            wf_text_add(text, " (%s:%d)", job->context.file, job->context.line);
        wf_text_add(text, ", for %" PRId64 " ms\n", (now_ns - thread->since_ns) / 1000000);
    }
}

/* The text is too large for a frame of ours; without memory there is no report. */
static WF_COLD void report_stuck(void)
{
    struct wf_text *text = wf_alloc(1, sizeof(*text));
    if (text == NULL)
        return;
    wf_text_init(text);
    wf_lock_acquire(&wf_pool.lock);
    name_stuck_locked(text);
    wf_lock_release(&wf_pool.lock);
    wf_report(text->data, text->size);
    wf_text_free(text);
    wf_free(text);
}

void wf_pool_stop(int64_t until_ns)
{
    struct wf_host *thread;
    wf_lock_acquire(&wf_pool.lock);
    wf_pool.is_stopping = true;
    wf_store_rlx(&wf_pool.is_attached, false);
    while ((thread = wf_pool_last_idle_locked()) != NULL) {
        wf_pool_choose_locked(thread);
        wf_futex_wake(&thread->word, 1);
    }
    wf_monitor_poke();
    int rc = 0;
    while (!join_ended_locked() && rc != WEFT_ETIMEDOUT) {
        uint32_t seen = wf_load_rlx(&wf_pool.n_changes);
        wf_lock_release(&wf_pool.lock);
        rc = wf_futex_wait(&wf_pool.n_changes, seen, until_ns);
        wf_lock_acquire(&wf_pool.lock);
    }
    wf_pool.is_stopping = false;
    bool is_stuck = wf_pool_threads_locked() > 0;
    wf_lock_release(&wf_pool.lock);
    service.is_stuck = is_stuck;
    if (is_stuck)
        report_stuck();
}
