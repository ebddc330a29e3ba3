/* SPDX-License-Identifier: MIT
 * The threads of the blocking pool and their queue.
 *
 * Invariants, under pool.lock:
 *   P1  a thread leaves only when the queue is empty.
 *   P2  while a job is queued, n_threads > 0: whoever fails to start the only thread refuses all
 *       that is queued. With P1: no job is ever orphaned.
 *   P3  n_coming threads were started or woken for the queue, or have just ended a job, and have
 *       not looked at it since. While n_queued > n_coming no thread is idle: a submitter fetches
 *       one, an idle one before a new one.
 *   P4  a thread frees its own struct, or leaves it to the stopper; neither before the thread's
 *       creator has stored the handle (has_handle).
 *   P5  a thread made for one job has it from its creator, never looks at the queue and counts for
 *       none of the above; if it can't be started that job alone is refused.
 *
 * An idle thread sleeps on a word of its own, last in first out, so that a pool which needs fewer
 * threads than it has lets the others run out of their idle time.
 *
 * Rejected: handing a job to an idle thread directly. It would count as started while its thread
 * still wakes up, and a cancel that comes in between could not withdraw it. */
#include "blocking/handoff.h"
#include "blocking/pool_core.h"

#include "plat/futex.h"
#include "plat/mem.h"
#include "sched/locals.h"
#include "sched/worker.h"

#include <weft/error.h>

#define IDLE_NS (INT64_C(10) * 1000000000)

struct wf_pool wf_pool = {
    .lock = WF_LOCK_INIT(WF_RANK_POOL),
    .queue.head = { &wf_pool.queue.head, &wf_pool.queue.head },
    .threads.head = { &wf_pool.threads.head, &wf_pool.threads.head },
    .idle.head = { &wf_pool.idle.head, &wf_pool.idle.head },
    .ended.head = { &wf_pool.ended.head, &wf_pool.ended.head },
};

static void tell_stopper_locked(void)
{
    if (!wf_pool.is_stopping)
        return;
    (void)wf_add_rlx(&wf_pool.n_changes, 1u);
    wf_futex_wake(&wf_pool.n_changes, 1);
}

/* ---- a pool thread ----------------------------------------------------------------------------- */

static void enqueue_locked(struct wf_job *job)
{
    wf_list_push_back(&wf_pool.queue, &job->link);
    wf_pool.n_queued++;
}

static void pass_place_locked(struct wf_job *job)
{
    struct wf_job *next = wf_lane_leave_locked(job);
    if (next != NULL)
        enqueue_locked(next);
}

void wf_pool_note_begin_locked(struct wf_host *self, struct wf_job *job)
{
    job->state = WF_JOB_RUNNING;
    self->running = job;
    self->since_ns = wf_clock_now();
}

/* For a thread that was counted in n_coming. */
static struct wf_job *take_locked(struct wf_host *self)
{
    wf_pool.n_coming--;
    struct wf_link *link = wf_list_pop_front(&wf_pool.queue);
    if (link == NULL)
        return NULL;
    struct wf_job *job = WF_CONTAINER(link, struct wf_job, link);
    wf_pool.n_queued--;
    wf_pool.n_jobs++;
    wf_pool_note_begin_locked(self, job);
    return job;
}

static void end_locked(struct wf_host *self, struct wf_job *job)
{
    self->running = NULL;
    if (self->is_dedicated)
        return;
    pass_place_locked(job);
    wf_pool.n_coming++;
}

/* Returns the submitter if it has to be woken. One that is awake already, because a cancel came,
 * asks for the state under the lock. */
static struct wf_waiter *finish_locked(struct wf_host *self, struct wf_job *job)
{
    end_locked(self, job);
    job->state = WF_JOB_DONE;
    return wf_wait_claim(job->waiter, WF_CLAIM_FIRST) ? job->waiter : NULL;
}

/* Calls to weft, the wake below among them, make a record of this thread as of any plain one. An
 * idle pool thread is none that the deadlock report should wait for, and it may have been the last
 * that stood in its way. */
static void drop_record(void)
{
    wf_thread_forget_quietly();
    wf_deadlock_suspect();
}

