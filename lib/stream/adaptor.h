/* SPDX-License-Identifier: MIT
 * Combinators: a receiver that pulls others in its consumer's own task.
 *
 * An adaptor owns its source and closes it once: with its own close, or as soon as it knows that
 * it wants no more of it. One block of memory: the receiver, the step's arguments, what the kind
 * keeps, one item that came in and one that goes out.
 *
 *   A1  An item is in the source, in `in`, `out` or what the kind keeps, or the consumer's. It is in
 *       `in` or `out` during one call; or, with has_item, in `in` from when a channel's sender put it
 *       there for a select that waited until the next call. A cancelled receive loses none that it
 *       has not given yet.
 *   A2  The consumer's memory is written only with a result of 1. Below the outermost adaptor items
 *       are written straight into the next one's memory, whatever comes of it, or passed on where
 *       they lie (fused.h).
 *   A3  What lends its items (a line points into its block) is not closed before its consumer asks
 *       for more; an adaptor over it lends them on. Those that hold items for longer refuse them
 *       where they are opened, lines by the type, too. What a step makes of such an item is taken to
 *       own what it has, unless it is said to be lent: to refuse it would refuse the numbers that
 *       lines were parsed into. A take, which only closes later for it, is careful with all.
 *   A4  An error of a step ends the stream (is_ended); an error of the source ends it when it ended
 *       the source.
 *   A5  A kind that may go round without end asks may_go_on each time, so that it can be cancelled
 *       and gives way to others. */
#ifndef WF_STREAM_ADAPTOR_H
#define WF_STREAM_ADAPTOR_H

#include "chan/chan.h"

#include <weft/stream.h>

struct wf_adaptor;

/* How an adaptor passes items on, if it does (fused.h). */
enum wf_passing {
    WF_PASSES_NONE,
    WF_PASSES_MADE,    /* the step owns the item, and what it made goes on; if it may wait */
    WF_PASSES_KEPT,    /* the step says whether the item goes on; if it may wait */
    WF_PASSES_COUNTED, /* the number at `state` does, until it is 0: then by call */
    WF_PASSES_BY_CALL
};
enum { WF_PASSED = 1, WF_MADE /* lies in adaptor->out */, WF_DROPPED };

/* What one combinator is. */
struct wf_adaptor_kind {
    const char *name;

    /* The next item into out, as recv or, may_wait false, as try_recv. May write there whatever it
     * returns. NULL: it passes items on. */
    int (*next)(struct wf_adaptor *adaptor, void *out, bool may_wait);

    /* For kinds that make at most one item of each and keep none: how it passes, and, by call, what
     * becomes of it: WF_PASSED where it lies, WF_MADE, WF_DROPPED, 0 the end, <0. */
    enum wf_passing passing;
    int (*pass)(struct wf_adaptor *adaptor, void *item, bool may_wait);

    /* Drops what is kept beside the source, which is closed already. May wait. NULL: nothing. */
    void (*drop)(struct wf_adaptor *adaptor);

    /* Might an item point into another source than its own? For a kind that pulls one. NULL: no. */
    bool (*may_lend)(const struct wf_adaptor *adaptor);

    /* As the source's ops, for a kind that several may receive from. NULL: may not be shared. */
    int (*ref)(weft_receiver *rx, weft_receiver *copy);

    size_t state_size; /* zeros, where an opener has no other state */
    bool is_leaf;      /* has no source */
    bool may_wait;     /* waits inside, whatever the source: no case of select */
    bool polls;        /* asks select about its source, which therefore must not wait inside */
    bool gives_twice;  /* keeps what it gave: items with a drop need a clone */
    bool keeps_items;  /* over the source's next receive: it is none that lends them */
    bool is_one_type;  /* what goes out is what came in, and is dropped the same way */
};

/* Items of a source that lie one after the other: whoever pulls it may take them from there. */
struct wf_run {
    char *next, *end;
};

