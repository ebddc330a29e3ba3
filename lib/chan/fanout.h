/* SPDX-License-Identifier: MIT
 * A channel whose receivers each get every value, or the latest: what broadcasts and watches are.
 *
 * Its sending half is a channel's, with all that goes with it: references, the end, selects. It has
 * no capacity, so no value stays in its ring; a sink takes what is sent (chan.h). Receivers wait on
 * the channel without a slot: a send wakes them all, and each looks for itself.
 *
 * Invariants, under the channel's lock:
 *   F1  Values are numbered from 0; those from first to next - 1 are kept, at most capacity of them,
 *       value i in place i % capacity. A subscriber's next is the number of the value it wants.
 *   F2  n_unseen of a kept value: the subscribers who want it still. Whoever makes it 0 takes the
 *       value out; the first is never such a one, but among the others there may be some, for one
 *       that leaves gives up value by value. A watch keeps its one value until it is replaced, and
 *       does not count.
 *   F3  A value without clone is copied under the lock. With one, a subscriber copies the bytes, is
 *       on the value's list of readers, and calls clone without the lock: the value stays alive.
 *   F4  Whoever takes a value out has to drop it: who replaced or discarded it if it had no readers;
 *       else the last of them, from its bytes. Their links then form a ring without a head, so that
 *       the one whose link is alone is the last.
 *   F5  A subscriber alone changes its next, and joins and leaves lists of readers. */
#ifndef WF_CHAN_FANOUT_H
#define WF_CHAN_FANOUT_H

#include "chan/chan.h"

/* Where one value is kept. */
struct wf_kept {
    uint32_t n_unseen;
    struct wf_list readers; /* of struct wf_subscriber, F3 */
};

struct wf_fanout {
    struct wf_chan chan; /* first: the two are freed as one */

    /* Constant. */
    uint32_t capacity;
    bool keeps_latest; /* a watch: one value, which is kept when all have seen it */
    int (*clone)(void *copy, const void *item);
    struct wf_kept *kept;
    unsigned char *values;
    void *trash; /* for a value to be dropped by whoever aborts it, and then by who frees it */

    /* Under chan.lock. */
    uint64_t first, next;
    uint32_t n_subscribers;
};

/* One receiver's place among the values. */
struct wf_subscriber {
    struct wf_fanout *fanout;
    uint64_t next;
    uint64_t n_missed;      /* what the last WEFT_ELAGGED meant */
    struct wf_link reading; /* F3 */
    /* Of the value it reads, or has to drop, and of the clone; none without .clone. */
    WF_CACHE_ALIGNED unsigned char bytes[];
};

/* A value in memory of its own, aligned for any type that lies in an array. */
static inline size_t wf_fanout_room(size_t elem_size)
{
    return (elem_size + WF_CACHE_LINE - 1) & ~(size_t)(WF_CACHE_LINE - 1);
}

struct wf_fanout_opts {
    const char *name;
    size_t capacity;
    void (*drop)(void *item);
    int (*clone)(void *copy, const void *item);
    const struct wf_sink *sink;
    bool keeps_latest;
};

extern const struct wf_source_ops wf_fanout_ops;

/* Opens one with its first two halves (fanout.c). */
WF_MUST_CHECK int wf_fanout_open(size_t elem_size, const struct wf_fanout_opts *opts,
                                 const char *file, int line, weft_sender **out_tx,
                                 weft_receiver **out_rx);

/* Entries of its sink. */
int wf_fanout_put(struct wf_chan *ch, const void *value, struct wf_chores *chores);
void wf_fanout_discard(struct wf_chan *ch);

/* Makes rx, which is in nobody's hands yet, a receiver: from *next on, or (NULL) from now. 0 or
 * WEFT_ENOMEM. This and what follows: subscribe.c. */
int wf_fanout_subscribe(struct wf_fanout *f, weft_receiver *rx, const uint64_t *next,
                        struct wf_waiter *holder);

/* The latest value, seen or not: 1, 0, WEFT_EAGAIN or what clone returned. */
int wf_fanout_latest(struct wf_subscriber *sub, void *out);

static inline struct wf_kept *wf_fanout_kept(const struct wf_fanout *f, uint64_t number)
{
    return &f->kept[number % f->capacity];
}

/* F2, after the first has gone. */
static inline void wf_fanout_forget_taken_locked(struct wf_fanout *f)
{
    while (!f->keeps_latest && f->first < f->next && wf_fanout_kept(f, f->first)->n_unseen == 0)
        f->first++;
}

static inline unsigned char *wf_fanout_value(const struct wf_fanout *f, uint64_t number)
{
    return f->values + (size_t)(number % f->capacity) * f->chan.ring.elem_size;
}

#endif
