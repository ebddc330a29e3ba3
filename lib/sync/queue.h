/* SPDX-License-Identifier: MIT
 * What all synchronisers are made of: one word that is changed without a lock while nobody waits,
 * and a queue of those who do.
 *
 * The object lives where its owner put it, all zero at first but for its name and its word. A small
 * static table, hashed by address, has the locks, and in each place a list of the objects with a
 * queue: so an object needs no set-up, and a dump can look up an address that it does not trust.
 *
 *   Q1  Bit 0 of the word, WF_WAITED, says that the lock has to be taken. While it is clear, the
 *       word changes by compare-and-swap alone and the queue is empty; while it is set, the word
 *       changes only under the lock. It is set under the lock, by compare-and-swap.
 *   Q2  With the lock held an object that has a queue exists: each who waits is inside a call.
 *   Q3  Whoever ends others' waits writes the word that lets newcomers past last of all, and touches
 *       nothing of the object after it: the queue may have turned out to be empty, and one of those
 *       may free the object at once. (The lock is not in the object.)
 *   Q4  A node's claim hands over what it waits for: the claimer has already written it down as
 *       given, under the lock. So a grant is never lost: a claim that fails, because a cancel was
 *       first, is not written down, and the next in line is tried.
 *   Q5  Who ends its wait without a grant leaves the queue under the lock and then looks for itself
 *       whether its leaving lets others go on (the last of the synchroniser's own rules).
 *
 * Rejected: the queues in the table too, as a futex has them. A million who wait for one object
 * would be in the way of all others that hash to the same place. */
#ifndef WF_SYNC_QUEUE_H
#define WF_SYNC_QUEUE_H

#include "base/list.h"
#include "base/lock.h"
#include "base/panic.h"
#include "sched/wait.h"

#include <weft/error.h>

#define WF_WAITED ((uintptr_t)1)

/* The public structs, each of which has this layout. */
struct wf_sync {
    const char *name, *file; /* constant, as line */
    int line;
    union {
        uint32_t limit; /* constant: a semaphore's max, a barrier's parties */
        struct {
            uint16_t n_overtaken;
            bool is_waking;
        } line_up; /* a mutex's (mutex.c); under the lock */
    };
    _Atomic uintptr_t word; /* Q1; what it says is the synchroniser's own */
    struct wf_list queue;   /* under the lock; its next is NULL while it is empty */
    struct wf_link link;    /* in the table, while it has a queue */
};

struct wf_sync_node;

/* What a dump says of one: a noun, and what comes after its name. Under the lock. */
struct wf_sync_kind {
    const char *noun;
    void (*describe)(const struct wf_sync *s, struct wf_text *text);
};

/* Who waits. On the waiter's stack (wait.h, W3). */
struct wf_sync_node {
    struct wf_link link; /* the lock */
    struct wf_waiter *waiter;
    const struct wf_sync_kind *kind;
    struct wf_sync_node *next_wake; /* the claimer's, from the claim to the wake */
    uint32_t wants;                 /* the synchroniser's own */
    bool is_shielded;               /* no cancel ends this wait */
    bool is_granted;                /* though its wait was ended by a cancel; under the lock */
    bool has_queued;                /* it goes back to the front */
};

/* How a wait ended, when it is not an error: a negative code. */
enum {
    WF_SYNC_GRANTED = 0, /* it was given what it waited for. The lock is not held */
    WF_SYNC_WOKEN = 1,   /* it was told to look. The lock is held, the node is off the queue */
    WF_SYNC_AGAIN = 2,   /* nothing happened: look, wait anew. As above */
};

/* Claimed nodes, in order. */
struct wf_sync_wakes {
    struct wf_sync_node *first, *last;
};

void wf_sync_lock(const struct wf_sync *s);
void wf_sync_unlock(const struct wf_sync *s); /* the object may be gone */

static inline bool wf_sync_has_queue(const struct wf_sync *s) { return s->queue.head.next != NULL; }
static inline uintptr_t wf_sync_waited(const struct wf_sync *s)
{
    return wf_sync_has_queue(s) ? WF_WAITED : 0;
}

/* The first in line; there is a queue. */
static inline struct wf_sync_node *wf_sync_first_locked(const struct wf_sync *s)
{
    return WF_CONTAINER(s->queue.head.next, struct wf_sync_node, link);
}

/* Waits. Called with the lock held and WF_WAITED set. An error leaves with the lock held, the node
 * off the queue (Q5). begin and end are its halves: the lock is released in the first. */
int wf_sync_wait(struct wf_sync *s, struct wf_sync_node *node);

/* The whole of a wait that ends for all who wait at once: mark_locked sets WF_WAITED, or says false
 * when there is nothing to wait for. 0, or why the wait ended. */
int wf_sync_wait_with_all(struct wf_sync *s, struct wf_waiter *self,
                          const struct wf_sync_kind *kind, bool (*mark_locked)(struct wf_sync *s));
void wf_sync_wait_begin(struct wf_sync *s, struct wf_sync_node *node);
int wf_sync_wait_end(struct wf_sync *s, struct wf_sync_node *node);

/* Takes the node off the queue and claims it with WF_SYNC_GRANTED or WF_SYNC_WOKEN; true: it is
 * among the wakes. */
bool wf_sync_claim_locked(struct wf_sync *s, struct wf_sync_node *node, uint32_t how,
                          struct wf_sync_wakes *wakes);

/* Grants all that wait what they wait for, those too whose wait a cancel has ended already: they
 * will see it, since they come for the lock before they return. */
void wf_sync_claim_all_locked(struct wf_sync *s, struct wf_sync_wakes *wakes);

/* After the lock has been released. */
void wf_sync_wake(const struct wf_sync_wakes *wakes);

/* Sets WF_WAITED unless the word has changed: false. Under the lock. */
bool wf_sync_mark_locked(struct wf_sync *s, uintptr_t seen);

/* Clears it when nobody waits any more and nothing else has changed. Under the lock. */
void wf_sync_unmark_locked(struct wf_sync *s);

/* A call that may wait begins: 0, or why it does not. A task that holds locks does not give way
 * to others here: they may wait for what it holds. */
static inline int wf_sync_enter(const void *object, struct wf_waiter *self)
{
    if (WF_UNLIKELY(object == NULL))
        return WEFT_EINVAL;
    if (WF_UNLIKELY(self == NULL))
        return wf_no_waiter();
    if (WF_LIKELY(self->n_locks == 0))
        wf_coop(self);
    return WF_UNLIKELY(wf_is_cancelled(self)) ? WEFT_ECANCELED : 0;
}

/* Ends the program: "CALL: NOUN "name" (file:line) SENTENCE". */
WF_NORETURN void wf_sync_misuse(const struct wf_sync *s, const char *call, const char *noun,
                                const char *sentence);

/* Who is called what, for describe: " task #3 "name"". It has to be alive. */
void wf_sync_name_waiter(const struct wf_waiter *waiter, struct wf_text *text);

/* Appends the noun, name, place and state of the object at this address, if somebody waits for
 * one there; else false. */
bool wf_sync_describe(const void *address, struct wf_text *text);

#define WF_SYNC_LAYOUT(type)                                                    \
    _Static_assert(sizeof(type) == sizeof(struct wf_sync) &&                    \
                       offsetof(type, word_) == offsetof(struct wf_sync, word), \
                   #type " has not the layout of struct wf_sync")

#endif
