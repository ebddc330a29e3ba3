/* SPDX-License-Identifier: MIT
 * The mutex. Its word is the address of the waiter that holds it, or 0.
 *
 * An unlock with a queue does not hand the mutex over: it is free, the first in line is woken and
 * takes it when it runs, unless somebody else came by before (overtook it). Handing over at once
 * would make every unlock of a contended mutex a switch, for plain threads one through the kernel.
 * What bounds it:
 *
 *   M1  While it is free with WF_WAITED set, one waiter is on its way (is_waking): it was taken off
 *       the queue and has not looked yet. No other is woken meanwhile.
 *   M2  n_overtaken counts those who took it since the first in line could have. At
 *       WEFT_OVERTAKES_MAX nobody else may take it: who comes joins the queue, and an unlock gives
 *       it to the first in line itself. It is 0 again when one from the queue has it.
 *   M3  WF_WAITED is set while there is a queue or one is on its way.
 *
 * The one that is woken and was overtaken goes back to the front. One that is cancelled when it
 * looks takes the mutex if it is free: so a wake is not lost. */
#include "sync/mutex.h"

#include <weft/mutex.h>

WF_SYNC_LAYOUT(weft_mutex);
_Static_assert(_Alignof(struct wf_waiter) > WF_WAITED, "no room for a bit in a waiter's address");

static struct wf_sync *sync_of(weft_mutex *mutex) { return (struct wf_sync *)(void *)mutex; }

static struct wf_waiter *holder(uintptr_t word) { return (struct wf_waiter *)(word & ~WF_WAITED); }

bool wf_mutex_is_held(const struct wf_sync *s, const struct wf_waiter *self)
{
    return holder(wf_load_rlx(&s->word)) == self;
}

/* Only with a waiter on the queue, so that the holder can't let go of it: it is alive. */
static void describe(const struct wf_sync *s, struct wf_text *text)
{
    const struct wf_waiter *self = holder(wf_load_rlx(&s->word));
    wf_text_add(text, self != NULL ? ", held by" : ", free");
    if (self != NULL)
        wf_sync_name_waiter(self, text);
}

static const struct wf_sync_kind kind = { "mutex", describe };

/* ---- locking --------------------------------------------------------------------------------- */

static inline bool take_if_free(struct wf_sync *s, struct wf_waiter *self)
{
    uintptr_t nobody = 0;
    /* acquire [mutex]: what the last holder did. */
    return wf_cas_acq(&s->word, &nobody, (uintptr_t)self);
}

/* It is free and WF_WAITED is set. */
static bool take_waited_locked(struct wf_sync *s, struct wf_waiter *self, bool is_in_line)
{
    if (!is_in_line && s->line_up.n_overtaken == WEFT_OVERTAKES_MAX)
        return false;
    if (is_in_line)
        s->line_up.n_overtaken = 0;
    else
        s->line_up.n_overtaken++;
    uintptr_t waited = s->line_up.is_waking ? WF_WAITED : wf_sync_waited(s); /* M3 */
    wf_store_rlx(&s->word, (uintptr_t)self | waited);
    return true;
}

/* False: it is held, or not to be overtaken, and WF_WAITED is set. */
static bool take_or_mark_locked(struct wf_sync *s, struct wf_waiter *self, bool is_in_line)
{
    for (;;) {
        uintptr_t seen = wf_load_rlx(&s->word);
        if (seen == WF_WAITED)
            return take_waited_locked(s, self, is_in_line);
        if (seen == 0 && take_if_free(s, self))
            return true;
        if (seen != 0 && wf_sync_mark_locked(s, seen))
            return false;
    }
}

static WF_NOINLINE int lock_slow(struct wf_sync *s, struct wf_waiter *self, bool is_shielded)
{
    struct wf_sync_node node = { .waiter = self, .kind = &kind, .is_shielded = is_shielded };
    if (wf_mutex_is_held(s, self))
        return WEFT_EDEADLK;
    wf_sync_lock(s);
    while (!take_or_mark_locked(s, self, node.has_queued)) {
        int how = wf_sync_wait(s, &node);
        if (how == WF_SYNC_GRANTED)
            return 0;
        if (how == WF_SYNC_WOKEN)
            s->line_up.is_waking = false;
        if (how < 0) {
            if (!s->line_up.is_waking)
                wf_sync_unmark_locked(s);
            wf_sync_unlock(s);
            return how;
        }
    }
    wf_sync_unlock(s);
    return 0;
}

