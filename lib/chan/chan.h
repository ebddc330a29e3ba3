/* SPDX-License-Identifier: MIT
 * A bounded channel: a ring of fixed-size values, two lists of waiters, two reference counts.
 *
 * Invariants, under chan->lock, checked by wf_chan_check() at WEFT_CHECK >= 2:
 *   C1  n_full + n_reserved <= capacity.
 *   C2  receivers wait only when n_full == 0 and no sender of a value waits; senders and reservers
 *       wait only when n_full + n_reserved == capacity. (A select may wait on both sides of one
 *       channel: it does not meet itself.)
 *   C3  ended never goes back; once ended or without receivers, values are refused and no sender
 *       waits; when the last sender went, it has ended; receivers wait on an ended channel only for
 *       permits.
 *   C4  a node on a list is unclaimed, or claimed by its own cancel, time limit or another case of
 *       its select; then its waiter unlinks it when it runs (wait.h, W3). Whoever claims a node
 *       through this channel unlinks it under the lock.
 *   C5  a value is in the caller's hands, in the ring, or in the receiver's slot; it moves under
 *       the lock, so a claim and its copy are one step: sent == received + dropped + n_full.
 *   C6  The lock's mark tells whether a sender waits and whether values are refused.
 *   C7  Below quick_room a value that nobody waits for goes into the ring, and that is all there is
 *       to do: it is the capacity; with a meter the peak, if that is less; 0 with weights or when
 *       values are refused.
 *   C8  With weights (weight.h) what C1 and C2 say of places holds of the weight, too: senders wait
 *       when the first of them whose wait is open does not fit.
 *
 * There is one path: wf_chan_try_* below, under the lock. recv, send, select and batches use it.
 * Nobody is woken and no value is dropped under the lock: that is a chore, done after it.
 *
 * What every operation writes (positions, lock, lists, counts) is one cache line, what it only
 * reads is the one before: two cores that share a channel pass one line back and forth, and none
 * while one of them has several operations in a row.
 *
 * A node's slot is where the value goes to or comes from. A receiver's node without a slot only
 * asks to be told (select over a combinator): it is claimed and woken, and the value stays. */
#ifndef WF_CHAN_CHAN_H
#define WF_CHAN_CHAN_H

#include "base/lock.h"
#include "base/panic.h"
#include "base/spin.h"
#include "chan/ring.h"
#include "chan/source.h"

#include <weft/chan.h>

struct wf_node {
    struct wf_link link; /* in senders or receivers; chan->lock */
    struct wf_waiter *waiter;
    void *slot;                /* value to send, or room for one; NULL: only tell me */
    struct wf_node *next_wake; /* in chores.wake, from the claim to the wake; the claimer's */
    uint32_t claim;            /* WF_CLAIM_FIRST + index of its case */
    int rc;                    /* written by the claimer: 1 received, 0 sent or reserved,
                                * WEFT_ECLOSED, WF_NODE_RETRY: the state changed, look again */
    bool is_reserve;           /* a sender that wants a place, not to hand a value over */
    bool wakes_last;           /* a select: it finds more when those who are queued go first */

    union {
        /* For batches: values, or room for them, behind the one in the slot; and how many of these
         * went along with it, written by the claimer. */
        struct {
            uint32_t n_more, n_more_moved;
        };
        size_t weight; /* that a reserver wants to keep */
    };
};

#define WF_NODE_RETRY (-1000000)

struct wf_chan;
struct wf_chores;

/* What takes the ring's place where receivers don't share the values (fanout.h). Its channel has no
 * capacity, the policy WEFT_DROP_OLDEST and no receiver that waits with a slot. */
struct wf_sink {
    const char *kind;           /* for dumps */
    bool has_standing_receiver; /* n_receivers is one more than there are */

    /* Takes the value, under the lock, as wf_chan_try_send_locked. */
    int (*put)(struct wf_chan *ch, const void *value, struct wf_chores *chores);
    /* Drops all it holds: after an abort, and before the channel is freed. Without the lock. */
    void (*discard)(struct wf_chan *ch);
};

