/* SPDX-License-Identifier: MIT
 * What all combinators share. Invariants: adaptor.h. */
#include "stream/adaptor.h"

#include "base/opts.h"
#include "plat/mem.h"
#include "sched/never_waits.h"
#include "stream/fused.h"
#include "task/opening.h"

#include <weft/select.h>

#include <string.h>

/* ---- pulling -------------------------------------------------------------------------------- */

int wf_adaptor_pulled_none(struct wf_adaptor *adaptor, weft_receiver *source, int rc)
{
    if (rc == 0)
        source->is_ended = true;
    else if (source->is_ended)
        adaptor->rx.is_ended = true;
    return rc;
}

int wf_adaptor_pull_from(struct wf_adaptor *adaptor, weft_receiver *source, void *into,
                         bool may_wait)
{
    int rc;
    if (WF_UNLIKELY(source == NULL) || source->is_ended)
        return 0;
    if (wf_is_adaptor(source)) {
        rc = wf_adaptor_next(source->source, into, may_wait);
        return rc > 0 ? rc : wf_adaptor_pulled_none(adaptor, source, rc);
    }
    rc = may_wait ? wf_receiver_next(source, into) : wf_receiver_try_next(source, into);
    if (WF_UNLIKELY(rc < 0) && source->is_ended)
        adaptor->rx.is_ended = true;
    return rc;
}

int wf_adaptor_pull_until(struct wf_adaptor *adaptor, void *into, int64_t at_ns)
{
    if (adaptor->source == NULL || adaptor->source->is_ended)
        return 0;
    const weft_case cases[] = {
        weft_case_recv(adaptor->source, into, adaptor->in_size),
        { .kind = WEFT_CASE_AFTER, .at_ns = at_ns },
    };
    int rc = 0, chosen = wf_unnoted(weft_select_from_ordered(cases, WF_ARRAY_SIZE(cases), &rc));
    if (chosen == 1)
        return WF_NOT_READY;
    if (chosen == 0 && rc < 0 && adaptor->source->is_ended)
        adaptor->rx.is_ended = true;
    return chosen == 0 ? rc : chosen;
}

int wf_adaptor_may_go_on(bool may_wait)
{
    struct wf_waiter *self = may_wait ? wf_waiter_known() : NULL;
    if (self == NULL)
        return 0;
    wf_coop(self);
    return wf_is_cancelled(self) ? WEFT_ECANCELED : 0;
}

int wf_adaptor_step_never_waiting(struct wf_adaptor *adaptor)
{
    const char *outer = wf_never_waits_begin(adaptor->rx.half.file);
    int rc = adaptor->enter(adaptor->args, &adaptor->call);
    wf_never_waits_end(outer);
    return rc;
}

int wf_adaptor_step_opening(struct wf_adaptor *adaptor, const void *in, weft_receiver **out)
{
    struct wf_opening outer = wf_opening_begin(adaptor->opened_in);
    int rc = wf_adaptor_step(adaptor, in, out);
    wf_opening_end(outer);
    return rc;
}

int wf_adaptor_clone(struct wf_adaptor *adaptor, void *to, const void *from, size_t size)
{
    if (adaptor->opts.clone != NULL)
        return adaptor->opts.clone(to, from);
    wf_copy_value(to, from, size);
    return 0;
}

void wf_adaptor_hold_end(struct wf_adaptor *adaptor, int rc)
{
    adaptor->end_goes_on = wf_source_goes_on(&adaptor->rx, rc);
    adaptor->rx.is_ended = false;
    adaptor->has_end = true;
    adaptor->end_code = rc;
}

int wf_adaptor_give_end(struct wf_adaptor *adaptor)
{
    if (adaptor->end_goes_on) {
        adaptor->has_end = false;
        return adaptor->end_code;
    }
    return adaptor->end_code < 0 ? wf_adaptor_fail(adaptor, adaptor->end_code) : 0;
}

/* ---- the table ------------------------------------------------------------------------------ */

/* Into the consumer's memory (A2). */
static int give(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    if (WF_LIKELY(adaptor->lowest != NULL))
        return wf_fused_next(adaptor, out, may_wait);
    int rc = adaptor->kind->next(adaptor, adaptor->out, may_wait);
    if (WF_LIKELY(rc > 0))
        wf_copy_value(out, adaptor->out, adaptor->rx.elem_size);
    return rc;
}

int wf_adaptor_recv(weft_receiver *rx, void *out) { return give(rx->source, out, true); }

static int gave_none(weft_receiver *rx, int rc)
{
    rx->is_ended |= rc == 0;
    rx->last_error = rc;
    return rc;
}