static WF_NOINLINE int lock_any_slow(weft_mutex *mutex)
{
    struct wf_waiter *self = wf_waiter_self();
    int rc = wf_sync_enter(mutex, self);
    if (rc < 0 || self == NULL) /* without a self rc says why */
        return rc;
    if (!take_if_free(sync_of(mutex), self))
        rc = lock_slow(sync_of(mutex), self, false);
    if (rc == 0)
        self->n_locks++;
    return rc;
}

/* Whatever is unusual goes the long way by a call in tail position: this one needs no frame. */
int weft_mutex_lock(weft_mutex *mutex)
{
    struct wf_waiter *self = wf_caller_known();
    if (WF_UNLIKELY(self == NULL || mutex == NULL || self->budget == 0 ||
                    wf_may_be_cancelled(self) || !take_if_free(sync_of(mutex), self)))
        return lock_any_slow(mutex);
    if (self->n_locks++ == 0)
        self->budget--;
    return 0;
}

void wf_mutex_relock(struct wf_sync *s, struct wf_waiter *self)
{
    if (!take_if_free(s, self))
        (void)lock_slow(s, self, true);
    self->n_locks++;
}

int weft_mutex_try_lock(weft_mutex *mutex)
{
    struct wf_sync *s = sync_of(mutex);
    struct wf_waiter *self = wf_caller();
    if (mutex == NULL)
        return WEFT_EINVAL;
    if (self == NULL)
        return wf_no_waiter();
    bool is_taken = take_if_free(s, self);
    if (!is_taken && wf_mutex_is_held(s, self))
        return WEFT_EDEADLK;
    if (!is_taken && wf_load_rlx(&s->word) == WF_WAITED) {
        wf_sync_lock(s);
        is_taken = wf_load_rlx(&s->word) == WF_WAITED && take_waited_locked(s, self, false);
        wf_sync_unlock(s);
    }
    if (is_taken)
        self->n_locks++;
    return is_taken ? 0 : WEFT_EAGAIN;
}

/* ---- unlocking ------------------------------------------------------------------------------- */

/* Free, or the next one's. The word is written last (Q3). */
static void let_go_locked(struct wf_sync *s, struct wf_sync_wakes *wakes)
{
    bool is_handed_over = s->line_up.n_overtaken == WEFT_OVERTAKES_MAX;
    uintptr_t word = s->line_up.is_waking ? WF_WAITED : 0;
    while (word == 0 && wf_sync_has_queue(s)) {
        struct wf_sync_node *node = wf_sync_first_locked(s);
        uint32_t how = is_handed_over ? WF_SYNC_GRANTED : WF_SYNC_WOKEN;
        if (!wf_sync_claim_locked(s, node, how, wakes))
            continue;
        word = is_handed_over ? (uintptr_t)node->waiter | wf_sync_waited(s) : WF_WAITED;
        s->line_up.is_waking = !is_handed_over;
    }
    if (!s->line_up.is_waking)
        s->line_up.n_overtaken = 0;
    /* release [mutex] */
    wf_store_rel(&s->word, word);
}

static WF_NOINLINE void unlock_slow(struct wf_sync *s, struct wf_waiter *self)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    if (s == NULL || !wf_mutex_is_held(s, self))
        wf_sync_misuse(s, "weft_mutex_unlock", "mutex", "is not held by the caller");
    wf_sync_lock(s);
    let_go_locked(s, &wakes);
    wf_sync_unlock(s);
    self->n_locks--;
    wf_sync_wake(&wakes);
}

/* Inlined into the public call, whose cost it is. */
static inline void release(struct wf_sync *s, struct wf_waiter *self)
{
    uintptr_t held = (uintptr_t)self;
    /* release [mutex]: what was done under it. */
    if (WF_UNLIKELY(s == NULL || !wf_cas_acq_rel(&s->word, &held, (uintptr_t)0)))
        unlock_slow(s, self);
    else
        self->n_locks--;
}

void wf_mutex_release(struct wf_sync *s, struct wf_waiter *self) { release(s, self); }

/* A thread that weft has not met, which holds none; or one of a forked child, where others may have
 * held what this needs. */
static WF_NOINLINE void unlock_unknown_slow(struct wf_sync *s)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self != NULL)
        release(s, self);
}

void weft_mutex_unlock(weft_mutex *mutex)
{
    struct wf_waiter *self = wf_caller_known();
    if (WF_LIKELY(self != NULL))
        release(sync_of(mutex), self);
    else
        unlock_unknown_slow(sync_of(mutex));
}

void weft_mutex_destroy(weft_mutex *mutex)
{
    wf_note_call();
    if (mutex != NULL && wf_load_acq(&sync_of(mutex)->word) != 0)
        wf_sync_misuse(sync_of(mutex), "weft_mutex_destroy", "mutex", "is held, or waited for");
}
