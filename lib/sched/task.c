/* SPDX-License-Identifier: MIT */
#include "sched/task.h"

#include "base/blocks.h"
#include "base/panic.h"
#include "plat/mem.h"
#include "plat/sanitizer.h"
#include "plat/self.h"
#include "sched/locals.h"
#include "sched/worker.h"

#include <string.h>
#include <weft/error.h>

enum { FREE_TASKS_KEPT = 1024, IDS_TAKEN_AT_ONCE = 256 };

struct wf_task *wf_task_self(void)
{
    struct wf_waiter *self = wf_waiter_self();
    return self != NULL ? wf_task_of(self) : NULL;
}

/* ---- memory: a worker keeps some structs ----------------------------------------------------- */

/* Rejected: to prefetch the struct that is taken next, and the unstarted task that runs next: a
 * thousand at a time took the same (medians of seven rounds: 50 and 54 ns). */

static struct wf_blocks structs = WF_BLOCKS_INIT(structs, sizeof(struct wf_task), 0);

static struct wf_task *take_struct(struct wf_worker *w)
{
    if (w == NULL || w->free_tasks == NULL)
        return wf_blocks_take(&structs);
    struct wf_task *task = w->free_tasks;
    w->free_tasks = task->next;
    w->n_free_tasks--;
    return task;
}

static void give_struct(struct wf_worker *w, struct wf_task *task)
{
    if (w == NULL || w->n_free_tasks == FREE_TASKS_KEPT) {
        wf_blocks_give(&structs, task);
        return;
    }
    task->next = w->free_tasks;
    w->free_tasks = task;
    w->n_free_tasks++;
}

void wf_task_free_kept(struct wf_worker *w)
{
    while (w->free_tasks != NULL) {
        struct wf_task *task = w->free_tasks;
        w->free_tasks = task->next;
        wf_blocks_give(&structs, task);
    }
    w->n_free_tasks = 0;
}

static uint64_t next_id(struct wf_worker *w)
{
    if (w == NULL)
        return wf_add_rlx(&wf_rt.next_id, (uint64_t)1) + 1;
    if (w->next_id == w->ids_end) {
        w->next_id = wf_add_rlx(&wf_rt.next_id, (uint64_t)IDS_TAKEN_AT_ONCE);
        w->ids_end = w->next_id + IDS_TAKEN_AT_ONCE;
    }
    return ++w->next_id;
}

static struct wf_stack_cache *cache_of(struct wf_worker *w)
{
    return w != NULL ? &w->stacks : NULL;
}

/* max_tasks is exact: who has joined a task may make another in its place. The stack pool's own
 * limit can't be, since workers keep credits and stacks by them; it is set higher (runtime.c). Only
 * programs that set a maximum pay for the count. */
static bool take_place(void)
{
    uint32_t seen = wf_load_rlx(&wf_rt.n_places);
    if (wf_rt.config.max_tasks == 0)
        return true;
    do {
        if (seen >= wf_rt.config.max_tasks)
            return false;
    } while (!wf_cas_acq_rel(&wf_rt.n_places, &seen, seen + 1));
    return true;
}

static void give_place(void)
{
    if (wf_rt.config.max_tasks != 0)
        (void)wf_sub_acq_rel(&wf_rt.n_places, 1u);
}

/* A stack for later: a credit, or for another size the mapping itself. */
static int take_stack_right(struct wf_task *task, struct wf_worker *w, size_t stack_size)
{
    task->has_own_stack = stack_size != 0;
    task->stack = NULL;
    if (!task->has_own_stack)
        return wf_stack_credit_take(cache_of(w));
    task->stack = wf_stack_map(stack_size);
    return task->stack != NULL ? 0 : WEFT_ENOMEM;
}

static void give_stack_right(struct wf_task *task, struct wf_worker *w)
{
    if (task->has_own_stack)
        wf_stack_unmap(task->stack);
    else
        wf_stack_credit_give(cache_of(w));
}

static WF_NOINLINE bool copy_args_slow(struct wf_task *task, const void *args, size_t size)
{
    task->args = size <= WF_TASK_INLINE_ARGS ? task->inline_args : wf_alloc(1, size);
    if (task->args != NULL && size > 0)
        memcpy(task->args, args, size);
    return task->args != NULL;
}

/* Most have no parameters (one byte), or a few of eight. */
static inline bool copy_args(struct wf_task *task, const void *args, size_t size)
{
    if (size > WF_TASK_INLINE_ARGS || (size > 1 && size % 8 != 0))
        return copy_args_slow(task, args, size);
    task->args = task->inline_args;
    for (size_t i = 0; i + 8 <= size; i += 8)
        __builtin_memcpy(task->inline_args + i, (const char *)args + i, 8);
    return true;
}

static void free_args(struct wf_task *task)
{
    if (task->args != task->inline_args)
        wf_free(task->args);
}

/* ---- life --------------------------------------------------------------------------------------- */

static void fill(struct wf_task *task, const struct wf_task_opts *opts, struct wf_worker *w)
{
    wf_waiter_init(&task->waiter, true);
    task->waiter.name = opts->name != NULL ? opts->name : opts->what->name;
    task->waiter.file = opts->what->file;
    task->waiter.line = opts->what->line;
    task->waiter.id = next_id(w);
    task->waiter.scope = opts->home;
    task->spawn_file = opts->file;
    task->spawn_line = opts->line;
    task->home = opts->home;
    wf_link_init(&task->home_link);
    task->on_done = opts->on_done;
    task->leaves = NULL;
    task->what = opts->what;
    task->self_arg = opts->self_arg;
    wf_store_rlx(&task->has_started, false);
    task->next = NULL;
    wf_store_rlx(&task->ctx.sp, NULL);
    struct wf_waiter *self = WF_LIKELY(w != NULL) ? w->thread.current : wf_waiter_self();
    if (WF_UNLIKELY(self != NULL && self->locals != NULL))
        task->waiter.locals = wf_locals_ref(self->locals);
}