struct wf_chan {
    /* Under lock, seldom written. */
    WF_CACHE_ALIGNED bool has_ended; /* weft_end, weft_abort, or the last sender went */
    bool is_aborted;                 /* permits are void */
    bool refuses_values;             /* has ended, or nobody will receive any more (C3) */
    bool trap_reported;
    bool is_always_ready;            /* wf_chan_always alone; constant, as is what follows */
    bool is_weighed;                 /* weights is there */
    uint8_t overflow;                /* enum weft_overflow */
    bool is_metered;                 /* meter is there */
    uint32_t n_senders, n_receivers; /* open references; permits count as senders */
    uint32_t n_reserved;
    uint32_t refs;            /* halves and permits that point here: the last one frees */
    int cause;                /* < 0: what receivers get once they have drained; fixed at the end */
    uint32_t quick_room;      /* C7 */
    void (*drop)(void *item); /* constant */
    /* Who holds one of its senders or permits; 0: not known, or not any more. Under lock. */
    uint64_t a_holder_id;

    /* Its constants end this cache line, its positions begin the next. */
    struct wf_ring ring;

    /* Under lock, written by each operation. */
    struct wf_lock lock;
    struct wf_list senders, receivers; /* of struct wf_node, first in first out */
    uint64_t n_sent, n_received;

    struct wf_list tx_halves, rx_halves; /* of struct wf_half, open ones, for reports; lock */
    struct wf_link shard_link;           /* in the list of all channels; its shard's lock */
    const char *name, *file;             /* constant, as is what follows */
    int line;
    const struct wf_sink *sink; /* NULL: values go to the ring */
    uint64_t n_dropped;         /* under lock */
    struct wf_weights *weights; /* of what is in the ring; NULL: only places count */
    struct wf_meter *meter;     /* NULL: nobody wants to know */
};
_Static_assert(offsetof(struct wf_chan, ring.head) == WF_CACHE_LINE &&
                   offsetof(struct wf_chan, tx_halves) == (size_t)2 * WF_CACHE_LINE,
               "one line is written by each operation, and no other");

extern struct wf_chan wf_chan_always;
extern const struct wf_source_ops wf_chan_ops; /* receivers of a channel; source: it */

struct weft_permit_half {
    struct wf_half half;
    struct wf_chan *chan;
    size_t elem_size;
    size_t weight; /* that it keeps, where values are weighed */
};

/* What is left to do once the lock is released. Zeroed but for spare. */
struct wf_chores {
    struct wf_node *wake; /* claimed nodes, linked by next_wake */
    void *spare;          /* room for a value that gives way; NULL: it has no drop */
    const void *drop;     /* a value that gave way; nobody else's any more */
};

/* Wakes and drops. The channel's lock is not held; a half or permit of the caller's keeps it. */
void wf_chores_do_slow(struct wf_chan *ch, struct wf_chores *chores);
static inline void wf_chores_do(struct wf_chan *ch, struct wf_chores *chores)
{
    if (chores->wake != NULL || chores->drop != NULL)
        wf_chores_do_slow(ch, chores);
}

void wf_chan_check(struct wf_chan *ch);

void wf_chan_lock_slow(struct wf_chan *ch);
static inline void wf_chan_lock(struct wf_chan *ch)
{
    if (WF_UNLIKELY(!wf_lock_try(&ch->lock)))
        wf_chan_lock_slow(ch);
}
static inline void wf_chan_unlock(struct wf_chan *ch)
{
    if (WEFT_CHECK >= 2)
        wf_chan_check(ch);
    wf_lock_release(&ch->lock);
}

/* ---- hints ----------------------------------------------------------------------------------- */

/* For who looks at many channels: is it worth taking this one's lock? Values in the ring are read
 * from there, the rest from the lock's mark. Exact under the lock (C6, but for places and values
 * that permits keep); without it what was done before the caller came is seen, and what is done
 * meanwhile may be missed: so a hint decides what is tried, never that somebody waits. */
enum { WF_MARK_SENDER_WAITS = 1, WF_MARK_REFUSES = 2 };

static inline uint16_t wf_chan_mark_now(const struct wf_chan *ch)
{
    return (uint16_t)((wf_list_is_empty(&ch->senders) ? 0 : WF_MARK_SENDER_WAITS) |
                      (ch->refuses_values ? WF_MARK_REFUSES : 0));
}

/* To be called when the list of senders or refuses_values has changed. */
static inline void wf_chan_mark_locked(struct wf_chan *ch)
{
    wf_store_rlx_raw(&ch->lock.mark, wf_chan_mark_now(ch));
}

static inline bool wf_chan_may_recv(struct wf_chan *ch)
{
    return wf_load_rlx(&ch->ring.n_full) > 0 || wf_load_rlx(&ch->lock.mark) != 0;
}

