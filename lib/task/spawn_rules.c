/* SPDX-License-Identifier: MIT
 * Spawning children that are recorded (a handle, "ready", .joins, a race) or limited in number. */
#include "task/record.h"
#include "task/spawn.h"

static uint32_t n_copies(const weft_spawn_opts *opts) { return (uint32_t)WF_MAX(opts->copies, 1); }

static bool needs_record(const struct wf_scope *s, const weft_spawn_opts *opts)
{
    return s->keeps_records || opts->out_task != NULL || opts->out_ready != NULL;
}

static int check(const struct wf_scope *s, const weft_spawn_opts *opts)
{
    bool is_asked_for = opts->out_task != NULL || opts->out_ready != NULL;
    if (is_asked_for && n_copies(opts) > 1)
        return WEFT_EINVAL;
    return s->limit > 0 && n_copies(opts) > s->limit ? WEFT_EINVAL : 0;
}

/* ---- records ------------------------------------------------------------------------------------ */

static struct weft_task *make_record(weft_scope *scope, const weft_spawn_opts *opts,
                                     const weft_callable *what)
{
    if (opts->out_ready == NULL)
        return wf_record_make(scope);
    struct wf_starting *it = wf_starting_make(scope, what, opts);
    return it != NULL ? &it->record : NULL;
}

static int attach_records(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                          struct wf_task *tasks)
{
    for (struct wf_task *task = tasks; task != NULL; task = task->next) {
        struct weft_task *record = make_record(scope, opts, what);
        if (record == NULL)
            return WEFT_ENOMEM;
        wf_record_attach(record, task);
    }
    return 0;
}

/* Of tasks that will not start; some may have none yet. */
static void detach_records(struct wf_task *tasks)
{
    for (struct wf_task *task = tasks; task != NULL; task = task->next)
        if (task->on_done == wf_record_child_done)
            wf_record_detach(task);
}

/* ---- spawning ----------------------------------------------------------------------------------- */

/* All that can fail. The tasks are given up then, arguments and all. */
static int prepare(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                   struct wf_task *tasks)
{
    struct wf_scope *s = wf_scope_of(scope);
    int rc = 0;
    if (s->limit > 0)
        for (struct wf_task *task = tasks; task != NULL; task = task->next)
            task->on_done = wf_limit_child_done;
    if (needs_record(s, opts))
        rc = attach_records(scope, opts, what, tasks);
    if (rc >= 0)
        rc = wf_scope_add(scope, tasks);
    if (rc < 0) {
        detach_records(tasks);
        wf_spawn_unmake(tasks);
    }
    return rc;
}

/* The places are there. */
static int make_and_start(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                          void *args, const char *file, int line, struct weft_task **out_record)
{
    struct wf_task *tasks;
    int rc = wf_spawn_make(scope, opts, what, args, file, line, &tasks);
    if (rc < 0)
        return wf_spawn_refuse(what, args, rc);
    rc = prepare(scope, opts, what, tasks);
    if (rc < 0)
        return rc;
    if (opts->out_task != NULL || opts->out_ready != NULL)
        *out_record = weft_task_ref(tasks->record); /* ours: from the start on it may end */
    wf_task_start(tasks, n_copies(opts));
    return 0;
}

int wf_spawn_by_rules(weft_scope *scope, const weft_spawn_opts *opts, const weft_callable *what,
                      void *args, const char *file, int line)
{
    struct wf_scope *s = wf_scope_of(scope);
    struct weft_task *record = NULL;
    bool is_limited = s->limit > 0;
    int rc = check(s, opts);
    if (rc >= 0 && is_limited)
        rc = wf_limit_enter(scope, n_copies(opts));
    if (rc < 0)
        return wf_spawn_refuse(what, args, rc);
    rc = make_and_start(scope, opts, what, args, file, line, &record);
    /* From here the scope may be over, for all we know, unless we count in it (limit.c, L2). */
    if (is_limited)
        wf_limit_leave(s, rc < 0 ? n_copies(opts) : 0);
    if (rc >= 0 && record != NULL && opts->out_ready != NULL)
        rc = wf_starting_await(wf_starting_of(record));
    if (rc >= 0 && opts->out_task != NULL)
        *opts->out_task = record;
    else if (record != NULL)
        wf_record_unref(record);
    return rc;
}
