/* SPDX-License-Identifier: MIT
 * One run: the scenario in a scope that is watched, or with a call that fails, in a runtime of its
 * own. In weft_sim the run is a simulated one, and its time is virtual. */
#include "plat/sim.h"
#include "plat/sys_failing.h"
#include "sched/worker.h"
#include "task/dump.h"
#include "task/scope.h"
#include "testing/points.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHUTDOWN_NS INT64_C(5000000000)

/* Of the one run of this process. */
static struct {
    struct wf_point_run *run;
    struct weft_scope *scope;     /* constant while anybody looks */
    _Atomic uint32_t is_counting; /* calls may fail: the scenario runs */
    struct wf_accounts before;
} here;

void wf_text_copy_to(const struct wf_text *text, char *out, size_t size)
{
    size_t n = WF_MIN(text->size, size - 1);
    memcpy(out, text->data, n);
    out[n] = '\0';
}

void wf_point_fail(struct wf_point_run *run, const char *format, ...)
{
    size_t used = strlen(run->failure);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(run->failure + used, sizeof run->failure - used, format, args);
    va_end(args);
}

/* ---- the points --------------------------------------------------------------------------------- */

static void hit(struct wf_point_run *run, const struct wf_text *place)
{
    wf_text_copy_to(place, run->place, sizeof run->place);
    wf_store_rlx_raw(&run->hit_ns, wf_clock_now());
    wf_store_rel_raw(&run->was_hit, 1u);
}

static void add_who(struct wf_text *text, struct wf_waiter *self)
{
    if (self == NULL || !self->is_task) {
        wf_text_add(text, ", in a thread");
        return;
    }
    struct wf_task *task = wf_task_of(self);
    wf_text_add(text, ", in task #%llu \"%s\" spawned at %s:%d", (unsigned long long)self->id,
                self->name, task->spawn_file, task->spawn_line);
}

/* "a wait in park_node: receives from channel "jobs" (main.c:22), in task #3 "worker" ..." */
static void note_look(struct wf_point_run *run, struct wf_waiter *self, const char *where)
{
    struct wf_text text;
    wf_text_init(&text);
    if (wf_load_rlx(&self->cell) == WF_WAIT_IDLE) {
        wf_text_add(&text, "a call that may wait, in %s", where);
    } else {
        wf_text_add(&text, "a wait: ");
        wf_dump_wait(self, 0, &text);
    }
    add_who(&text, self);
    hit(run, &text);
    wf_text_free(&text);
}

static void on_look(struct wf_waiter *self, const char *where)
{
    struct wf_point_run *run = here.run;
    uint64_t n = wf_add_rlx_raw(&run->n_looks, (uint64_t)1) + 1;
    if (run->kind != WF_POINT_CANCEL || n != run->at)
        return;
    note_look(run, self, where);
    wf_scope_cancel(here.scope, WF_REASON_ASKED);
}

/* Locks may be held, and the text may itself need memory: none is counted then. */
static bool on_call(enum wf_sys_kind kind, const char *name)
{
    struct wf_point_run *run = here.run;
    if (wf_load_rlx_raw(&here.is_counting) == 0 || kind == WF_SYS_ADVISE)
        return false;
    uint64_t n = wf_add_rlx_raw(&run->n_faults, (uint64_t)1) + 1;
    if (run->kind != WF_POINT_FAULT || n != run->at)
        return false;
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text, "a failing %s", name);
    add_who(&text, wf_waiter_known());
    hit(run, &text);
    wf_text_free(&text);
    return true;
}

/* ---- the scenario ------------------------------------------------------------------------------- */

static void check_time(struct wf_point_run *run)
{
    int64_t took_ns = wf_clock_now() - wf_load_rlx_raw(&run->hit_ns);
    if (wf_load_acq_raw(&run->was_hit) != 0 && took_ns > run->opts->budget_ns)
        wf_point_fail(run, "  it went on for %.3f s, and may for %.3f s\n", (double)took_ns / 1e9,
                      (double)run->opts->budget_ns / 1e9);
}

static int in_scope(void *arg)
{
    struct wf_point_run *run = arg;
    weft_scope scope = { .opts = { .size_ = sizeof scope.opts, .name = run->opts->name } };
    weft_scope_enter(&scope, "weft_try_every_point", 0);
    here.scope = &scope;
    wf_scope_watch(&scope);
    wf_store_rlx_raw(&here.is_counting, 1u);
    run->rc = run->scenario(run->arg);
    weft_scope_leave(&scope);
    wf_store_rlx_raw(&here.is_counting, 0u);
    run->is_over = true;
    run->was_stuck = wf_scope_of(&scope)->reason.kind == WF_REASON_DEADLOCK;
    check_time(run);
    wf_accounts_check_scope(run);
    weft_scope_cancel(weft_root_scope()); /* what is left there is no longer waited for */
    return 0;
}

static int configure(const weft_points_opts *opts)
{
    weft_config config = {
        .size_ = sizeof config,
        .workers = opts->workers,
        .teardown_budget_ns = opts->budget_ns,
    };
#ifndef WF_SIM
    if (config.workers == 0)
        config.workers = 1;
#endif
    return weft_configure(&config);
}

static void run_here(void *arg)
{
    struct wf_point_run *run = arg;
    int rc = configure(run->opts);
    if (rc >= 0)
        rc = run->opts->in_thread ? in_scope(run) : weft_run(in_scope, run);
    run->was_stuck |= rc == WEFT_EDEADLK;
    if (rc < 0 && !run->is_over)
        wf_point_fail(run, "  the runtime: %s\n", weft_errname(rc));
    rc = weft_shutdown(MAX_SHUTDOWN_NS);
    if (rc < 0)
        wf_point_fail(run, "  weft_shutdown: %s\n", weft_errname(rc));
}

#ifdef WF_SIM
static void stuck(const char *why)
{
    wf_point_fail(here.run, "  %s\n", why);
    (void)weft_dump(2);
}

static void run_anyhow(struct wf_point_run *run)
{
    struct wf_sim_opts opts = { .seed = run->seed, .max_points = run->max_sim_points };
    if (wf_sim_run(&opts, run_here, run, stuck) < 0 && run->failure[0] == '\0')
        wf_point_fail(run, "  the simulator could not start\n");
    run->n_sim_points = wf_sim_points();
}
#else
static void run_anyhow(struct wf_point_run *run) { run_here(run); }
#endif

void wf_point_run(struct wf_point_run *run)
{
    here.run = run;
    wf_on_look = on_look;
    wf_sys_fail_when(on_call);
    wf_accounts_begin(&here.before);
    run_anyhow(run);
    wf_on_look = NULL;
    wf_sys_fail_when(NULL);
    if (run->failure[0] != '\0') /* memory and files are part of what is told already */
        return;
    wf_accounts_check_end(run, &here.before);
    int rc = run->opts->check != NULL ? run->opts->check(run->arg) : 0;
    if (rc < 0)
        wf_point_fail(run, "  check: %s\n", weft_errname(rc));
}
