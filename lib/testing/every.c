/* SPDX-License-Identifier: MIT
 * weft_try_every_point: which runs there are, and what is said of those that failed. */
#include "plat/sim.h"
#include "sched/worker.h"
#include "testing/points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET_NS INT64_C(5000000000)

enum { MAX_FAILURES = 5, LATE = 12, ROOM_FOR_MORE = 1000000, TIMES_AS_MANY = 10 };

/* The words of WEFT_POINT. */
static const char *const kinds[] = { "nothing", "cancel", "fault" };

struct trial {
    weft_points_opts opts;
    weft_points tried;
    bool may_be_stuck; /* it is when nothing is done to it */
    struct wf_point_run *run;
};

/* ---- one run ------------------------------------------------------------------------------------ */

static void tell(struct trial *trial, const struct wf_process_end *end)
{
    const struct wf_point_run *run = trial->run;
    char command[512];
    struct wf_text text;
    wf_text_init(&text);
    wf_process_command(command, sizeof command);
    wf_text_add(&text, "weft: every point of \"%s\": ", trial->opts.name);
    if (run->kind == WF_POINT_NONE)
        wf_text_add(&text, "the run without any");
    else
        wf_text_add(&text, "%s %llu", kinds[run->kind], (unsigned long long)run->at);
    wf_text_add(&text, ", seed %llu, failed%s%s\n", (unsigned long long)run->seed,
                run->place[0] != '\0' ? ": " : "", run->place);
    if (end->is_late)
        wf_text_add(&text, "  it did not end%s\n", run->is_over ? ", but its scope did" : "");
    else if (end->signal != 0)
        wf_text_add(&text, "  it died of signal %d\n", end->signal);
    else if (end->code != 0)
        wf_text_add(&text, "  it ended with exit code %d\n", end->code);
    wf_text_add(&text, "%s  again: WEFT_POINT=%s:%s:%llu:%llu %s\n", run->failure, trial->opts.name,
                kinds[run->kind], (unsigned long long)run->at, (unsigned long long)run->seed,
                command);
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

static int in_child(void *arg)
{
    wf_thread_after_clean_fork();
    wf_point_run(arg);
    return 0;
}

static void clear(struct wf_point_run *run, enum wf_point_kind kind, uint64_t at, uint64_t seed)
{
    run->kind = kind;
    run->at = at;
    run->seed = seed;
    wf_store_rlx_raw(&run->n_looks, UINT64_C(0));
    wf_store_rlx_raw(&run->n_faults, UINT64_C(0));
    wf_store_rlx_raw(&run->was_hit, 0u);
    run->is_over = run->was_stuck = false;
    run->place[0] = run->failure[0] = '\0';
}

static int try_one(struct trial *trial, enum wf_point_kind kind, uint64_t at, uint64_t seed)
{
    struct wf_point_run *run = trial->run;
    struct wf_process_end end = { .code = 0 };
    clear(run, kind, at, seed);
    int rc = wf_process_run(in_child, run, trial->opts.budget_ns * LATE, &end);
    if (rc < 0)
        return rc;
    if (run->was_stuck && kind != WF_POINT_NONE && !trial->may_be_stuck)
        wf_point_fail(run, "  it waited for what can never happen, as reported above\n");
    if (run->failure[0] != '\0' || end.is_late || end.signal != 0 || end.code != 0) {
        trial->tried.failures++;
        tell(trial, &end);
    }
    return 0;
}

/* ---- all of them -------------------------------------------------------------------------------- */

static bool has_enough(const struct trial *trial) { return trial->tried.failures >= MAX_FAILURES; }

/* Of n points those that are tried, evenly chosen. */
static int try_kind(struct trial *trial, enum wf_point_kind kind, uint64_t n, uint64_t seed,
                    unsigned *out_n_hit)
{
    unsigned most = trial->opts.max_runs;
    uint64_t n_runs = most != 0 ? WF_MIN(n, (uint64_t)most) : n;
    for (uint64_t i = 0; i < n_runs && !has_enough(trial); i++) {
        int rc = try_one(trial, kind, 1 + i * n / n_runs, seed);
        if (rc < 0)
            return rc;
        *out_n_hit += wf_load_acq_raw(&trial->run->was_hit);
    }
    return 0;
}

static int try_seed(struct trial *trial, uint64_t seed)
{
    struct wf_point_run *run = trial->run;
    run->max_sim_points = 0;
    int rc = try_one(trial, WF_POINT_NONE, 0, seed);
    if (rc < 0 || trial->tried.failures > 0)
        return rc;
    uint64_t n_looks = wf_load_rlx_raw(&run->n_looks);
    uint64_t n_faults = wf_load_rlx_raw(&run->n_faults);
    trial->may_be_stuck = run->was_stuck;
    trial->tried.rc = run->rc;
    trial->tried.cancel_points += (unsigned)n_looks;
    trial->tried.fault_points += (unsigned)n_faults;
    run->max_sim_points = run->n_sim_points * TIMES_AS_MANY + ROOM_FOR_MORE;
    if (!trial->opts.no_cancels)
        rc = try_kind(trial, WF_POINT_CANCEL, n_looks, seed, &trial->tried.cancel_runs);
    if (rc >= 0 && !trial->opts.no_faults)
        rc = try_kind(trial, WF_POINT_FAULT, n_faults, seed, &trial->tried.fault_runs);
    return rc;
}

static int try_all(struct trial *trial)
{
    int rc = 0;
    for (unsigned i = 0; i < trial->opts.seeds && rc >= 0 && !has_enough(trial); i++)
        rc = try_seed(trial, trial->opts.seed + i);
    return rc;
}

/* NAME:KIND:POINT:SEED: that run, here, for a debugger; nothing for another name. */
static int repeat(struct trial *trial, const char *wanted)
{
    size_t n = strlen(trial->opts.name);
    if (strncmp(wanted, trial->opts.name, n) != 0 || wanted[n] != ':')
        return 0;
    char *at = (char *)(uintptr_t)wanted + n + 1;
    enum wf_point_kind kind = WF_POINT_NONE;
    for (unsigned i = 0; i < WF_ARRAY_SIZE(kinds); i++)
        if (strncmp(at, kinds[i], strlen(kinds[i])) == 0)
            kind = (enum wf_point_kind)i;
    at = strchr(at, ':');
    uint64_t point = at != NULL ? strtoull(at + 1, &at, 10) : 0;
    uint64_t seed = at != NULL && *at == ':' ? strtoull(at + 1, NULL, 10) : trial->opts.seed;
    clear(trial->run, kind, point, seed);
    wf_point_run(trial->run);
    if (trial->run->failure[0] != '\0') {
        trial->tried.failures++;
        tell(trial, &(struct wf_process_end){ .code = 0 });
    }
    return 0;
}

/* ---- the call ----------------------------------------------------------------------------------- */

static int fill_opts(weft_points_opts *opts, const weft_points_opts *user_opts)
{
    if (user_opts != NULL && user_opts->size_ > sizeof *opts)
        return WEFT_EINVAL;
    if (user_opts != NULL)
        memcpy(opts, user_opts, user_opts->size_ != 0 ? user_opts->size_ : sizeof *opts);
    if (opts->budget_ns < 0 || opts->budget_ns > INT64_MAX / LATE)
        return WEFT_EINVAL;
    if (opts->name == NULL)
        opts->name = "scenario";
    if (opts->seed == 0)
        opts->seed = 1;
    if (opts->seeds == 0)
        opts->seeds = 1;
#ifndef WF_SIM
    opts->seeds = 1;
#endif
    if (opts->budget_ns == 0)
        opts->budget_ns = BUDGET_NS;
    return 0;
}

static int check_quiet(void)
{
    wf_thread_forget(); /* of this thread; a child of it has none */
    wf_lock_acquire(&wf_rt.lock);
    bool is_quiet = wf_rt.state == WF_STOPPED;
    wf_lock_release(&wf_rt.lock);
    return is_quiet ? 0 : WEFT_EBUSY;
}

int weft_try_every_point(int (*scenario)(void *arg), void *arg, const weft_points_opts *user_opts,
                         weft_points *out_points)
{
    struct trial trial = { .opts = { .size_ = 0 } };
    if (scenario == NULL || (out_points != NULL && out_points->size_ > sizeof *out_points))
        return WEFT_EINVAL;
    int rc = fill_opts(&trial.opts, user_opts);
    if (rc >= 0)
        rc = check_quiet();
    if (rc < 0)
        return rc;
    trial.run = wf_process_share(sizeof *trial.run);
    if (trial.run == NULL)
        return WEFT_ENOMEM;
    trial.run->scenario = scenario;
    trial.run->arg = arg;
    trial.run->opts = &trial.opts;
    const char *wanted = getenv("WEFT_POINT");
    rc = wanted != NULL ? repeat(&trial, wanted) : try_all(&trial);
    wf_process_unshare(trial.run, sizeof *trial.run);
    trial.tried.size_ = out_points != NULL ? out_points->size_ : 0;
    if (out_points != NULL)
        memcpy(out_points, &trial.tried,
               out_points->size_ != 0 ? out_points->size_ : sizeof trial.tried);
    return rc < 0 ? rc : (int)trial.tried.failures;
}
