/* SPDX-License-Identifier: MIT
 * The table behind every receiver: what a channel, a generator, the lines of a file, a combinator
 * or a user's own iterator puts there so that recv, select, close and weft_error work on it.
 * The fourth seam: lower layers never name the sources of higher ones.
 *
 * A weft_receiver is one reference to a source. It is used by one task or thread at a time but
 * may be handed over; each has its own last error and its own place for reports. */
#ifndef WF_CHAN_SOURCE_H
#define WF_CHAN_SOURCE_H

#include "base/list.h"
#include "sched/wait.h"

#include <weft/chan.h>

#include <limits.h>

struct wf_chan;
struct wf_lent;

/* What a try returns that found nothing, and no cause is: a source may end with WEFT_EAGAIN, too.
 * Only weft_try_recv itself says that one for both. Codes of users go through wf_cause. */
#define WF_NOT_READY INT_MIN
static inline int wf_cause(int code) { return WF_MAX(code, -INT_MAX); }

struct wf_source_ops {
    const char *kind; /* "channel", "generator", "map": for dumps */

    /* The next item into out (elem_size bytes). 1, 0 the end, <0 an error that ended the source
     * or this wait (WEFT_ECANCELED). May wait. The receiver is not closed and has not ended. An
     * error that ended the source sets rx->is_ended; 0 need not. */
    int (*recv)(weft_receiver *rx, void *out);

    /* weft_recv itself, with unchecked arguments, for a source that has a short way; the rest goes to
     * wf_receiver_recv_any. It notes the site (wf_note_call), for it knows who calls. NULL: all
     * goes there. */
    int (*recv_now)(weft_receiver *rx, void *out, size_t size, const void *site);

    /* The same without waiting: WF_NOT_READY when it would. NULL: the source waits inside and can't
     * (an iterator, an adaptor with a callback not opened with .never_waits). */
    int (*try_recv)(weft_receiver *rx, void *out);

    /* What select waits on: the channel whose state decides when try_recv is worth calling again;
     * asks the source for an item if it works on demand. wf_chan_always: never waits at all.
     * NULL, or a NULL result: as try_recv. */
    struct wf_chan *(*select_on)(weft_receiver *rx);

    /* Whether it is, under the lock of that channel, for receivers that share one and are not all
     * ready at once; is_readable: what the channel's own state says. NULL: that. */
    bool (*is_ready)(weft_receiver *rx, bool is_readable);

    /* When try_recv is worth calling again, for a source that waits for nothing but time. NULL, or
     * WF_NEVER: ask select_on. */
    int64_t (*ready_at)(weft_receiver *rx);

    /* While a select waits: where an item of that channel may be put, so that this receiver has its
     * turn among the channel's others; and that one was put there. It is the source's then: its next
     * receive goes on with it. NULL, or NULL room, for a channel that has no others: the select is
     * only told that there is something, and others would be faster each time. */
    void *(*room)(weft_receiver *rx);
    void (*filled)(weft_receiver *rx);

    /* How many items the last WEFT_ELAGGED meant. NULL: none is ever missed. */
    uint64_t (*missed)(weft_receiver *rx);

    /* Up to n items; waits for the first. NULL: weft loops over recv once. */
    int (*recv_many)(weft_receiver *rx, void *out, size_t n);

    /* What the lines of the last receive, which are lent, point into: the caller's to give back
     * (lent.h). NULL: they are there until the next receive alone. */
    struct wf_lent *(*hold)(weft_receiver *rx);

    /* Gives back one reference: called once per receiver, at close or drop. May wait (shielded by
     * the caller). Its result is what weft_close returns. */
    int (*close)(weft_receiver *rx);

    /* A further reference into `copy` (source and ops already set). NULL: may not be shared. */
    int (*ref)(weft_receiver *rx, weft_receiver *copy);
};

/* First in all kinds of halves, so that weft_close(half) and WEFT_DROP(half) tell them apart. */
enum wf_half_kind {
    WF_HALF_SENDER = 0x57465458,
    WF_HALF_RECEIVER = 0x57465258,
    WF_HALF_PERMIT = 0x5746504d,
    WF_HALF_COMPLETER = 0x57464350,
    WF_HALF_DEAD = 0x57464444
};

struct wf_half {
    struct wf_link link; /* in the channel's list of its halves; the channel's lock */
    const char *file;    /* where this reference was made */
    int line;
    char holder_name[20]; /* of holder_id */

    /* What an operation touches, with what follows in a sender or receiver: a cache line. */
    enum wf_half_kind kind;
    bool is_closed;
    bool is_pooled; /* its memory: wf_half_make */

    /* For reports: who made it, or last sent or parked with it; 0: nobody known. A copy, for the
     * holder may be gone when it is printed. Written by the holder, for a channel's halves under
     * its lock. */
    bool is_holder_task;
    /* Written under the channel's lock. Read before it, too, by one who asks whether it is the holder:
     * only it writes its own number, and another's that is late costs the long way alone. */
    _Atomic uint64_t holder_id;
};