/* The function has returned: nobody ends its waits any more (host.h, J2). */
void wf_pool_end_function(struct wf_host *self, struct wf_job *job)
{
    if (wf_load_rlx(&job->context.caller) != NULL) {
        wf_lock_acquire(&wf_pool.lock);
        wf_store_rlx(&job->context.caller, NULL);
        wf_lock_release(&wf_pool.lock);
    }
    wf_host_undress(self);
}

/* False: it was abandoned. */
bool wf_pool_finish(struct wf_host *self, struct wf_job *job)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_awaited = job->state != WF_JOB_ABANDONED;
    struct wf_waiter *waiter = is_awaited ? finish_locked(self, job) : NULL;
    wf_lock_release(&wf_pool.lock);
    /* From here the submitter may run and reuse the stack that holds the job, unless we claimed
     * its wait; then it may after the wake (W2). */
    if (waiter != NULL)
        wf_wait_wake(waiter, WF_WAKE_NEXT);
    return is_awaited;
}

/* What it has made is given up by a function that no cancel reaches. */
static void finish_abandoned(struct wf_host *self, struct wf_job *job)
{
    job->context.cancel = &wf_never_cancelled;
    self->context = &job->context;
    job->abandoned(job);
    wf_pool_end_function(self, job);
    wf_lock_acquire(&wf_pool.lock);
    end_locked(self, job);
    wf_lock_release(&wf_pool.lock);
    wf_locals_unref(job->context.locals);
    wf_free(job);
    (void)wf_sub_seq(&wf_rt.jobs, 1u);
}

static void run(struct wf_host *self, struct wf_job *job)
{
    self->context = &job->context;
    job->rc = job->fn(job->arg);
    wf_site_took(job->site, wf_clock_now() - self->since_ns);
    wf_pool_end_function(self, job);
    if (!wf_pool_finish(self, job))
        finish_abandoned(self, job);
    drop_record();
}

/* Sleeps until it is chosen. False: it has been idle for long enough, or the pool stops. */
static bool idle_locked(struct wf_host *self)
{
    bool is_one_too_many = wf_pool.n_threads > wf_pool.limit && self->has_handle;
    if (wf_pool.is_stopping || is_one_too_many)
        return false;
    wf_store_rlx(&self->word, 0u);
    wf_list_push_back(&wf_pool.idle, &self->idle_link);
    wf_lock_release(&wf_pool.lock);

    int64_t until_ns = wf_clock_after(IDLE_NS);
    int rc = 0;
    while (rc != WEFT_ETIMEDOUT && wf_load_rlx(&self->word) == 0)
        rc = wf_futex_wait(&self->word, 0, until_ns);

    wf_lock_acquire(&wf_pool.lock);
    if (!wf_link_is_linked(&self->idle_link))
        return true;
    if (self->has_handle && wf_list_is_empty(&wf_pool.queue)) {
        wf_list_remove(&self->idle_link);
        return false;
    }
    wf_pool_choose_locked(self);
    return true;
}

static void run_locked(struct wf_host *self, struct wf_job *job)
{
    wf_lock_release(&wf_pool.lock);
    run(self, job);
    wf_lock_acquire(&wf_pool.lock);
}

/* For a thread that was counted in n_coming, and is not any more then. */
static void serve_queue_locked(struct wf_host *self)
{
    struct wf_job *job;
    while ((job = take_locked(self)) != NULL)
        run_locked(self, job);
}

/* P4: it ends at once, so its creator may still be about to store the handle. */
static void serve_one_locked(struct wf_host *self)
{
    run_locked(self, self->running);
    while (!self->has_handle) {
        wf_lock_release(&wf_pool.lock);
        wf_thread_yield();
        wf_lock_acquire(&wf_pool.lock);
    }
}