struct wf_adaptor {
    weft_receiver rx; /* first: the two are freed as one */
    const struct wf_adaptor_kind *kind;
    enum wf_passing passing; /* as the kind's */
    weft_receiver *source;   /* what is pulled now; NULL: closed already */
    void (*drop_in)(void *); /* of the source's items; NULL: nothing to do */
    const weft_callable *step;
    int (*enter)(void *args, void *self); /* the step's; NULL: there is none */
    weft_step
        call; /* what it is entered with; here, since a frame would be guarded. Where items are
                       made or looked at to be passed on, `out` is as the open has set it */
    weft_stream_opts opts;
    bool has_item;    /* in `in`, from a source that is a channel */
    bool is_over;     /* no more is pulled, though the source is not closed yet */
    bool has_end;     /* what is held goes first: then end_code */
    bool end_goes_on; /* which is none */
    int end_code;
    int close_code; /* of what was closed so far */
    size_t in_size;
    void *args, *state, *in, *out;
    struct weft_scope *opened_in; /* what its step opens belongs there, too (task/opening.h) */
    struct wf_adaptor *above;     /* who pulls it, if both pass items on */
    struct wf_adaptor *lowest;    /* of those that pass items on to it, itself included; or NULL */
    struct wf_run run;            /* what it has to give at once */
    struct wf_run *run_below;     /* its source's, or its own, which is empty then */
};

/* How an adaptor is made. */
struct wf_adaptor_opts {
    const struct wf_adaptor_kind *kind;
    weft_receiver *source; /* consumed on every path, as is what args owns */
    size_t in_size, out_size;
    bool needs_step;
    const weft_callable *step; /* NULL: there is none */
    void *args;
    const weft_stream_opts *opts; /* NULL: defaults */
    bool may_wait;                /* as the kind's: another source of it does */
    bool lends_items;             /* another source of it does */
    bool is_over;                 /* wants nothing of its source */
    struct wf_run run;            /* what a source has to give at once */
    const void *state;            /* copied; when the open fails it is the caller's */
    size_t state_size;
    size_t state_room; /* and so much behind it */
};
WF_MUST_CHECK int wf_adaptor_open(const struct wf_adaptor_opts *opts, weft_receiver **out_rx);

/* The same for a kind that is a step on each item of one source. */
WF_MUST_CHECK int wf_adaptor_open_step(const struct wf_adaptor_kind *kind,
                                       const weft_callable *step, void *args, weft_receiver *source,
                                       size_t in_size, size_t out_size,
                                       const weft_stream_opts *opts, weft_receiver **out_rx);

/* The next of a kind that passes items on. Writes out only with a result of 1. */
int wf_fused_next(struct wf_adaptor *adaptor, void *out, bool may_wait);

static inline int wf_adaptor_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    return adaptor->lowest != NULL ? wf_fused_next(adaptor, out, may_wait)
                                   : adaptor->kind->next(adaptor, out, may_wait);
}

/* The receive of all adaptors, by which they know each other. */
int wf_adaptor_recv(weft_receiver *rx, void *out);

static inline bool wf_is_adaptor(const weft_receiver *rx)
{
    return rx->ops->recv == wf_adaptor_recv;
}

/* Might the item that it gave last point into what is lent until the next receive? Also what a step
 * has made, and what was opened later: asked with the item, by one to whom care costs nothing. Who
 * would refuse looks at rx->lends_items. */
bool wf_receiver_may_lend(const weft_receiver *rx);

/* Could select take part in it? */
bool wf_receiver_may_select(const weft_receiver *rx);

/* The next item of a source that is none of the adaptor's `source`, as recv or try_recv. */
int wf_adaptor_pull_from(struct wf_adaptor *adaptor, weft_receiver *source, void *into,
                         bool may_wait);

/* The source gave no item, but rc: what that means for it and for the adaptor. Returns rc. */
int wf_adaptor_pulled_none(struct wf_adaptor *adaptor, weft_receiver *source, int rc);

/* The next item of the source into `into`, which may be adaptor->in. From one adaptor to the next
 * there is no entry check: the outermost receive has made them. */