/* The short way: what all receivers check, and a task that may go on. */
static int adaptor_recv_now(weft_receiver *rx, void *out, size_t size, const void *site)
{
    struct wf_waiter *self = wf_note_call_of(wf_waiter_known(), site);
    bool is_refused = rx->half.is_closed | rx->is_ended | wf_load_rlx(&rx->is_busy);
    if (WF_UNLIKELY(is_refused || size != rx->elem_size || out == NULL))
        return wf_receiver_recv_any(rx, out, size);
    if (WF_UNLIKELY(self == NULL || self->budget <= 0 || wf_is_cancelled(self)))
        return wf_receiver_recv_any(rx, out, size);
    self->budget--;
    wf_store_rlx(&rx->is_busy, true);
    struct wf_adaptor *adaptor = (struct wf_adaptor *)rx;
    int rc = WF_LIKELY(adaptor->lowest != NULL) ? wf_fused_pull(adaptor, out, true)
                                                : give(adaptor, out, true);
    wf_store_rlx(&rx->is_busy, false);
    if (WF_UNLIKELY(rc <= 0))
        return gave_none(rx, rc);
    rx->last_error = 0;
    return rc;
}

static int adaptor_try_recv(weft_receiver *rx, void *out) { return give(rx->source, out, false); }

static bool needs_nothing(const struct wf_adaptor *adaptor)
{
    return adaptor->source == NULL || adaptor->is_over || adaptor->rx.is_ended;
}

static struct wf_chan *adaptor_select_on(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    if (needs_nothing(adaptor) || adaptor->source->is_ended ||
        adaptor->run.next != adaptor->run.end)
        return &wf_chan_always;
    const struct wf_source_ops *ops = adaptor->source->ops;
    return ops->select_on != NULL ? ops->select_on(adaptor->source) : NULL;
}

/* Asked when select_on has found a channel: there is a source. */
static bool adaptor_is_ready(weft_receiver *rx, bool is_readable)
{
    weft_receiver *source = ((struct wf_adaptor *)rx->source)->source;
    if (source == NULL || source->ops->is_ready == NULL)
        return is_readable;
    return source->ops->is_ready(source, is_readable);
}

static int64_t adaptor_ready_at(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    if (needs_nothing(adaptor) || adaptor->source->ops->ready_at == NULL)
        return WF_NEVER;
    return adaptor->source->ops->ready_at(adaptor->source);
}

/* Of the innermost one, whose source is the channel. */
static void *adaptor_room(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    weft_receiver *source = adaptor->source;
    if (needs_nothing(adaptor) || source->half.is_closed)
        return NULL;
    if (source->ops == &wf_chan_ops)
        return adaptor->in;
    return source->ops->room != NULL ? source->ops->room(source) : NULL;
}

static void adaptor_filled(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    if (adaptor->source->ops == &wf_chan_ops)
        adaptor->has_item = true;
    else
        adaptor->source->ops->filled(adaptor->source);
}

static int adaptor_close(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    wf_adaptor_close_source(adaptor);
    if (adaptor->kind->drop != NULL)
        adaptor->kind->drop(adaptor);
    if (adaptor->step != NULL && adaptor->step->drop != NULL)
        adaptor->step->drop(adaptor->args);
    rx->ops = &wf_second_ops; /* adaptors pull each other without an entry check */
    return adaptor->close_code;
}

static const struct wf_source_ops waiting_ops = {
    .kind = "stream",
    .recv = wf_adaptor_recv,
    .recv_now = adaptor_recv_now,
    .close = adaptor_close,
};

static int adaptor_ref(weft_receiver *rx, weft_receiver *copy)
{
    return ((struct wf_adaptor *)rx->source)->kind->ref(rx, copy);
}

#define PULLING_OPS                                                                             \
    .kind = "stream", .recv = wf_adaptor_recv, .recv_now = adaptor_recv_now,                    \
    .try_recv = adaptor_try_recv, .select_on = adaptor_select_on, .is_ready = adaptor_is_ready, \
    .ready_at = adaptor_ready_at, .room = adaptor_room, .filled = adaptor_filled,               \
    .close = adaptor_close

static const struct wf_source_ops pulling_ops = { PULLING_OPS };

/* Of a kind that may be shared. */
static const struct wf_source_ops shareable_ops = { PULLING_OPS, .ref = adaptor_ref };

bool wf_receiver_may_lend(const weft_receiver *rx)
{
    while (rx != NULL && !rx->lends_items && wf_is_adaptor(rx)) {
        const struct wf_adaptor *adaptor = rx->source;
        if (adaptor->kind->may_lend != NULL && adaptor->kind->may_lend(adaptor))
            return true;
        rx = adaptor->source;
    }
    return rx != NULL && rx->lends_items;
}