static bool leave(struct wf_host *self)
{
    wf_list_remove(&self->link);
    if (self->is_dedicated)
        wf_pool.n_dedicated--;
    else
        wf_pool.n_threads--;
    wf_host_end_fault_stack(self);
    (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
    bool is_joined = wf_pool.is_stopping;
    if (is_joined) {
        wf_list_push_back(&wf_pool.ended, &self->link);
        tell_stopper_locked();
    } else {
        wf_thread_detach(&self->os);
    }
    wf_lock_release(&wf_pool.lock);
    if (!is_joined)
        wf_free(self);
    return false;
}

/* True: it has a worker now. Whoever has given one up is in the list already, and looks at the
 * queue first, as all do. */
static bool serve(struct wf_host *self)
{
    wf_lock_acquire(&wf_pool.lock);
    if (!wf_link_is_linked(&self->link))
        wf_list_push_back(&wf_pool.threads, &self->link);
    if (self->is_dedicated) {
        serve_one_locked(self);
        return leave(self);
    }
    do {
        if (self->is_monitor && wf_monitor_serve_locked(self))
            return true;
        serve_queue_locked(self);
    } while (wf_monitor_adopt_locked(self) || idle_locked(self));
    return leave(self);
}

/* ---- fetching a thread -------------------------------------------------------------------------- */

static void refuse_locked(struct wf_job *job)
{
    struct wf_waiter *waiter = job->waiter;
    job->state = WF_JOB_REFUSED;
    if (wf_wait_claim(waiter, WF_CLAIM_FIRST))
        wf_wait_wake(waiter, WF_WAKE_LAST);
}

/* Those that get a place by it as well. */
static void refuse_all_locked(void)
{
    struct wf_link *link;
    while ((link = wf_list_pop_front(&wf_pool.queue)) != NULL) {
        struct wf_job *job = WF_CONTAINER(link, struct wf_job, link);
        wf_pool.n_queued--;
        pass_place_locked(job);
        refuse_locked(job);
    }
}

struct wf_host *wf_pool_last_idle_locked(void)
{
    if (wf_list_is_empty(&wf_pool.idle))
        return NULL;
    return WF_CONTAINER(wf_pool.idle.head.prev, struct wf_host, idle_link);
}

void wf_pool_choose_locked(struct wf_host *thread)
{
    wf_list_remove(&thread->idle_link);
    wf_pool.n_coming++;
    wf_store_rlx(&thread->word, 1u);
}

/* An idle thread, if the queue needs one more (P3) and there is one. Its word has to be woken. */
static struct wf_host *fetch_idle_locked(void)
{
    if (wf_pool.n_queued <= wf_pool.n_coming)
        return NULL;
    struct wf_host *thread = wf_pool_last_idle_locked();
    if (thread != NULL)
        wf_pool_choose_locked(thread);
    return thread;
}

/* One thread that was counted on does not come. Threads that went idle meanwhile, because it was
 * counted on, take its place. */
static void miss_server_locked(void)
{
    wf_pool.n_coming--;
    if (--wf_pool.n_threads == 0)
        refuse_all_locked();
    struct wf_host *thread;
    while ((thread = fetch_idle_locked()) != NULL)
        wf_futex_wake(&thread->word, 1);
}

/* What a thread is started for: to serve the queue, unless something is said here. */
struct start {
    struct wf_job *own_job;
    bool is_monitor;
    struct wf_host *before; /* whom it follows as one; NULL: nobody */
};

static void miss_locked(const struct start *start)
{
    (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
    if (start->is_monitor) {
        wf_pool.n_monitors--;
    } else if (start->own_job != NULL) { /* P5 */
        wf_pool.n_dedicated--;
        refuse_locked(start->own_job);
    } else {
        miss_server_locked();
    }
}

static struct wf_host *make_thread(const struct start *start)
{
    struct wf_host *thread = wf_host_new();
    if (thread == NULL)
        return NULL;
    wf_host_serves(serve);
    thread->is_monitor = start->is_monitor;
    thread->is_dedicated = start->own_job != NULL;
    thread->running = start->own_job;
    thread->since_ns = wf_clock_now();
    return thread;
}

/* The thread is counted already: in n_helpers, and in n_monitors, in n_dedicated, or in n_threads
 * and n_coming. */
static bool start_thread(const struct start *start)
{
    struct wf_host *thread = make_thread(start);
    int rc = WEFT_ENOMEM;
    if (thread != NULL)
        rc = wf_thread_create(&thread->os, WF_POOL_THREAD_NAME, wf_host_main, thread);
    wf_lock_acquire(&wf_pool.lock);
    if (rc < 0)
        miss_locked(start);
    else
        thread->has_handle = true;
    if (rc >= 0 && start->is_monitor)
        wf_monitor_appoint_locked(thread, start->before);
    tell_stopper_locked();
    wf_lock_release(&wf_pool.lock);
    if (rc < 0)
        wf_free(thread);
    return rc >= 0;
}

bool wf_pool_start_monitor(struct wf_host *before)
{
    wf_lock_acquire(&wf_pool.lock);
    wf_pool.n_monitors++;
    (void)wf_add_seq(&wf_rt.n_helpers, 1u);
    wf_lock_release(&wf_pool.lock);
    return start_thread(&(struct start){ .is_monitor = true, .before = before });
}

static void submit_dedicated(struct wf_job *job)
{
    wf_lock_acquire(&wf_pool.lock);
    job->state = WF_JOB_RUNNING;
    wf_pool.n_jobs++;
    wf_pool.n_dedicated++;
    (void)wf_add_seq(&wf_rt.n_helpers, 1u);
    wf_lock_release(&wf_pool.lock);
    (void)start_thread(&(struct start){ .own_job = job });
}

static void submit_to_queue(struct wf_job *job)
{
    wf_lock_acquire(&wf_pool.lock);
    job->state = WF_JOB_QUEUED;
    if (wf_lane_enter_locked(job))
        enqueue_locked(job);
    struct wf_host *idle = fetch_idle_locked();
    bool must_start = wf_pool.n_queued > wf_pool.n_coming && wf_pool.n_threads < wf_pool.limit;
    if (must_start) {
        wf_pool.n_threads++;
        wf_pool.n_coming++;
        (void)wf_add_seq(&wf_rt.n_helpers, 1u);
    }
    wf_lock_release(&wf_pool.lock);

    /* The idle thread may have woken by itself and be gone: only its address is used. */
    if (idle != NULL)
        wf_futex_wake(&idle->word, 1);
    if (must_start)
        (void)start_thread(&(struct start){ .own_job = NULL });
}

void wf_pool_submit(struct wf_job *job)
{
    if (WF_UNLIKELY(!wf_load_rlx(&wf_pool.is_attached)))
        wf_pool_attach();
    if (job->is_dedicated)
        submit_dedicated(job);
    else
        submit_to_queue(job);
}

/* ---- the submitter ------------------------------------------------------------------------------ */

static void withdraw_locked(struct wf_job *job)
{
    if (job->has_place) {
        wf_list_remove(&job->link);
        wf_pool.n_queued--;
    }
    pass_place_locked(job);
    job->state = WF_JOB_WITHDRAWN;
}

/* The submitter is cancelled: so is what the function waits for in weft. */
static void end_wait_of_function_locked(struct wf_job *job)
{
    /* seq [job-cancel]: after the flag was set. */
    struct wf_waiter *caller = wf_load_seq(&job->context.caller);
    if (caller != NULL && wf_wait_claim_cancel(caller))
        wf_wait_wake(caller, WF_WAKE_LAST);
}

static void give_up_locked(struct wf_job *job)
{
    if (job->state == WF_JOB_QUEUED) {
        withdraw_locked(job);
        return;
    }
    if (job->abandoned != NULL) {
        job->state = WF_JOB_ABANDONED;
        wf_store_seq(&job->is_left, 1u);
    }
    end_wait_of_function_locked(job);
}

/* Once it has given up, only the end of the function ends its wait. */
static void begin_wait_locked(struct wf_job *job, bool has_given_up)
{
    if (has_given_up || job->is_shielded)
        wf_wait_begin_shielded(job->waiter, WF_ON_BLOCKING, job->context.name);
    else
        wf_wait_begin(job->waiter, WF_ON_BLOCKING, job->context.name);
}

enum wf_job_state wf_pool_begin_wait(struct wf_job *job, bool gives_up)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_open = job->state == WF_JOB_QUEUED || job->state == WF_JOB_RUNNING;
    if (is_open && gives_up)
        give_up_locked(job);
    if (job->state == WF_JOB_QUEUED || job->state == WF_JOB_RUNNING)
        begin_wait_locked(job, gives_up);
    enum wf_job_state state = job->state;
    wf_lock_release(&wf_pool.lock);
    return state;
}
