/* SPDX-License-Identifier: MIT
 * Channels whose values are weighed: a bound on the sum of what is in the ring, beside its places.
 *
 * Each place remembers the weight of all that was put in before its value. So what is in the ring
 * weighs the difference between the newest and the oldest, and taking a value out changes nothing
 * here: the ways of receivers don't know of weights. Those of senders do, and all of them come by
 * here, since quick_room is 0 (C7).
 *
 *   V1  A value may enter if there is a place and no sender before it waits, and if it is the only
 *       one or the sum stays within max.
 *   V2  Permits keep a part of max (reserved), their values take its place.
 *   V3  Who waits to send and gives up lets in those behind it for whom it alone was too heavy:
 *       wf_chan_unlink_locked.
 *
 * All under the channel's lock, the user's function, too: a value that waits in its sender's memory
 * is weighed when there is room. */
#ifndef WF_CHAN_WEIGHT_H
#define WF_CHAN_WEIGHT_H

#include "chan/chan.h"

struct wf_weights {
    size_t (*weigh)(const void *item); /* constant, as is max */
    uint64_t max;
    uint64_t n_put;    /* the weight of all that was ever put into the ring, modulo 2^64 */
    uint64_t reserved; /* V2 */
    uint64_t before[]; /* by the place in the ring: n_put as its value came */
};

/* Do the options say all there is to say about weights, or nothing? */
static inline bool wf_weights_are_legal(const weft_chan_opts *opts)
{
    if (opts->weigh == NULL)
        return opts->max_weight == 0;
    bool drops_older = opts->overflow == WEFT_DROP_OLDEST || opts->overflow == WEFT_CONFLATE;
    return opts->max_weight > 0 && opts->capacity > 0 && !drops_older;
}

/* False: no memory. Freed with the channel. */
WF_MUST_CHECK bool wf_weights_make(struct wf_chan *ch, const weft_chan_opts *opts);

/* What is in the ring, and what is kept. */
static inline uint64_t wf_weights_now(const struct wf_chan *ch)
{
    const struct wf_weights *w = ch->weights;
    bool is_empty = wf_ring_n_full(&ch->ring) == 0;
    return (is_empty ? 0 : w->n_put - w->before[ch->ring.head]) + w->reserved;
}

/* The weight as far as it can be kept; 0 where there is none. */
static inline size_t wf_weights_most(const struct wf_chan *ch, size_t weight)
{
    return ch->is_weighed ? WF_MIN(weight, (size_t)ch->weights->max) : 0;
}

/* May a value that weighs so much go where a permit kept that much? */
static inline bool wf_weights_cover(const struct wf_chan *ch, size_t kept, const void *value)
{
    return kept == ch->weights->max || ch->weights->weigh(value) <= kept;
}

/* Notes the value's weight, which goes to the ring right after this. */
void wf_weights_add_locked(struct wf_chan *ch, const void *value);

/* V1. True: it may enter, and has been added. */
bool wf_weights_let_in_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores);

/* As a select asks that has not withdrawn: own nodes don't count, nothing is changed. */
bool wf_weights_would_let_in_locked(struct wf_chan *ch, const void *value,
                                    const struct wf_waiter *self);

/* V1, V2. */
bool wf_weights_reserve_locked(struct wf_chan *ch, size_t weight, struct wf_chores *chores);

/* wf_chan_fill_locked. */
void wf_weights_fill_locked(struct wf_chan *ch, struct wf_chores *chores);

/* Is the first that waits to send too heavy, or its wait over (C8)? */
bool wf_weights_keep_out_locked(const struct wf_chan *ch);

#endif