/* ---- closing what is pulled ----------------------------------------------------------------- */

void wf_adaptor_close_other(struct wf_adaptor *adaptor, weft_receiver **slot)
{
    weft_receiver *other = *slot;
    *slot = NULL;
    int rc = wf_receiver_close_and_free(other);
    if (rc < 0 && adaptor->close_code >= 0)
        adaptor->close_code = rc;
}

/* Whoever passes its items on no longer reaches what is below it. */
static void cut_off(struct wf_adaptor *adaptor)
{
    weft_receiver *source = adaptor->source;
    if (adaptor->lowest == NULL)
        return;
    if (source != NULL && wf_is_adaptor(source))
        ((struct wf_adaptor *)source->source)->above = NULL;
    adaptor->run_below = &adaptor->run;
    for (struct wf_adaptor *above = adaptor; above != NULL; above = above->above)
        above->lowest = adaptor;
}

void wf_adaptor_close_source(struct wf_adaptor *adaptor)
{
    cut_off(adaptor);
    if (adaptor->has_item)
        wf_drop_item(adaptor->kind->is_one_type ? adaptor->rx.drop_item
                                                : adaptor->source->drop_item,
                     adaptor->in);
    adaptor->has_item = false;
    wf_adaptor_close_other(adaptor, &adaptor->source);
}

/* A generator's teardown may wait, a channel's close does not, and between them are steps that
 * promised not to. */
bool wf_closes_at_once(weft_receiver *rx)
{
    while (rx != NULL && wf_is_adaptor(rx)) {
        struct wf_adaptor *adaptor = rx->source;
        if (adaptor->kind->drop != NULL)
            return false;
        rx = adaptor->source;
    }
    return rx == NULL || rx->ops == &wf_chan_ops;
}

void wf_adaptor_stop(struct wf_adaptor *adaptor)
{
    cut_off(adaptor);
    adaptor->is_over = true;
}

/* A try can't wait: what it can't close is left to the next receive or to the drop. */
void wf_adaptor_finish(struct wf_adaptor *adaptor, bool may_wait)
{
    wf_adaptor_stop(adaptor);
    if (may_wait || wf_closes_at_once(adaptor->source))
        wf_adaptor_close_source(adaptor);
}

/* ---- opening -------------------------------------------------------------------------------- */

bool wf_receiver_may_select(const weft_receiver *rx)
{
    const struct wf_source_ops *ops = rx->ops;
    return ops == &wf_chan_ops ||
           (ops->try_recv != NULL && (ops->select_on != NULL || ops->ready_at != NULL));
}

static weft_stream_opts read_opts(const struct wf_adaptor_opts *opts)
{
    weft_stream_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts->opts);
    if (all.name == NULL)
        all.name = opts->step != NULL ? opts->step->name : opts->kind->name;
    if (opts->step == NULL)
        all.never_waits = true;
    if (all.drop == NULL && opts->kind->is_one_type && opts->source != NULL)
        all.drop = opts->source->drop_item;
    return all;
}

/* Room for size bytes at the end of *total, aligned as malloc aligns; SIZE_MAX: too much. */
static size_t reserve(size_t *total, size_t size)
{
    size_t at = *total;
    size_t end = wf_size_with(at, 1, size);
    *total = end > SIZE_MAX - 16 ? SIZE_MAX : (end + 15) & ~(size_t)15;
    return at;
}

static struct wf_adaptor *make_adaptor(const struct wf_adaptor_opts *opts)
{
    size_t args_size = opts->step != NULL ? opts->step->args_size : 0, total = 0;
    (void)reserve(&total, sizeof(struct wf_adaptor));
    size_t args_at = reserve(&total, args_size);
    size_t state_at = reserve(&total, wf_size_with(opts->state_size, 1, opts->state_room));
    size_t in_at = reserve(&total, opts->in_size);
    size_t out_at = reserve(&total, opts->out_size);
    char *memory = wf_alloc(1, total);
    if (memory == NULL)
        return NULL;
    struct wf_adaptor *adaptor = (struct wf_adaptor *)(void *)memory;
    adaptor->kind = opts->kind;
    adaptor->source = opts->source;
    adaptor->step = opts->step;
    adaptor->enter = opts->step != NULL ? opts->step->enter : NULL;
    adaptor->in_size = opts->in_size;
    adaptor->args = memory + args_at;
    adaptor->state = memory + state_at;
    adaptor->in = memory + in_at;
    adaptor->out = memory + out_at;
    if (args_size > 0)
        memcpy(adaptor->args, opts->args, args_size);
    if (opts->state_size > 0)
        memcpy(adaptor->state, opts->state, opts->state_size);
    return adaptor;
}