/* A sender or receiver of which this much is written. NULL: no memory. */
enum { WF_HALF_SIZE = 112, WF_HALF_HOT_AT = offsetof(struct wf_half, kind) };
WF_MUST_CHECK void *wf_half_make(enum wf_half_kind kind, const char *file, int line);
void wf_half_free(struct wf_half *half); /* or one that begins memory from wf_alloc */

void wf_half_init(struct wf_half *half, enum wf_half_kind kind, const char *file, int line);
void wf_half_set_holder_slow(struct wf_half *half, const struct wf_waiter *holder);
static inline void wf_half_set_holder(struct wf_half *half, const struct wf_waiter *holder)
{
    if (WF_UNLIKELY(wf_load_rlx_raw(&half->holder_id) != holder->id))
        wf_half_set_holder_slow(half, holder);
}

/* A half of another kind, or one that is gone, is a broken program: says so and aborts. call and
 * name: the caller's call and its argument. */
WF_NORETURN void wf_half_misused(const struct wf_half *half, const char *call, const char *name);
static inline void wf_half_must_be(const struct wf_half *half, enum wf_half_kind kind,
                                   const char *call, const char *name)
{
    if (WF_UNLIKELY(half->kind != kind))
        wf_half_misused(half, call, name);
}

struct weft_receiver {
    struct wf_half half;
    const struct wf_source_ops *ops;
    void *source; /* the ops' own: a channel, a generator … */
    size_t elem_size;
    void (*drop_item)(void *item); /* what destroys an item nobody takes; NULL: nothing to do */
    int last_error;                /* why the last receive gave nothing, for weft_error */
    bool lends_items;              /* each points into its source, until the next receive */
    bool is_ended, cause_given;
    _Atomic bool is_busy; /* a consuming call is under way, for sources that refuse two */
};

struct weft_sender {
    struct wf_half half;
    struct wf_chan *chan;
    size_t elem_size;
    void *spare; /* room for the value that gives way; NULL if none can */
};

/* A sender of the channel, not counted in yet; and back. NULL: no memory. */
WF_MUST_CHECK weft_sender *wf_sender_make(struct wf_chan *ch, const char *file, int line);
void wf_sender_free(weft_sender *tx);

/* Makes a receiver for a source of a higher layer; the reference counts are the ops' business.
 * NULL: no memory. */
WF_MUST_CHECK weft_receiver *wf_receiver_make(const struct wf_source_ops *ops, void *source,
                                              size_t elem_size, const char *file, int line);
/* The same in memory of the caller's that wf_receiver_free may free: rx is its beginning. */
void wf_receiver_init(weft_receiver *rx, const struct wf_source_ops *ops, void *source,
                      size_t elem_size, const char *file, int line);
/* Frees the handle alone, without close. */
void wf_receiver_free(weft_receiver *rx);

/* In a child after fork another thread may have held any lock: nothing can be given back. */
bool wf_is_after_fork(void);

/* Behind a further reference to what can't be shared: each consuming call is WEFT_EBUSY. */
extern const struct wf_source_ops wf_second_ops;

/* A further reference; NULL: no memory. */
WF_MUST_CHECK weft_receiver *wf_receiver_ref(weft_receiver *rx, const char *file, int line);

/* recv and try_recv with the entry checks of weft_recv but for the size: for combinators. A try that
 * found nothing says WF_NOT_READY, and leaves no trace. */
int wf_receiver_next(weft_receiver *rx, void *out);
int wf_receiver_try_next(weft_receiver *rx, void *out);

/* Gives the reference back, shielded; the source's close code. Once; later calls are 0. */
int wf_receiver_close(weft_receiver *rx);

/* Closes and frees; the source's close code. rx may be NULL (0). After fork it stays as it is. */
int wf_receiver_close_and_free(weft_receiver *rx);

/* The way of weft_receiver_recv for what is not a channel, or not well called (receiver.c). */
int wf_receiver_recv_slow(weft_receiver *rx, void *out, size_t size);
int wf_receiver_recv_any(weft_receiver *rx, void *out, size_t size); /* without recv_now */
static inline int wf_receiver_recv_now(weft_receiver *rx, void *out, size_t size, const void *site)
{
    if (rx->ops->recv_now != NULL)
        return rx->ops->recv_now(rx, out, size, site);
    (void)wf_note_call_of(wf_waiter_known(), site);
    return wf_receiver_recv_any(rx, out, size);
}
int wf_receiver_try_recv_slow(weft_receiver *rx, void *out, size_t size);

/* As weft_receiver_try_recv, by weft itself (wf_note_call). */
int wf_receiver_try_recv(weft_receiver *rx, void *out, size_t size);

#endif
