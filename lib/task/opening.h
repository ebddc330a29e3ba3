/* SPDX-License-Identifier: MIT
 * On whose behalf a generator is opened. A combinator's step that opens streams runs in a receive,
 * whose scope may be a short one: one receive's deadline. What it opens is of the whole stream, and
 * belongs to the scope that the combinator was opened in, if that is around the receive.
 *
 *   A scope around the caller is there as long as the caller is in it. So another one of the same
 *   address, from a step that was left by a longjmp say, is only another scope to belong to. */
#ifndef WF_TASK_OPENING_H
#define WF_TASK_OPENING_H

#include "task/scope.h"

static inline bool wf_scope_is_around(struct weft_scope *outer, struct weft_scope *scope)
{
    while (scope != NULL && scope != outer)
        scope = wf_scope_of(scope)->parent;
    return scope != NULL;
}

/* The scope that a generator which the caller opens now belongs to. Those that a step opens in a scope
 * of its own are its own. */
static inline struct weft_scope *wf_scope_to_open_in(const struct wf_waiter *self)
{
    const struct wf_opening *opening = &self->opening;
    bool is_for_another = opening->in != NULL && opening->at == self->scope &&
                          wf_scope_is_around(opening->in, self->scope);
    return wf_scope_lasting(is_for_another ? opening->in : self->scope);
}

/* The caller's step runs. in: where its combinator was opened, or NULL. Returns what end has to put
 * back. */
static inline struct wf_opening wf_opening_begin(struct weft_scope *in)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_opening outer = self->opening;
    self->opening = (struct wf_opening){ .at = self->scope, .in = in };
    return outer;
}

static inline void wf_opening_end(struct wf_opening outer) { wf_waiter_self()->opening = outer; }

#endif
