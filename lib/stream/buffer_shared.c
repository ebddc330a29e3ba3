/* SPDX-License-Identifier: MIT
 * Several receivers of a buffer of lent items. Invariant: buffer.h, R3.
 *
 * Rejected: a run for each receiver. One that left would take the rest of it along. */
#include "stream/buffer.h"
#include "stream/pumped.h"

#include "plat/mem.h"

#include <weft/mutex.h>

struct shared {
    _Atomic uint32_t refs; /* its receivers: the last one closes and frees */
    struct wf_lock lock;   /* run, at */
    struct wf_lent_run *run;
    size_t at;
    weft_mutex pulling; /* the rest */
    weft_receiver *runs;
    bool is_over;
    int code; /* what each gets once, then */
};

/* What each receiver holds. */
struct end {
    struct shared *shared;
    struct wf_lent *lent; /* of the item that it was given */
};

/* The memory of its next item is this. Returns what it held before, or NULL, for the caller to drop. */
static struct wf_lent *hold(struct end *end, struct wf_lent *lent)
{
    struct wf_lent *before = end->lent;
    if (before == lent)
        return NULL;
    end->lent = wf_lent_ref(lent);
    return before;
}

/* An item of the run, if there is one. */
static bool take(struct end *end, void *out)
{
    struct shared *shared = end->shared;
    struct wf_lent_run *used_up = NULL;
    struct wf_lent *before;
    wf_lock_acquire(&shared->lock);
    struct wf_lent_run *run = shared->run;
    if (run == NULL) {
        wf_lock_release(&shared->lock);
        return false;
    }
    wf_copy_value(out, &run->items[shared->at++], sizeof run->items[0]);
    before = hold(end, run->lent);
    if (shared->at == run->n) {
        used_up = run;
        shared->run = NULL;
    }
    wf_lock_release(&shared->lock);
    wf_lent_run_free(used_up);
    wf_lent_drop(before);
    return true;
}

static void install(struct shared *shared, struct wf_lent_run *run)
{
    wf_lock_acquire(&shared->lock);
    shared->run = run;
    shared->at = 0;
    wf_lock_release(&shared->lock);
}

/* With `pulling`, and no run: 1, there is one now; 0 the end, <0, WF_NOT_READY of a try. */
static int pull(weft_receiver *rx, struct shared *shared, bool may_wait)
{
    struct wf_lent_run *run = NULL;
    int rc = 0;
    if (!shared->is_over) {
        rc = may_wait ? wf_receiver_next(shared->runs, &run)
                      : wf_receiver_try_next(shared->runs, &run);
        if (rc > 0) {
            install(shared, run);
            return 1;
        }
        if (rc < 0 && wf_pumped_given_error(shared->runs) == 0)
            return rc;
        shared->is_over = true;
        shared->code = rc;
    }
    rx->is_ended = true;
    return shared->code;
}

static int next(weft_receiver *rx, void *out, bool may_wait)
{
    struct end *end = rx->source;
    struct shared *shared = end->shared;
    if (take(end, out))
        return 1;
    int rc = may_wait ? weft_mutex_lock(&shared->pulling) : weft_mutex_try_lock(&shared->pulling);
    if (rc < 0)
        return rc == WEFT_EAGAIN ? WF_NOT_READY : rc;
    for (;;) { /* whoever need not wait for the mutex may take all of a run meanwhile */
        if (take(end, out)) {
            rc = 1;
            break;
        }
        rc = pull(rx, shared, may_wait);
        if (rc <= 0)
            break;
    }
    weft_mutex_unlock(&shared->pulling);
    return rc;
}

static int shared_recv(weft_receiver *rx, void *out) { return wf_unnoted(next(rx, out, true)); }
static int shared_try_recv(weft_receiver *rx, void *out)
{
    return wf_unnoted(next(rx, out, false));
}

static int shared_close(weft_receiver *rx)
{
    struct end *end = rx->source;
    struct shared *shared = end->shared;
    int rc = 0;
    wf_lent_drop(end->lent);
    wf_free(end);
    /* acq_rel, with itself in the others: whoever is the last comes after all of them. */
    if (wf_sub_acq_rel(&shared->refs, 1) == 1) {
        wf_lent_run_free(shared->run);
        rc = wf_receiver_close_and_free(shared->runs);
        weft_mutex_destroy(&shared->pulling);
        wf_free(shared);
    }
    return rc;
}

static int shared_ref(weft_receiver *rx, weft_receiver *copy)
{
    struct end *end = wf_alloc(1, sizeof *end);
    if (end == NULL)
        return WEFT_ENOMEM;
    end->shared = ((struct end *)rx->source)->shared;
    wf_add_rlx(&end->shared->refs, 1);
    copy->source = end;
    return 0;
}

/* No case of select: the run of one is nothing that another's select would be told of. */
static const struct wf_source_ops shared_ops = {
    .kind = "buffer",
    .recv = shared_recv,
    .try_recv = shared_try_recv,
    .close = shared_close,
    .ref = shared_ref,
};

/* ---- from one to several --------------------------------------------------------------------- */

/* What the adaptor had, which is nothing but the receiver's memory from here on. */
static void take_over(struct shared *shared, struct end *end, struct wf_adaptor *adaptor)
{
    struct wf_runs_state *state = adaptor->state;
    struct wf_lent_run *held = state->held;
    shared->runs = adaptor->source;
    adaptor->source = NULL;
    state->held = NULL;
    if (held == NULL)
        return;
    (void)hold(end, held->lent);
    shared->at = (size_t)((const weft_line *)(const void *)adaptor->run.next - held->items);
    if (shared->at < held->n)
        shared->run = held;
    else
        wf_lent_run_free(held);
    adaptor->run = (struct wf_run){ NULL, NULL };
}

static int share(weft_receiver *rx)
{
    struct shared *shared = wf_alloc(1, sizeof *shared);
    struct end *end = wf_alloc(1, sizeof *end);
    if (shared == NULL || end == NULL) {
        wf_free(shared);
        wf_free(end);
        return WEFT_ENOMEM;
    }
    wf_store_rlx(&shared->refs, 1u);
    wf_lock_init(&shared->lock, WF_RANK_SYNC);
    shared->pulling = (weft_mutex)WEFT_MUTEX_INIT(.name = "buffer");
    take_over(shared, end, rx->source);
    shared->is_over = rx->is_ended || shared->runs == NULL;
    shared->code = shared->runs != NULL ? wf_pumped_given_error(shared->runs) : 0;
    end->shared = shared;
    rx->source = end;
    rx->ops = &shared_ops;
    return 0;
}

int wf_runs_ref(weft_receiver *rx, weft_receiver *copy)
{
    int rc = wf_load_rlx(&rx->is_busy) ? WEFT_EBUSY : share(rx);
    if (rc < 0)
        return rc;
    copy->ops = &shared_ops;
    return shared_ref(rx, copy);
}
