/* SPDX-License-Identifier: MIT
 * The condition. Its word is the address of the mutex that its waiters wait with, while there are
 * some.
 *
 * A waiter is on the queue before it unlocks the mutex, so a signal given with the mutex held finds
 * all who began to wait before. A signal that finds a waiter cancelled goes to the next (Q4).
 *
 * Rejected: a signal that moves its waiter to the mutex's queue instead of waking it. It saves a
 * switch when the signaller holds the mutex for long, at the price of two locks held at once and of
 * a mutex that knows conditions. */
#include "sync/mutex.h"

#include <weft/cond.h>

WF_SYNC_LAYOUT(weft_cond);

static struct wf_sync *sync_of(weft_cond *cond) { return (struct wf_sync *)(void *)cond; }

static void describe(const struct wf_sync *s, struct wf_text *text) { (void)s, (void)text; }

static const struct wf_sync_kind kind = { "condition", describe };

/* Its word while somebody waits with this mutex. */
static uintptr_t word_with(const weft_mutex *mutex) { return (uintptr_t)mutex | WF_WAITED; }

static void clear_unless_waited_locked(struct wf_sync *s)
{
    if (!wf_sync_has_queue(s))
        wf_store_rlx(&s->word, (uintptr_t)0);
}

int weft_cond_wait(weft_cond *cond, weft_mutex *mutex)
{
    struct wf_waiter *self = wf_caller();
    struct wf_sync *s = sync_of(cond), *m = (struct wf_sync *)(void *)mutex;
    int how = m != NULL ? wf_sync_enter(s, self) : WEFT_EINVAL;
    if (how < 0)
        return how;
    if (!wf_mutex_is_held(m, self))
        return WEFT_EINVAL;
    struct wf_sync_node node = { .waiter = self, .kind = &kind };
    wf_sync_lock(s);
    uintptr_t seen = wf_load_rlx(&s->word);
    if (seen != 0 && seen != word_with(mutex)) {
        wf_sync_unlock(s);
        return WEFT_EINVAL;
    }
    wf_store_rlx(&s->word, word_with(mutex));
    wf_sync_wait_begin(s, &node);
    wf_mutex_release(m, self); /* release [cond]: to who signals with the mutex held */
    how = wf_sync_wait_end(s, &node);
    if (how != WF_SYNC_GRANTED) {
        clear_unless_waited_locked(s);
        wf_sync_unlock(s);
    }
    wf_mutex_relock(m, self);
    return WF_MIN(how, 0); /* nothing happened: they test in a loop */
}

static void wake(struct wf_sync *s, const char *call, bool is_for_all)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    if (WF_UNLIKELY(s == NULL))
        wf_sync_misuse(s, call, kind.noun, "");
    /* acquire [cond] */
    if (wf_load_acq(&s->word) == 0)
        return;
    wf_sync_lock(s);
    while (wf_sync_has_queue(s))
        if (wf_sync_claim_locked(s, wf_sync_first_locked(s), WF_SYNC_GRANTED, &wakes) &&
            !is_for_all)
            break;
    clear_unless_waited_locked(s);
    wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

void weft_cond_signal(weft_cond *cond)
{
    wf_note_call();
    wake(sync_of(cond), "weft_cond_signal", false);
}

void weft_cond_broadcast(weft_cond *cond)
{
    wf_note_call();
    wake(sync_of(cond), "weft_cond_broadcast", true);
}

void weft_cond_destroy(weft_cond *cond)
{
    wf_note_call();
    if (cond != NULL && wf_load_acq(&sync_of(cond)->word) != 0)
        wf_sync_misuse(sync_of(cond), "weft_cond_destroy", kind.noun, "is waited for");
}
