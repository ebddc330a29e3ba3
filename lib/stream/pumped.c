/* SPDX-License-Identifier: MIT
 * The receivers of a buffer and of a tee, and the start of the task behind them. */
#include "stream/pumped.h"

#include "plat/mem.h"

#include <weft/generator.h>

#include <string.h>

/* ---- the receivers --------------------------------------------------------------------------- */

/* What each receiver holds. */
struct end {
    struct wf_pumped *pumped;
    weft_receiver *items;
};

struct wf_pumped *wf_pumped_of(const weft_receiver *rx)
{
    return ((struct end *)rx->source)->pumped;
}

static weft_receiver *items_of(const weft_receiver *rx)
{
    return ((struct end *)rx->source)->items;
}

int wf_pumped_given_error(const weft_receiver *rx)
{
    const weft_receiver *items = items_of(rx);
    return items->cause_given ? ((const struct wf_chan *)items->source)->cause : 0;
}

/* Whether that was the end is the channel's to say. */
static int received(weft_receiver *rx, int rc)
{
    rx->is_ended |= rc < 0 && items_of(rx)->is_ended;
    return rc;
}

static int end_recv(weft_receiver *rx, void *out)
{
    return received(rx, wf_receiver_next(items_of(rx), out));
}

static int end_try_recv(weft_receiver *rx, void *out)
{
    return received(rx, wf_receiver_try_next(items_of(rx), out));
}

static int end_recv_many(weft_receiver *rx, void *out, size_t n)
{
    return received(rx, weft_receiver_recv_many(items_of(rx), out, n, rx->elem_size));
}

static struct wf_chan *end_select_on(weft_receiver *rx)
{
    return items_of(rx)->ops->select_on(items_of(rx));
}

static int end_close(weft_receiver *rx)
{
    struct end *end = rx->source;
    struct wf_pumped *pumped = end->pumped;
    int rc = 0;
    (void)wf_receiver_close_and_free(end->items);
    wf_free(end);
    /* acq_rel, with itself in the others: whoever is the last comes after all of them. */
    if (wf_sub_acq_rel(&pumped->refs, 1) == 1) {
        rc = wf_receiver_close_and_free(pumped->task);
        rc = rc < 0 ? rc : pumped->close_code;
        wf_free(pumped->shared);
        wf_free(pumped);
    }
    return rc;
}

static int end_ref(weft_receiver *rx, weft_receiver *copy)
{
    struct end *end = wf_alloc(1, sizeof *end);
    weft_receiver *items = items_of(rx);
    if (end == NULL)
        return WEFT_ENOMEM;
    end->pumped = ((struct end *)rx->source)->pumped;
    end->items = wf_receiver_ref(items, copy->half.file, copy->half.line);
    if (end->items == NULL) {
        wf_free(end);
        return WEFT_ENOMEM;
    }
    wf_add_rlx(&end->pumped->refs, 1);
    copy->source = end;
    return 0;
}

static const struct wf_source_ops shared_ops = {
    .kind = "buffer",
    .recv = end_recv,
    .try_recv = end_try_recv,
    .select_on = end_select_on,
    .recv_many = end_recv_many,
    .close = end_close,
    .ref = end_ref,
};

static const struct wf_source_ops single_ops = {
    .kind = "tee",
    .recv = end_recv,
    .try_recv = end_try_recv,
    .select_on = end_select_on,
    .recv_many = end_recv_many,
    .close = end_close,
};

bool wf_pumped_is_single(const weft_receiver *rx) { return rx->ops == &single_ops; }

/* ---- opening --------------------------------------------------------------------------------- */

/* The memory comes first, so that nothing has begun when there is none. */
int wf_pumped_add(struct wf_pumped *pumped, size_t elem_size, const weft_chan_opts *opts,
                  bool may_share, weft_sender **out_tx, weft_receiver **out_rx)
{
    const struct wf_source_ops *ops = may_share ? &shared_ops : &single_ops;
    struct end *end = wf_alloc(1, sizeof *end);
    weft_receiver *rx = wf_receiver_make(ops, end, elem_size, opts->name, 0);
    int rc = end == NULL || rx == NULL ? WEFT_ENOMEM : 0;
    if (rc >= 0)
        rc = weft_channel_open(elem_size, opts, out_tx, &end->items, opts->name, 0);
    if (rc < 0) {
        wf_free(end);
        if (rx != NULL)
            wf_receiver_free(rx);
        return rc;
    }
    wf_half_forget_holder((*out_tx)->chan, &(*out_tx)->half); /* the task will be */
    wf_add_rlx(&pumped->refs, 1);
    end->pumped = pumped;
    rx->drop_item = opts->drop;
    *out_rx = rx;
    return 0;
}

void wf_pumped_close_source(struct wf_pumped *pumped, weft_receiver *source)
{
    pumped->close_code = WF_MIN(wf_receiver_close(source), 0);
}

/* Its first try starts the task. */
int wf_pumped_start(struct wf_pumped *pumped, const char *name, const weft_callable *task,
                    void *args)
{
    int rc = weft_generator_open(&(weft_generator_opts){ .name = name }, task, args, 1,
                                 &pumped->task, __builtin_return_address(0));
    char none;
    if (rc >= 0)
        rc = wf_receiver_try_next(pumped->task, &none);
    return rc == WF_NOT_READY ? 0 : rc;
}