/* Who waits to receive where nothing can be stored leaves no mark. */
static inline bool wf_chan_may_send(struct wf_chan *ch)
{
    bool never_waits = ch->overflow != WEFT_BLOCK && ch->overflow != WEFT_FAIL;
    return ch->ring.capacity == 0 || wf_load_rlx(&ch->ring.n_full) < ch->ring.capacity ||
           (wf_load_rlx(&ch->lock.mark) & WF_MARK_REFUSES) != 0 || never_waits;
}

/* ---- the paths, under the lock (xfer.c). WEFT_EAGAIN: it would wait -------------------------- */

int wf_chan_try_send_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores);
int wf_chan_try_recv_locked(struct wf_chan *ch, void *out, struct wf_chores *chores);

/* Nothing is in the ring: will nothing come any more? */
static inline bool wf_chan_is_over_locked(const struct wf_chan *ch)
{
    return ch->has_ended && (ch->n_reserved == 0 || ch->is_aborted);
}

/* A value goes into a place that was kept: to a waiting receiver, or into the ring. What a permit
 * kept of the weight has been given back. */
void wf_chan_commit_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores);

/* Places are free: the oldest waiting senders and reservers get them. */
void wf_chan_fill_locked(struct wf_chan *ch, struct wf_chores *chores);

/* The oldest waiting receiver that takes the value that is there, claimed and off the list, or
 * NULL. Those before it that only want to be told are told. And the oldest waiting sender that has
 * a value. The caller copies, and sets n_more_moved if it moves more than one. */
struct wf_node *wf_chan_take_receiver_locked(struct wf_chan *ch, struct wf_chores *chores);
struct wf_node *wf_chan_take_sender_locked(struct wf_chan *ch, struct wf_chores *chores);

/* A node that waits to move n values, and for nothing else. */
static inline void wf_node_init(struct wf_node *node, struct wf_waiter *waiter, void *slot,
                                uint32_t n)
{
    /* The rest is written with the link, or by whoever claims it. */
    node->waiter = waiter;
    node->slot = slot;
    node->claim = WF_CLAIM_FIRST;
    node->is_reserve = node->wakes_last = false;
    node->n_more = n - 1;
    node->n_more_moved = 0;
}

/* Claims the node for its waiter's wake with rc. False: its wait ended another way. */
bool wf_node_claim(struct wf_node *node, int rc, struct wf_chores *chores);
/* The wake, without the lock; after it the node may be gone (W2). */
static inline void wf_node_wake(struct wf_node *node)
{
    wf_wait_wake(node->waiter, node->wakes_last ? WF_WAKE_LAST : WF_WAKE_NEXT);
}

/* How many of n values are copied in one hold of the lock: so much that a long batch keeps nobody
 * out for long, and one at least. */
static inline uint32_t wf_chan_run(const struct wf_chan *ch, uint32_t n)
{
    uint32_t limit = 64;
    if (WF_UNLIKELY(ch->ring.elem_size > 64))
        limit = WF_MAX(4096 / ch->ring.elem_size, 1u);
    return WF_MIN(n, limit);
}

/* A plain thread that found nothing looks again for a while, before it waits. Called with the lock
 * held; true: it shall, and the lock is released, some time ago. *turn counts the looks of a plain
 * thread, 0 before the first and after the last; a task's stays 0. */
bool wf_chan_looks_again_locked(struct wf_chan *ch, struct wf_waiter *self, unsigned *turn,
                                struct wf_chores *chores);

/* Waits with a node, called with the lock held after EAGAIN, returns without it: xfer.c. How many
 * of the n values moved, at least one; WF_NODE_RETRY; or the error. */
int wf_chan_park_send(weft_sender *tx, const void *values, uint32_t n, struct wf_waiter *self,
                      struct wf_chores *chores);
int wf_chan_park_recv(struct wf_chan *ch, weft_receiver *rx, void *out, uint32_t n,
                      struct wf_waiter *self);
/* The same for a place: 0, WF_NODE_RETRY, or the error. */
int wf_chan_park_reserve(weft_sender *tx, size_t weight, struct wf_waiter *self,
                         struct wf_chores *chores);

/* Takes off a node whose wait has ended otherwise. */
void wf_chan_unlink_locked(struct wf_chan *ch, struct wf_node *node, struct wf_chores *chores);

