/* SPDX-License-Identifier: MIT
 * What all combinators share. Invariants: adaptor.h. */
#include "stream/adaptor.h"

#include "plat/mem.h"
#include "sched/never_waits.h"

#include <string.h>

/* ---- opening -------------------------------------------------------------------------------- */

weft_stream_opts wf_stream_opts_read(const weft_stream_opts *opts, const weft_callable *step)
{
    weft_stream_opts all = { 0 };
    if (opts != NULL)
        memcpy(&all, opts, opts->size_ != 0 ? WF_MIN(opts->size_, sizeof all) : sizeof all);
    if (all.name == NULL && step != NULL)
        all.name = step->name;
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
    size_t args_size = opts->step->args_size;
    size_t total = 0;
    (void)reserve(&total, sizeof(struct wf_adaptor));
    size_t args_at = reserve(&total, args_size);
    size_t in_at = reserve(&total, opts->in_size);
    size_t out_at = reserve(&total, opts->out_size);
    char *memory = wf_alloc(1, total);
    if (memory == NULL)
        return NULL;
    struct wf_adaptor *adaptor = (struct wf_adaptor *)(void *)memory;
    *adaptor = (struct wf_adaptor){
        .source = opts->source,
        .step = opts->step,
        .name = opts->name,
        .never_waits = opts->never_waits,
        .n_left = opts->n_left,
        .args = memory + args_at,
        .in = memory + in_at,
        .out = memory + out_at,
    };
    if (args_size > 0)
        memcpy(adaptor->args, opts->args, args_size);
    return adaptor;
}

static int make_receiver(const struct wf_adaptor_opts *opts, weft_receiver **out_rx)
{
    if (opts->source == NULL || opts->step == NULL || opts->out_size == 0)
        return WEFT_EINVAL;
    wf_half_must_be(&opts->source->half, WF_HALF_RECEIVER, opts->waiting->kind, "source");
    if (opts->source->elem_size != opts->in_size)
        return WEFT_EMSGSIZE;
    struct wf_adaptor *adaptor = make_adaptor(opts);
    if (adaptor == NULL)
        return WEFT_ENOMEM;
    bool may_try = opts->never_waits && opts->source->ops->try_recv != NULL;
    *out_rx = wf_receiver_make(may_try ? opts->pulling : opts->waiting, adaptor, opts->out_size,
                               opts->name, 0);
    if (*out_rx == NULL) {
        wf_free(adaptor);
        return WEFT_ENOMEM;
    }
    (*out_rx)->drop_item = opts->drop;
    (*out_rx)->lends_items = opts->lends_items || opts->source->lends_items;
    return 0;
}

static void drop_args(const weft_callable *step, void *args)
{
    if (step != NULL && step->drop != NULL)
        step->drop(args);
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
    drop_args(opts->step, opts->args);
    return rc;
}

/* ---- pulling -------------------------------------------------------------------------------- */

int wf_adaptor_pull(weft_receiver *rx, bool may_wait)
{
    struct wf_adaptor *adaptor = rx->source;
    if (adaptor->has_item) {
        adaptor->has_item = false;
        return 1;
    }
    int rc = may_wait ? wf_receiver_next(adaptor->source, adaptor->in)
                      : wf_receiver_try_next(adaptor->source, adaptor->in);
    if (rc < 0 && adaptor->source->is_ended)
        rx->is_ended = true;
    return rc;
}

int wf_adaptor_step(struct wf_adaptor *adaptor, void *out)
{
    struct weft_step step = { .in = adaptor->in, .out = out };
    if (!adaptor->never_waits)
        return adaptor->step->enter(adaptor->args, &step);
    const char *outer = wf_never_waits_begin(adaptor->name);
    int rc = adaptor->step->enter(adaptor->args, &step);
    wf_never_waits_end(outer);
    return rc;
}

/* ---- the table's common entries ------------------------------------------------------------- */

struct wf_chan *wf_adaptor_select_on(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    if (adaptor->source == NULL || rx->is_ended)
        return &wf_chan_always;
    const struct wf_source_ops *ops = adaptor->source->ops;
    return ops->select_on != NULL ? ops->select_on(adaptor->source) : NULL;
}

/* Asked when select_on has found a channel: there is a source. */
bool wf_adaptor_is_ready(weft_receiver *rx, bool is_readable)
{
    weft_receiver *source = ((struct wf_adaptor *)rx->source)->source;
    return source->ops->is_ready != NULL ? source->ops->is_ready(source, is_readable) : is_readable;
}

int64_t wf_adaptor_ready_at(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    if (adaptor->source == NULL || rx->is_ended || adaptor->source->ops->ready_at == NULL)
        return WF_NEVER;
    return adaptor->source->ops->ready_at(adaptor->source);
}

/* Of the innermost one, whose source is the channel. */
void *wf_adaptor_room(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    weft_receiver *source = adaptor->source;
    if (source == NULL || source->half.is_closed)
        return NULL;
    if (source->ops == &wf_chan_ops)
        return adaptor->in;
    return source->ops->room != NULL ? source->ops->room(source) : NULL;
}

void wf_adaptor_filled(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    if (adaptor->source->ops == &wf_chan_ops)
        adaptor->has_item = true;
    else
        adaptor->source->ops->filled(adaptor->source);
}

void wf_adaptor_close_source(struct wf_adaptor *adaptor)
{
    weft_receiver *source = adaptor->source;
    if (source == NULL)
        return;
    adaptor->source = NULL;
    if (adaptor->has_item && source->drop_item != NULL)
        source->drop_item(adaptor->in);
    adaptor->has_item = false;
    adaptor->close_code = wf_receiver_close_and_free(source);
}

int wf_adaptor_close(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    wf_adaptor_close_source(adaptor);
    drop_args(adaptor->step, adaptor->args);
    int rc = adaptor->close_code;
    wf_free(adaptor);
    return rc;
}