static inline int wf_adaptor_pull(struct wf_adaptor *adaptor, void *into, bool may_wait)
{
    if (WF_UNLIKELY(adaptor->has_item)) {
        adaptor->has_item = false;
        if (into != adaptor->in)
            wf_copy_value(into, adaptor->in, adaptor->in_size);
        return 1;
    }
    weft_receiver *source = adaptor->source;
    if (WF_UNLIKELY(source == NULL || source->is_ended || !wf_is_adaptor(source)))
        return wf_adaptor_pull_from(adaptor, source, into, may_wait);
    struct wf_adaptor *below = source->source;
    int rc = wf_adaptor_next(below, into, may_wait);
    return WF_LIKELY(rc > 0) ? rc : wf_adaptor_pulled_none(adaptor, source, rc);
}

/* The next item of the source, or WF_NOT_READY at that time. For kinds that poll. */
int wf_adaptor_pull_until(struct wf_adaptor *adaptor, void *into, int64_t at_ns);

/* The receive that returned rc was cancelled, or tells of items that a broadcast's receiver missed: the
 * source goes on. It may have ended with such a code, too. */
static inline bool wf_source_goes_on(const weft_receiver *source, int rc)
{
    return (rc == WEFT_ECANCELED || rc == WEFT_ELAGGED) && !source->is_ended;
}

/* The pull that returned rc was cancelled; a source may have ended with that code, too. */
static inline bool wf_adaptor_was_cancelled(const struct wf_adaptor *adaptor, int rc)
{
    return rc == WEFT_ECANCELED && !adaptor->rx.is_ended;
}

/* 0, or ECANCELED: between two rounds of a loop (A5). A try is not asked. */
int wf_adaptor_may_go_on(bool may_wait);

/* Runs the step on one item; out: where a map writes, or what a fold adds to. */
int wf_adaptor_step_never_waiting(struct wf_adaptor *adaptor);
static inline int wf_adaptor_step(struct wf_adaptor *adaptor, const void *in, void *out)
{
    adaptor->call = (weft_step){ .in = in, .out = out };
    if (WF_UNLIKELY(adaptor->opts.never_waits))
        return wf_adaptor_step_never_waiting(adaptor);
    return adaptor->enter(adaptor->args, &adaptor->call);
}

/* The same for a step that opens a stream: a receiver, or NULL, is written to out. */
int wf_adaptor_step_opening(struct wf_adaptor *adaptor, const void *in, weft_receiver **out);

/* Ends the stream: rc, an error, is not followed by items. Returns it. */
static inline int wf_adaptor_fail(struct wf_adaptor *adaptor, int rc)
{
    adaptor->rx.is_ended = true;
    return wf_cause(rc);
}

static inline void wf_drop_item(void (*drop)(void *), void *item)
{
    if (drop != NULL)
        drop(item);
}

/* Closes the source, shielded, and keeps the code for the adaptor's own close. */
void wf_adaptor_close_source(struct wf_adaptor *adaptor);

/* No more is wanted: nothing is pulled again, and the source is closed by the next receive. */
void wf_adaptor_stop(struct wf_adaptor *adaptor);

/* The same, and closes it now, unless the close would wait and the caller can't. */
void wf_adaptor_finish(struct wf_adaptor *adaptor, bool may_wait);

/* Does its close not wait, as far as can be known? */
bool wf_closes_at_once(weft_receiver *rx);

/* The same for another receiver that it owns; *slot is empty then. */
void wf_adaptor_close_other(struct wf_adaptor *adaptor, weft_receiver **slot);

/* A second value that owns what the first one owns, for what is given to two. */
WF_MUST_CHECK int wf_adaptor_clone(struct wf_adaptor *adaptor, void *to, const void *from,
                                   size_t size);

/* The source has ended with rc, 0 or an error, and there is an item to give before: the next call
 * finds has_end, and returns give_end. If it goes on for all that, so does the adaptor then. */
void wf_adaptor_hold_end(struct wf_adaptor *adaptor, int rc);
int wf_adaptor_give_end(struct wf_adaptor *adaptor);

#endif