/* Up to n values; waits for the first (batch.c). */
int wf_chan_recv_many(weft_receiver *rx, void *out, size_t n);

/* How such a wait ended otherwise than by the value that it waited for: the node's rc, or as above.
 * Takes the lock. */
int wf_chan_waited_in_vain(struct wf_chan *ch, struct wf_node *node, uint32_t claim);

/* The long way of weft_send and weft_recv (xfer.c), from the beginning or with the lock, which it
 * releases; the short one is in quick.c. */
int wf_chan_send_slow(weft_sender *tx, const void *value, size_t size);
int wf_chan_try_send_slow(weft_sender *tx, const void *value, size_t size);
int wf_chan_send_any_locked_slow(weft_sender *tx, const void *value, struct wf_waiter *self);
int wf_chan_recv_slow(weft_receiver *rx, void *out, size_t size);
int wf_chan_recv_any_locked_slow(weft_receiver *rx, void *out, struct wf_waiter *self);

static inline bool wf_sender_can_send(const weft_sender *tx, const void *value, size_t size)
{
    return WF_LIKELY(tx != NULL && tx->half.kind == WF_HALF_SENDER && !tx->half.is_closed &&
                     tx->elem_size == size && value != NULL);
}

/* A receiver of a channel, and well called. */
static inline bool wf_receiver_is_of_chan(const weft_receiver *rx, const void *out, size_t size)
{
    return WF_LIKELY(rx != NULL && rx->half.kind == WF_HALF_RECEIVER && rx->ops == &wf_chan_ops &&
                     !rx->half.is_closed && rx->elem_size == size && out != NULL);
}

/* What the receiver returns, and remembers, for values or 0 (the end: the cause first) or an error. */
int wf_chan_recv_code(weft_receiver *rx, int rc);

/* ---- life (chan.c) --------------------------------------------------------------------------- */

/* Makes a channel with one sender and one receiver reference. */
WF_MUST_CHECK int wf_chan_open(size_t elem_size, const weft_chan_opts *opts, const char *file,
                               int line, weft_sender **out_tx, weft_receiver **out_rx);

/* Readies the memory of one without references, and with data for the ring. */
void wf_chan_init(struct wf_chan *ch, size_t elem_size, const weft_chan_opts *opts, void *data,
                  const char *file, int line);

/* The limits of opts and of the size: 0, WEFT_EINVAL or WEFT_EOVERFLOW. */
int wf_chan_check_opts(size_t elem_size, const weft_chan_opts *opts);

/* Ends it for all; is_abort: what is left is dropped first, permits are void. WEFT_ECLOSED when
 * it had ended before, which stays as it was. The caller has a half. */
int wf_chan_end(struct wf_chan *ch, int cause, bool is_abort);
/* The same under the lock, without discarding; nothing, when it had ended before. */
void wf_chan_end_locked(struct wf_chan *ch, int cause, struct wf_chores *chores);

/* Counts a reference in and out. A half that is closed counts only as a reason not to free. The
 * last sender ends the channel; after the last receiver what is in the ring is dropped. A further
 * reference is made to be handed over, so it has no holder (NULL) until somebody parks on it. */
void wf_chan_add_half(struct wf_chan *ch, struct wf_half *half, struct wf_waiter *holder);
void wf_chan_close_half(struct wf_chan *ch, struct wf_half *half);
void wf_chan_unref(struct wf_chan *ch);

/* The half is on its way to another holder, or works for itself. Takes the lock. */
void wf_half_forget_holder(struct wf_chan *ch, struct wf_half *half);

/* The same for a permit, under the lock. */
void wf_chan_add_sender_locked(struct wf_chan *ch, struct wf_half *half);
void wf_chan_remove_sender_locked(struct wf_chan *ch, struct wf_half *half,
                                  struct wf_chores *chores);

/* Appends one line: its name, place, fill and who holds its halves. Takes the lock. */
void wf_chan_describe(struct wf_chan *ch, struct wf_text *text);

/* A receiver waits on the channel, and all of its senders may be held by one who waits for it:
 * suspects (under the lock, may only look) says whether that may be so; report (without it, the
 * caller keeping the channel) looks again and says so. Layer 4 knows who waits for whom. */
struct wf_trap_hooks {
    bool (*suspects)(struct wf_chan *ch, struct wf_waiter *receiver);
    void (*report)(struct wf_chan *ch);
};
extern struct wf_trap_hooks wf_trap_hooks;

#endif
