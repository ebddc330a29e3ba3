/* SPDX-License-Identifier: MIT
 * weft_scope_spawn and weft_run. */
#include "base/opts.h"
#include "plat/mem.h"
#include "sched/worker.h"
#include "task/spawn.h"
#ifdef WF_SIM
#include "plat/sim.h"
#include "task/sim_main.h"
#endif

#include <weft/runtime.h>

int wf_spawn_refuse(const weft_callable *what, void *args, int rc)
{
    if (what != NULL && what->drop != NULL)
        what->drop(args);
    return rc;
}

static inline int make_one(weft_scope *scope, const weft_spawn_opts *opts,
                           const weft_callable *what, const void *args, const char *file, int line,
                           struct wf_task **out_task)
{
    return wf_task_make(
        &(struct wf_task_opts){
            .what = what,
            .args = args,
            .name = opts->name,
            .file = file,
            .line = line,
            .stack_size = opts->stack_size,
            .home = scope,
            .on_done = wf_scope_child_done,
        },
        out_task);
}

/* A copy of the arguments with references of its own. A failed clone owns nothing. */
static int make_clone(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                      const void *args, const char *file, int line, struct wf_task **out_task)
{
    struct wf_task *task;
    int rc = make_one(scope, opts, what, args, file, line, &task);
    if (rc < 0)
        return rc;
    rc = what->clone(task->args);
    if (rc < 0)
        wf_task_unmake(task, false);
    else
        *out_task = task;
    return rc;
}

void wf_spawn_unmake(struct wf_task *tasks)
{
    while (tasks != NULL) {
        struct wf_task *task = tasks;
        tasks = task->next;
        wf_task_unmake(task, true);
    }
}

/* n tasks, linked by next; the first made takes args itself, the others have clones. */
static int make_all(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                    void *args, const char *file, int line, int n, struct wf_task **out_tasks)
{
    struct wf_task *tasks = NULL, *task;
    for (int i = 1; i < n; i++) {
        int rc = make_clone(scope, opts, what, args, file, line, &task);
        if (rc < 0) {
            wf_spawn_unmake(tasks);
            return rc;
        }
        task->next = tasks;
        tasks = task;
    }
    int rc = make_one(scope, opts, what, args, file, line, &task);
    if (rc < 0) {
        wf_spawn_unmake(tasks);
        return rc;
    }
    task->next = tasks;
    *out_tasks = task;
    return 0;
}

int wf_spawn_make(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                  void *args, const char *file, int line, struct wf_task **out_tasks)
{
    int n = WF_MAX(opts->copies, 1);
    return n == 1 ? make_one(scope, opts, what, args, file, line, out_tasks)
                  : make_all(scope, opts, what, args, file, line, n, out_tasks);
}

static int check(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what)
{
    if (scope == NULL || what == NULL || opts->copies < 0)
        return WEFT_EINVAL;
    if (opts->copies > 1 && what->clone == NULL)
        return WEFT_EINVAL;
    if (opts->stack_size != 0 &&
        (opts->stack_size < WF_STACK_MIN || opts->stack_size > WF_STACK_MAX))
        return WEFT_EINVAL;
    struct wf_scope *s = wf_scope_of(scope);
    if (s->has_left) /* or it could not be entered, and rc says why */
        return s->rc < 0 ? s->rc : WEFT_ECLOSED;
    return wf_waiter_self() != NULL ? 0 : wf_no_waiter();
}

/* Counts in and starts n tasks, linked by next. */
static int start(weft_scope *scope, struct wf_task *tasks, int n)
{
    int rc = wf_scope_add(scope, tasks);
    if (rc < 0)
        wf_spawn_unmake(tasks);
    else
        wf_task_start(tasks, (uint32_t)n);
    return rc;
}

static inline int spawn(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                        void *args, const char *file, int line)
{
    struct wf_task *tasks;
    int n = WF_MAX(opts->copies, 1);
    int rc = check(scope, opts, what);
    if (rc >= 0 && WF_UNLIKELY(wf_scope_of(scope)->has_rules || opts->out_task != NULL ||
                               opts->out_ready != NULL))
        return wf_spawn_by_rules(scope, opts, what, args, file, line);
    if (rc >= 0)
        rc = n == 1 ? make_one(scope, opts, what, args, file, line, &tasks)
                    : make_all(scope, opts, what, args, file, line, n, &tasks);
    return rc >= 0 ? start(scope, tasks, n) : wf_spawn_refuse(what, args, rc);
}

static WF_NOINLINE int spawn_with_opts(weft_scope *scope, const weft_spawn_opts *user_opts,
                                       const weft_callable *what, void *args, const char *file,
                                       int line)
{
    weft_spawn_opts opts = { .size_ = 0 };
    wf_opts_copy(&opts, sizeof opts, user_opts);
    return spawn(scope, &opts, what, args, file, line);
}

int weft_scope_spawn(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                     void *args, const char *file, int line)
{
    wf_note_call();
    static const weft_spawn_opts defaults = { .size_ = sizeof defaults };
    return opts != NULL ? spawn_with_opts(scope, opts, what, args, file, line)
                        : spawn(scope, &defaults, what, args, file, line);
}

/* ---- weft_run ------------------------------------------------------------------------------------- */

struct main_args {
    int (*main_task)(void *arg);
    void *arg;
    int *out_rc;
};

static int enter_main(void *args, void *self)
{
    (void)self;
    struct main_args *main = args;
    return *main->out_rc = main->main_task(main->arg);
}

static const weft_callable main_callable = {
    .enter = enter_main,
    .args_size = sizeof(struct main_args),
    .name = "main",
    .file = "weft_run",
};

int weft_run(int (*main_task)(void *), void *arg)
{
#ifdef WF_SIM
    if (!wf_sim_is_running())
        return wf_sim_main(main_task, arg);
#endif
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (self->is_task)
        return WEFT_EDEADLK;
    if (main_task == NULL)
        return WEFT_EINVAL;
    int main_rc = 0;
    struct main_args args = { main_task, arg, &main_rc };
    weft_scope root = { .opts = { .size_ = sizeof(weft_scope_opts), .name = "weft_run" } };
    weft_scope_enter(&root, "weft_run", 0);
    int spawn_rc = weft_scope_spawn(&root, NULL, &main_callable, &args, "weft_run", 0);
    int rc = weft_scope_wait(&root);
    weft_scope_leave(&root);
    if (spawn_rc < 0)
        return spawn_rc;
    return rc < 0 ? rc : main_rc;
}
