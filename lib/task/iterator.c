/* SPDX-License-Identifier: MIT
 * Iterators: an object with a next function as a receiver. No task: next runs in its consumer's.
 *
 * The state is a byte copy behind the struct. next is not called again after an end or an error;
 * close runs once, at the close of the receiver, or when the open fails. */
#include "chan/chan.h"
#include "base/opts.h"
#include "plat/mem.h"
#include "sched/never_waits.h"

#include <weft/cleanup.h>
#include <weft/iterator.h>

#include <string.h>

struct iterator {
    int (*next)(void *state, void *out);
    int (*close)(void *state);
    const char *name;
    void *scratch; /* an item before it is known that there is one */
    _Alignas(16) unsigned char state[];
};

/* What next writes reaches out only with a result of 1. A cancelled wait in it is not the end. */
static int pull(weft_receiver *rx, void *out)
{
    struct iterator *it = rx->source;
    int rc = it->next(it->state, it->scratch);
    if (rc > 0) {
        memcpy(out, it->scratch, rx->elem_size);
        return 1;
    }
    rx->is_ended = rc != WEFT_ECANCELED;
    return wf_cause(rc);
}

static int pull_never_waiting(weft_receiver *rx, void *out)
{
    const char *outer = wf_never_waits_begin(((struct iterator *)rx->source)->name);
    int rc = pull(rx, out);
    wf_never_waits_end(outer);
    return rc;
}

static struct wf_chan *always(weft_receiver *rx)
{
    (void)rx;
    return &wf_chan_always;
}

static int iterator_close(weft_receiver *rx)
{
    struct iterator *it = rx->source;
    int rc = it->close != NULL ? it->close(it->state) : 0;
    wf_free(it);
    return WF_MIN(rc, 0);
}

static const struct wf_source_ops waiting_ops = {
    .kind = "iterator",
    .recv = pull,
    .close = iterator_close,
};

static const struct wf_source_ops never_waiting_ops = {
    .kind = "iterator",
    .recv = pull_never_waiting,
    .try_recv = pull_never_waiting,
    .select_on = always,
    .close = iterator_close,
};

static weft_iterator_opts read_opts(const weft_iterator_opts *opts)
{
    weft_iterator_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.name == NULL)
        all.name = "iterator";
    return all;
}

static struct iterator *make_iterator(const weft_iterator_opts *opts, const void *state,
                                      size_t state_size, size_t elem_size)
{
    size_t room = (wf_size_with(0, 1, state_size) + 15) & ~(size_t)15;
    if (room < state_size)
        return NULL;
    struct iterator *it = wf_alloc(1,
                                   wf_size_with(wf_size_with(sizeof *it, 1, room), 1, elem_size));
    if (it == NULL)
        return NULL;
    it->next = opts->next;
    it->close = opts->close;
    it->name = opts->name;
    it->scratch = it->state + room;
    if (state_size > 0)
        memcpy(it->state, state, state_size);
    return it;
}

static int open_iterator(const weft_iterator_opts *opts, const void *state, size_t state_size,
                         size_t elem_size, weft_receiver **out_rx)
{
    if (opts->next == NULL || elem_size == 0 || out_rx == NULL)
        return WEFT_EINVAL;
    if (state == NULL && state_size > 0)
        return WEFT_EINVAL;
    struct iterator *it = make_iterator(opts, state, state_size, elem_size);
    if (it == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(opts->never_waits ? &never_waiting_ops : &waiting_ops, it,
                                         elem_size, opts->name, 0);
    if (rx == NULL) {
        wf_free(it);
        return WEFT_ENOMEM;
    }
    rx->drop_item = opts->drop;
    rx->lends_items = opts->lends_items;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}

/* The state is the iterator's on every path, and close owns what it holds. */
static void close_unopened(const weft_iterator_opts *opts, const void *state)
{
    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = opts->close((void *)(uintptr_t)state);
    weft_shield_end(&shield);
    weft_note_close_error(rc);
}

int weft_iterator_open(const weft_iterator_opts *opts, const void *state, size_t state_size,
                       size_t elem_size, weft_receiver **out_rx)
{
    wf_note_call();
    weft_iterator_opts all = read_opts(opts);
    int rc = open_iterator(&all, state, state_size, elem_size, out_rx);
    if (rc < 0 && all.close != NULL && (state != NULL || state_size == 0))
        close_unopened(&all, state);
    return rc;
}
