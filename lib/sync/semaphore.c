/* SPDX-License-Identifier: MIT
 * The semaphore. Its word is twice the number of free permits.
 *
 *   A waiter's node says how many it wants. While there is a queue its first in line wants more
 *   than there are: looked at after each release, and when a waiter has left without a grant,
 *   since the next may want fewer. Whoever comes then goes to the end, however few it wants. */
#include "sync/queue.h"

#include <weft/semaphore.h>

WF_SYNC_LAYOUT(weft_semaphore);

static struct wf_sync *sync_of(const weft_semaphore *semaphore)
{
    return (struct wf_sync *)(uintptr_t)semaphore;
}

static uintptr_t n_free(uintptr_t word) { return word / 2; }

static void describe(const struct wf_sync *s, struct wf_text *text)
{
    wf_text_add(text, ", %llu free", (unsigned long long)n_free(wf_load_rlx(&s->word)));
    wf_text_add(text, ", the first in line wants %u", wf_sync_first_locked(s)->wants);
}

static const struct wf_sync_kind kind = { "semaphore", describe };

static uint32_t limit_of(const struct wf_sync *s)
{
    return s->limit != 0 ? s->limit : WEFT_PERMITS_MAX;
}

/* ---- acquiring ------------------------------------------------------------------------------- */

static bool take_unless_waited(struct wf_sync *s, uint32_t n)
{
    uintptr_t seen = wf_load_rlx(&s->word);
    while ((seen & WF_WAITED) == 0 && n_free(seen) >= n)
        /* acquire [permits]: what those did who released them. */
        if (wf_cas_acq(&s->word, &seen, seen - (uintptr_t)n * 2))
            return true;
    return false;
}

static void grant_locked(struct wf_sync *s, struct wf_sync_wakes *wakes)
{
    uintptr_t n = n_free(wf_load_rlx(&s->word));
    while (wf_sync_has_queue(s) && wf_sync_first_locked(s)->wants <= n) {
        struct wf_sync_node *node = wf_sync_first_locked(s);
        if (wf_sync_claim_locked(s, node, WF_SYNC_GRANTED, wakes))
            n -= node->wants;
    }
    /* release [permits] */
    wf_store_rel(&s->word, n * 2 | wf_sync_waited(s));
}

/* False: it has to wait, and WF_WAITED is set. */
static bool take_or_mark_locked(struct wf_sync *s, uint32_t n, bool is_first)
{
    for (;;) {
        uintptr_t seen = wf_load_rlx(&s->word);
        if ((seen & WF_WAITED) == 0 && n_free(seen) >= n) {
            if (take_unless_waited(s, n))
                return true;
        } else if ((seen & WF_WAITED) != 0 && is_first && n_free(seen) >= n) {
            wf_store_rlx(&s->word, (n_free(seen) - n) * 2 | wf_sync_waited(s));
            return true;
        } else if (wf_sync_mark_locked(s, seen)) {
            return false;
        }
    }
}

static WF_NOINLINE int acquire_slow(struct wf_sync *s, struct wf_waiter *self, uint32_t n)
{
    struct wf_sync_node node = { .waiter = self, .kind = &kind, .wants = n };
    wf_sync_lock(s);
    while (!take_or_mark_locked(s, n, node.has_queued)) {
        int how = wf_sync_wait(s, &node);
        if (how == WF_SYNC_GRANTED)
            return 0;
        if (how < 0) {
            struct wf_sync_wakes wakes = { NULL, NULL };
            if ((wf_load_rlx(&s->word) & WF_WAITED) != 0)
                grant_locked(s, &wakes); /* Q5 */
            wf_sync_unlock(s);
            wf_sync_wake(&wakes);
            return how;
        }
    }
    wf_sync_unlock(s);
    return 0;
}

int weft_semaphore_acquire(weft_semaphore *semaphore, uint32_t n)
{
    struct wf_waiter *self = wf_caller();
    struct wf_sync *s = sync_of(semaphore);
    int rc = wf_sync_enter(s, self);
    if (WF_UNLIKELY(rc < 0))
        return rc;
    if (WF_UNLIKELY(n == 0 || n > limit_of(s)))
        return WEFT_EINVAL;
    return WF_LIKELY(take_unless_waited(s, n)) ? 0 : acquire_slow(s, self, n);
}

int weft_semaphore_try_acquire(weft_semaphore *semaphore, uint32_t n)
{
    wf_note_call();
    struct wf_sync *s = sync_of(semaphore);
    if (s == NULL || n == 0 || n > limit_of(s))
        return WEFT_EINVAL;
    return take_unless_waited(s, n) ? 0 : WEFT_EAGAIN;
}

/* ---- releasing ------------------------------------------------------------------------------- */

static void must_have_room(const struct wf_sync *s, uintptr_t word, uint32_t n)
{
    if (WF_UNLIKELY(n > limit_of(s) || n_free(word) > limit_of(s) - n))
        wf_sync_misuse(s, "weft_semaphore_release", "semaphore",
                       "has been given more permits than it may have");
}

static WF_NOINLINE void release_slow(struct wf_sync *s, uint32_t n)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    wf_sync_lock(s);
    uintptr_t seen = wf_load_rlx(&s->word);
    must_have_room(s, seen, n);
    while ((seen & WF_WAITED) == 0) /* the last has left meanwhile */
        if (wf_cas_acq_rel(&s->word, &seen, seen + (uintptr_t)n * 2))
            goto out;
    wf_store_rlx(&s->word, seen + (uintptr_t)n * 2);
    grant_locked(s, &wakes);
out:
    wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

void weft_semaphore_release(weft_semaphore *semaphore, uint32_t n)
{
    wf_note_call();
    struct wf_sync *s = sync_of(semaphore);
    if (WF_UNLIKELY(s == NULL))
        wf_sync_misuse(s, "weft_semaphore_release", "semaphore", "");
    uintptr_t seen = wf_load_rlx(&s->word);
    while ((seen & WF_WAITED) == 0) {
        must_have_room(s, seen, n);
        /* release [permits]: what was done with them. */
        if (wf_cas_acq_rel(&s->word, &seen, seen + (uintptr_t)n * 2))
            return;
    }
    release_slow(s, n);
}

uint32_t weft_semaphore_free(const weft_semaphore *semaphore)
{
    wf_note_call();
    return semaphore != NULL ? (uint32_t)n_free(wf_load_acq(&sync_of(semaphore)->word)) : 0;
}

void weft_semaphore_destroy(weft_semaphore *semaphore)
{
    wf_note_call();
    if (semaphore != NULL && (wf_load_acq(&sync_of(semaphore)->word) & WF_WAITED) != 0)
        wf_sync_misuse(sync_of(semaphore), "weft_semaphore_destroy", "semaphore", "is waited for");
}
