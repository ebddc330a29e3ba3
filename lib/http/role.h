/* SPDX-License-Identifier: MIT
 * The driver is a role, not a thread.
 *
 * An engine moves many transfers on, but only one caller at a time may turn it. Whoever waits for
 * one of its transfers is a party. A party that finds no driver becomes it: it turns the engine, and
 * sleeps until the engine has something to do, until what it waits for itself has come; then it gives
 * the role to another party that waits. So there is a driver whenever somebody waits, no thread that
 * has to be started, stopped and woken, and a request that is alone is a plain sequence of calls.
 *
 *   D1  role->driver is who may turn the engine and what belongs to the engine alone (turn, rest).
 *       It is written under the lock: by a party that finds it NULL and takes the role, and by the
 *       driver, which gives it to the first party that waits, or to nobody if none does. The lock is
 *       also what orders the turns of two drivers.
 *   D2  A party waits (is in role->waiting) only while there is a driver: it found one under
 *       the lock, and a driver that leaves takes a party off the list and makes it the driver under
 *       one hold of it. Hence nobody waits without a driver.
 *   D3  A party that was made the driver while it was being cancelled has the role all the same, and
 *       gives it up before it returns. Hence a cancel loses no role.
 *   D4  A driver rests (is_resting) only when nothing was posted since it last turned: has_work is set
 *       and is_resting is read under one hold of the lock, and the driver clears the one before it
 *       turns and sets the other after it has found the first still clear, likewise. Hence either it
 *       sees the work, or whoever posted sees it rest and wakes it. A wake that comes before the
 *       driver has begun to sleep is kept by the engine (an eventfd).
 *   D5  What a party waits for changes under the lock, and whoever changes it tells the party under
 *       the same hold: it is taken off the list, and its event is set after the lock was released.
 *       A reference keeps it in memory until then. An event set too late, for a wait that is over, is
 *       a wake-up for nothing: a party looks again whenever it is woken.
 *
 * The engine is behind a table, so that the tests have one without a network. Its `turn` is told
 * nothing by D1 but that it is alone: it runs with the lock free, and takes it for what it shares. */
#ifndef WF_HTTP_ROLE_H
#define WF_HTTP_ROLE_H

#include "base/list.h"
#include "base/lock.h"

#include <weft/event.h>

struct wf_http_engine;

struct wf_http_party {
    /* Under the lock. */
    struct wf_link wait_link;  /* in role->waiting while it waits */
    struct wf_link woken_link; /* in role->woken from being told until its event is set */
    unsigned n_refs;

    /* Constant. Not NULL: it lies in the memory of that party, and references to it are to that one. */
    struct wf_http_party *part_of;

    weft_event event; /* set by who told it, reset by itself under the lock before it waits */
};

struct wf_http_engine_ops {
    /* Moves on what can be moved, without waiting. By the driver, with the lock free. < 0: it could
     * not be called at all (the caller is cancelled). */
    int (*turn)(struct wf_http_engine *engine);
    /* Waits until something happens, its timers included, or it is woken; < 0: the caller is
     * cancelled. */
    int (*rest)(struct wf_http_engine *engine);
    /* By any thread: the driver's rest ends; if it has not begun, it ends at once. */
    void (*wake)(struct wf_http_engine *engine);
    /* The last reference to a party has gone. With the lock free; the role may go with it. */
    void (*free)(struct wf_http_engine *engine, struct wf_http_party *party);
};

struct wf_http_role {
    struct wf_lock lock;
    const struct wf_http_engine_ops *ops;
    struct wf_http_engine *engine;
    struct wf_http_party *driver; /* D1 */
    struct wf_list waiting;       /* D2 */
    struct wf_list woken;         /* told, and their events not yet set */
    bool has_work, is_resting;    /* D4 */
    bool is_to_wake;              /* the driver rests, and nobody has woken it yet */
};

void wf_http_role_init(struct wf_http_role *role, const struct wf_http_engine_ops *ops,
                       struct wf_http_engine *engine);

/* One reference, the caller's. */
void wf_http_party_init(struct wf_http_party *party);
void wf_http_party_unref(struct wf_http_role *role, struct wf_http_party *party);

/* Waits until is_over(arg), which is asked with the lock held; drives meanwhile if nobody else does.
 * 0, or WEFT_ECANCELED: the caller was cancelled first. One call at a time for each party. */
WF_MUST_CHECK int wf_http_role_wait(struct wf_http_role *role, struct wf_http_party *party,
                                    bool (*is_over)(void *arg), void *arg);

/* With the lock held: party has to look again (D5); there is something for the engine to do (D4).
 * wf_http_role_unlock then does what has to be done with the lock free. */
void wf_http_role_tell_locked(struct wf_http_role *role, struct wf_http_party *party);
void wf_http_role_post_locked(struct wf_http_role *role);

/* The same as tell, whether party waits or not, and the caller's reference goes. */
void wf_http_role_part_locked(struct wf_http_role *role, struct wf_http_party *party);

static inline void wf_http_role_lock(struct wf_http_role *role) { wf_lock_acquire(&role->lock); }
void wf_http_role_unlock(struct wf_http_role *role);

/* In a turn, after which the driver tells them: the lock and nothing else. */
static inline void wf_http_role_unlock_in_turn(struct wf_http_role *role)
{
    wf_lock_release(&role->lock);
}

#endif