/* Where it is pulled from when it is asked: fused.h. */
static void join_source(struct wf_adaptor *adaptor)
{
    weft_receiver *source = adaptor->source;
    struct wf_adaptor *below = source != NULL && wf_is_adaptor(source) ? source->source : NULL;
    adaptor->passing = adaptor->kind->passing;
    if (adaptor->passing == WF_PASSES_MADE)
        adaptor->call.out = adaptor->out;
    if (adaptor->opts.never_waits && adaptor->step != NULL && adaptor->passing != WF_PASSES_NONE)
        adaptor->passing = WF_PASSES_BY_CALL;
    adaptor->run_below = &adaptor->run;
    if (adaptor->passing == WF_PASSES_NONE)
        return;
    adaptor->lowest = adaptor;
    if (below != NULL && below->lowest != NULL) {
        below->above = adaptor;
        adaptor->lowest = below->lowest;
    } else if (below != NULL) {
        adaptor->run_below = &below->run;
    }
}

/* What the kind asks of its source. */
static int check_source(const struct wf_adaptor_opts *opts, const weft_stream_opts *all)
{
    const weft_receiver *source = opts->source;
    if (opts->kind->is_leaf)
        return 0;
    if (source == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&source->half, WF_HALF_RECEIVER, opts->kind->name, "source");
    if (source->elem_size != opts->in_size)
        return WEFT_EMSGSIZE;
    if (opts->kind->polls && !wf_receiver_may_select(source))
        return WEFT_ENOTSUP;
    if (opts->kind->keeps_items && source->lends_items)
        return WEFT_ENOTSUP;
    bool keeps_in = opts->step == NULL && !opts->kind->is_one_type;
    bool has_drop = all->drop != NULL || (keeps_in && source->drop_item != NULL);
    return opts->kind->gives_twice && has_drop && all->clone == NULL ? WEFT_EINVAL : 0;
}

static bool lends(const struct wf_adaptor_opts *opts, const weft_stream_opts *all)
{
    bool makes_others = opts->step != NULL && !opts->kind->is_one_type;
    bool passes_on = opts->source != NULL && opts->source->lends_items && !makes_others;
    return passes_on || opts->lends_items || all->lends_items;
}

static int make_receiver(const struct wf_adaptor_opts *opts, weft_receiver **out_rx)
{
    weft_stream_opts all = read_opts(opts);
    if (opts->out_size == 0 || (opts->needs_step && opts->step == NULL))
        return WEFT_EINVAL;
    int rc = check_source(opts, &all);
    if (rc < 0)
        return rc;
    struct wf_adaptor *adaptor = make_adaptor(opts);
    if (adaptor == NULL)
        return WEFT_ENOMEM;
    const struct wf_waiter *self = wf_waiter_known();
    const weft_receiver *source = opts->source;
    bool may_try = !opts->kind->may_wait && !opts->may_wait && all.never_waits &&
                   (source == NULL || source->ops->try_recv != NULL);
    adaptor->opts = all;
    adaptor->opened_in = self != NULL ? wf_scope_to_open_in(self) : NULL;
    adaptor->drop_in = source != NULL ? source->drop_item : NULL;
    const struct wf_source_ops *ops = !may_try                  ? &waiting_ops
                                      : opts->kind->ref != NULL ? &shareable_ops
                                                                : &pulling_ops;
    wf_receiver_init(&adaptor->rx, ops, adaptor, opts->out_size, all.name, 0);
    adaptor->rx.drop_item = all.drop;
    join_source(adaptor);
    adaptor->run = opts->run;
    if (opts->is_over)
        wf_adaptor_stop(adaptor);
    adaptor->rx.lends_items = lends(opts, &all);
    *out_rx = &adaptor->rx;
    return 0;
}

int wf_adaptor_open(const struct wf_adaptor_opts *opts, weft_receiver **out_rx)
{
    weft_receiver *rx = NULL;
    int rc = out_rx == NULL ? WEFT_EINVAL : make_receiver(opts, &rx);
    if (rc >= 0) {
        memcpy(out_rx, &rx, sizeof rx);
        return 0;
    }
    (void)wf_receiver_close_and_free(opts->source);
    if (opts->step != NULL && opts->step->drop != NULL)
        opts->step->drop(opts->args);
    return rc;
}

int wf_adaptor_open_step(const struct wf_adaptor_kind *kind, const weft_callable *step, void *args,
                         weft_receiver *source, size_t in_size, size_t out_size,
                         const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = kind,
            .source = source,
            .in_size = in_size,
            .out_size = out_size,
            .needs_step = true,
            .step = step,
            .args = args,
            .opts = opts,
            .state_room = kind->state_size,
        },
        out_rx);
}
