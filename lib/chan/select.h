/* SPDX-License-Identifier: MIT
 * One call of select, as its files share it: select.c chooses among what is ready, select_wait.c
 * waits until something is. */
#ifndef WF_CHAN_SELECT_H
#define WF_CHAN_SELECT_H

#include "base/rng.h"
#include "chan/chan.h"

#include <weft/select.h>

#define WF_NO_CASE SIZE_MAX

struct wf_selection {
    const weft_case *cases;
    size_t n_cases;
    struct wf_waiter *self;
    struct wf_rng rng; /* for this call's choices */
    bool is_ordered;
    bool is_at_once; /* what can't be done case by case: looks at all of them at one instant */

    /* Known once all cases have been looked at. */
    size_t n_live;         /* cases that take part: halves that are there, and timers */
    size_t nothing, timer; /* the "nothing" case, the earliest timer; or WF_NO_CASE */
};

static inline bool wf_case_is_live(const weft_case *c)
{
    return c->kind == WEFT_CASE_AFTER ||
           ((c->kind == WEFT_CASE_RECV || c->kind == WEFT_CASE_SEND) && c->half != NULL);
}

/* Is what a live case with a half sends to, or receives from, a channel itself? */
static inline bool wf_case_is_of_chan(const weft_case *c)
{
    return c->kind == WEFT_CASE_SEND || ((const weft_receiver *)c->half)->ops == &wf_chan_ops;
}

/* Nothing was ready: takes the "nothing" case if that is still so, or waits (select_wait.c). The
 * case that was done, *rc being what its operation returned; or WF_NO_CASE, *rc telling why:
 * WF_NODE_RETRY (look again) or what select returns. */
size_t wf_select_wait(struct wf_selection *s, int *rc);

/* Would a receive find something: a value, the end, or a sender that waits and is not self? Nodes of
 * senders that wait no more are taken off. */
bool wf_chan_is_readable_locked(struct wf_chan *ch, const struct wf_waiter *self);

#endif
