/* SPDX-License-Identifier: MIT
 * Callables as blocking jobs.
 *
 * A call that nobody may leave is on its caller's stack, arguments and all. One that may be
 * abandoned, or has a result, is a block of memory: the call, the copied arguments, the result.
 * What the arguments own is dropped by the callable's enter, or here when it never runs. */
#include "blocking/pool.h"
#include "plat/mem.h"

#include <string.h>
#include <weft/error.h>

struct call {
    struct wf_job job; /* first: the pool frees an abandoned one */
    const weft_callable *what;
    void *args;
    void (*drop_result)(void *result);
    size_t result_size;
    _Alignas(16) unsigned char room[]; /* the result, the arguments */
};

static int enter(void *arg)
{
    struct call *call = arg;
    return call->what->enter(call->args, NULL);
}

static void fill(struct call *call, const weft_blocking_opts *opts, const weft_callable *what,
                 void *args)
{
    wf_job_init(&call->job, what->name, enter, call);
    call->job.site = what;
    call->job.context.file = what->file;
    call->job.context.line = what->line;
    call->job.lane = opts->lane;
    call->job.is_pooled = opts->pooled;
    call->job.is_dedicated = opts->dedicated;
    call->job.is_in_place = opts->in_place;
    call->what = what;
    call->args = args;
}

static void drop_args(const weft_callable *what, void *args)
{
    if (what->drop != NULL)
        what->drop(args);
}

static int run_and_drop(struct call *call)
{
    int rc = wf_job_run(&call->job);
    if (rc < 0)
        drop_args(call->what, call->args);
    return rc;
}

static int call_in_place(const weft_blocking_opts *opts, const weft_callable *what, void *args)
{
    WEFT_UNSET_ struct call call;
    fill(&call, opts, what, args);
    int rc = run_and_drop(&call);
    return rc < 0 ? rc : call.job.rc;
}

/* ---- with memory of its own ----------------------------------------------------------------------- */

static void abandoned(struct wf_job *job)
{
    struct call *call = (struct call *)(void *)job;
    if (job->rc >= 0 && call->drop_result != NULL)
        call->drop_result(job->result);
}

static size_t aligned(size_t size)
{
    size_t more;
    return __builtin_add_overflow(size, (size_t)15, &more) ? SIZE_MAX : more & ~(size_t)15;
}

static struct call *make_call(const weft_blocking_opts *opts, const weft_callable *what, void *args)
{
    size_t result_room = aligned(opts->result_size);
    size_t size = wf_size_with(sizeof(struct call), 1, result_room);
    struct call *call = wf_alloc(1, wf_size_with(size, 1, what->args_size));
    if (call == NULL)
        return NULL;
    fill(call, opts, what, call->room + result_room);
    if (what->args_size > 0)
        memcpy(call->args, args, what->args_size);
    call->job.abandoned = opts->abandon ? abandoned : NULL;
    call->job.result = opts->result_size > 0 ? call->room : NULL;
    call->result_size = opts->result_size;
    call->drop_result = opts->drop_result;
    return call;
}

static int take_outcome(struct call *call, void *result)
{
    int rc = call->job.rc;
    if (rc >= 0 && call->result_size > 0)
        memcpy(result, call->job.result, call->result_size);
    return rc;
}

static int call_apart(const weft_blocking_opts *opts, const weft_callable *what, void *args)
{
    struct call *call = make_call(opts, what, args);
    if (call == NULL) {
        drop_args(what, args);
        return WEFT_ENOMEM;
    }
    int rc = run_and_drop(call);
    if (rc == WF_JOB_WAS_ABANDONED)
        return WEFT_ECANCELED;
    if (rc == 0)
        rc = take_outcome(call, opts->result);
    wf_free(call);
    return rc;
}

/* ---- public ------------------------------------------------------------------------------------------ */

static bool read_opts(const weft_blocking_opts *opts, weft_blocking_opts *out)
{
    memset(out, 0, sizeof *out);
    if (opts != NULL && opts->size_ > sizeof *out)
        return false;
    if (opts != NULL)
        memcpy(out, opts, opts->size_ != 0 ? opts->size_ : sizeof *out);
    bool is_elsewhere = out->pooled || out->dedicated || out->abandon;
    return (unsigned)out->lane < WEFT_LANES && !(out->in_place && is_elsewhere) &&
           (out->result_size == 0 || out->result != NULL) &&
           (out->drop_result == NULL || out->result_size > 0);
}

int weft_call_blocking(const weft_callable *what, void *args)
{
    wf_note_call();
    if (what == NULL || what->enter == NULL)
        return WEFT_EINVAL;
    static const weft_blocking_opts defaults;
    return call_in_place(&defaults, what, args);
}

int weft_call_blocking_with(const weft_blocking_opts *opts, const weft_callable *what, void *args)
{
    wf_note_call();
    weft_blocking_opts copy;
    if (what == NULL || what->enter == NULL)
        return WEFT_EINVAL;
    if (!read_opts(opts, &copy)) {
        drop_args(what, args);
        return WEFT_EINVAL;
    }
    if (copy.abandon || copy.result_size > 0)
        return call_apart(&copy, what, args);
    return call_in_place(&copy, what, args);
}