static struct wf_task *make(const struct wf_task_opts *opts, struct wf_worker *w)
{
    struct wf_task *task = take_struct(w);
    if (task == NULL)
        return NULL;
    if (take_stack_right(task, w, opts->stack_size) < 0) {
        give_struct(w, task);
        return NULL;
    }
    if (!copy_args(task, opts->args, opts->what->args_size)) {
        give_stack_right(task, w);
        give_struct(w, task);
        return NULL;
    }
    fill(task, opts, w);
    return task;
}

int wf_task_make(const struct wf_task_opts *opts, struct wf_task **out_task)
{
    if (!take_place())
        return WEFT_ENOMEM;
    struct wf_worker *w = wf_worker_self();
    wf_san_own(cache_of(w));
    struct wf_task *task = make(opts, w);
    wf_san_disown(cache_of(w));
    if (task == NULL) {
        give_place();
        return WEFT_ENOMEM;
    }
    *out_task = task;
    return 0;
}

void wf_task_see(struct wf_task *task, struct wf_locals *locals)
{
    wf_locals_unref(task->waiter.locals);
    task->waiter.locals = wf_locals_ref(locals);
}

void wf_task_unmake(struct wf_task *task, bool owns_args)
{
    if (owns_args && task->what->drop != NULL)
        task->what->drop(task->args); /* may wait, and go on on another worker */
    wf_locals_unref(task->waiter.locals);
    struct wf_worker *w = wf_worker_self();
    wf_san_own(cache_of(w));
    free_args(task);
    give_stack_right(task, w);
    give_struct(w, task);
    wf_san_disown(cache_of(w));
    give_place();
}

void wf_task_start(struct wf_task *tasks, uint32_t n)
{
    struct wf_worker *w = wf_worker_self();
    if (w != NULL)
        wf_store_rlx_raw(&w->stats[WF_SPAWNED], wf_load_rlx_raw(&w->stats[WF_SPAWNED]) + n);
    else
        (void)wf_add_rlx(&wf_rt.spawned_elsewhere, (uint64_t)n);
    wf_ready_fresh(tasks, n);
}

/* Before anybody learns of the end, so that who has joined a task finds it counted and its place
 * free. */
WF_WORKER_LOCAL static void begin_ending(void)
{
    wf_count_one(&wf_worker_self()->stats[WF_COMPLETED]);
    give_place();
}

/* An error of a closer that a brace ran is the task's own, if its body did well. */
static void run_body(struct wf_task *task)
{
    int rc = task->what->enter(task->args, task->self_arg);
    if (rc >= 0 && task->waiter.close_error < 0)
        rc = task->waiter.close_error;
    WF_MUST(task->waiter.scope == task->home, "a task ended inside a scope that it had entered");
    WF_MUST(task->waiter.n_locks == 0, "a task ended while it held a mutex or rwlock");
    wf_locals_unref(task->waiter.locals);
    begin_ending();
    task->on_done(task, rc);
}

/* The first frame of a stack; one task after the other may run on it. */
static void task_main(void *arg)
{
    struct wf_task *task = arg;
    for (;;) {
        wf_worker_begin_task();
        run_body(task);
        task = wf_worker_exit_task(task);
    }
}

void wf_task_prepare(struct wf_task *task, struct wf_worker *w)
{
    wf_san_own(cache_of(w));
    if (!task->has_own_stack)
        task->stack = wf_stack_take(&w->stacks);
    wf_san_disown(cache_of(w));
    wf_store_rlx(&task->has_started, true);
    wf_ctx_make(&task->ctx, wf_stack_low(task->stack), wf_stack_top(task->stack), task_main, task);
}

bool wf_task_inherit(struct wf_task *task, struct wf_task *last, struct wf_worker *w)
{
    if (task->has_own_stack || last->has_own_stack)
        return false;
    wf_san_own(&last->ctx.sp); /* who made it stored its fiber after that began: plat/ctx.c */
    wf_san_own(&last->stack);  /* whoever popped it has looked at it before */
    wf_san_own(cache_of(w));
    task->stack = last->stack;
    wf_store_rlx(&task->has_started, true);
    wf_ctx_inherit(&task->ctx, &last->ctx);
    free_args(last);
    wf_stack_credit_give(&w->stacks);
    give_struct(w, last);
    wf_san_disown(cache_of(w));
    return true;
}

void wf_task_recycle(struct wf_task *task, struct wf_worker *w)
{
    wf_san_own(&task->ctx.sp); /* acquire [ctx-left], as in plat/sanitizer.h */
    wf_san_own(&task->stack);  /* whoever popped it has looked at it before */
    wf_san_own(cache_of(w));
    wf_ctx_done(&task->ctx);
    free_args(task);
    if (task->has_own_stack) {
        wf_stack_unmap(task->stack);
    } else {
        wf_stack_give(&w->stacks, task->stack);
        wf_stack_credit_give(&w->stacks);
    }
    give_struct(w, task);
    wf_san_disown(cache_of(w));
}
