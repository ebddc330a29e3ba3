/* SPDX-License-Identifier: MIT
 * Opening generators. The invariants and states are in generator.h; the two sides at work in
 * generator_recv.c and generator_yield.c, the end in generator_close.c. */
#include "task/generator.h"

#include "base/opts.h"
#include "plat/mem.h"
#include "sched/locals.h"
#include "sched/worker.h"
#include "task/opening.h"

#include <string.h>

static weft_generator_opts read_opts(const weft_generator_opts *opts, const weft_callable *what)
{
    weft_generator_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.name == NULL)
        all.name = what->name;
    return all;
}

static void link_to_parent(struct wf_generator *g)
{
    struct wf_scope *parent = wf_scope_of(g->parent);
    wf_lock_acquire(&parent->lock);
    wf_list_push_back(&parent->generators, &g->scope_link);
    if (!parent->had_generators) /* else its owner may be looking */
        parent->had_generators = true;
    wf_lock_release(&parent->lock);
}

/* The scope comes last: from here on a cancel of the parent finds it. */
static void enter_tree(struct wf_generator *g, const struct wf_waiter *self)
{
    g->parent = wf_scope_to_open_in(self);
    g->refs = g->parent != NULL ? 2 : 1;
    wf_scope_init(&g->scope, &(struct wf_scope_opts){
                                 .parent = g->parent,
                                 .deadline_at_ns = WF_NEVER,
                                 .is_shielded = wf_is_shielded_from(self, g->parent),
                                 .is_root = g->parent == NULL,
                                 .name = g->name,
                                 .file = g->what->file,
                                 .line = g->what->line,
                             });
    if (g->parent != NULL)
        link_to_parent(g);
}

static void fill(struct wf_generator *g, const weft_callable *what, const void *args,
                 const void *caller)
{
    g->what = what;
    g->caller = caller;
    g->chan = g->tx->chan;
    wf_half_forget_holder(g->chan, &g->tx->half); /* the body will be, once it has a task */
    wf_link_init(&g->scope_link);
    wf_list_init(&g->closers);
    g->self = (weft_receiver){ .ops = &wf_generator_self_ops,
                               .source = g,
                               .elem_size = g->tx->elem_size };
    wf_half_init(&g->self.half, WF_HALF_RECEIVER, what->file, what->line);
    if (what->args_size > 0)
        memcpy(g->args, args, what->args_size);
}

static int make(const weft_generator_opts *opts, const weft_callable *what, const void *args,
                size_t elem_size, struct weft_lease *lease, weft_receiver **out_rx,
                const void *caller)
{
    weft_generator_opts all = read_opts(opts, what);
    struct wf_waiter *self = wf_waiter_self();
    if (all.lends_items && all.read_ahead > 0)
        return WEFT_ENOTSUP;
    if (self == NULL)
        return wf_no_waiter();
    struct wf_generator *g = wf_alloc(1, wf_size_with(sizeof *g, 1, what->args_size));
    if (g == NULL)
        return WEFT_ENOMEM;
    weft_chan_opts chan_opts = { .capacity = WF_MAX(all.read_ahead, 1u),
                                 .name = all.name,
                                 .drop = all.drop };
    int rc = wf_chan_open(elem_size, &chan_opts, what->file, what->line, &g->tx, &g->items);
    weft_receiver *rx = NULL;
    if (rc >= 0) {
        rx = wf_receiver_make(&wf_generator_ops, g, elem_size, what->file, what->line);
        rc = rx == NULL ? WEFT_ENOMEM : self->scope == NULL ? wf_runtime_enter() : 0;
    }
    if (rc < 0) {
        if (rx != NULL)
            wf_receiver_free(rx);
        wf_generator_free(g);
        return rc;
    }
    g->name = all.name;
    g->read_ahead = all.read_ahead;
    g->drop_answer = all.drop_answer;
    g->lease = lease;
    g->locals = wf_locals_ref(self->locals);
    fill(g, what, args, caller);
    enter_tree(g, self);
    rx->drop_item = all.drop;
    rx->lends_items = all.lends_items;
    *out_rx = rx;
    return 0;
}

int wf_generator_open(const weft_generator_opts *opts, const weft_callable *what, void *args,
                      size_t elem_size, struct weft_lease *lease, weft_receiver **out_rx,
                      const void *caller)
{
    weft_receiver *rx = NULL;
    if (what == NULL)
        return WEFT_EINVAL;
    int rc = out_rx == NULL ? WEFT_EINVAL : make(opts, what, args, elem_size, lease, &rx, caller);
    if (rc < 0) {
        if (what->drop != NULL)
            what->drop(args);
        return rc;
    }
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}

int weft_generator_open(const weft_generator_opts *opts, const weft_callable *what, void *args,
                        size_t elem_size, weft_receiver **out_rx, const void *caller)
{
    wf_note_call();
    return wf_generator_open(opts, what, args, elem_size, NULL, out_rx, caller);
}
