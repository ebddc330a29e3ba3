/* SPDX-License-Identifier: MIT
 * The wait group. Its word is twice the number of things to be done; who waits does so while that
 * is not 0. */
#include "sync/queue.h"

#include <weft/wait_group.h>

WF_SYNC_LAYOUT(weft_wait_group);

#define ONE      ((uintptr_t)2)
#define MAX_LEFT ((uintptr_t)1 << 30)

static struct wf_sync *sync_of(weft_wait_group *group) { return (struct wf_sync *)(void *)group; }

static uintptr_t n_left(uintptr_t word) { return word / ONE; }

static void describe(const struct wf_sync *s, struct wf_text *text)
{
    wf_text_add(text, ", %llu left", (unsigned long long)n_left(wf_load_rlx(&s->word)));
}

static const struct wf_sync_kind kind = { "wait group", describe };

/* ---- counting -------------------------------------------------------------------------------- */

/* 0, or what is wrong with it. */
static const char *count(uintptr_t *word, bool is_done, uint32_t n)
{
    if (is_done && n_left(*word) == 0)
        return "has nothing to be done";
    if (!is_done && n_left(*word) + n >= MAX_LEFT)
        return "would have too much to be done";
    *word = is_done ? *word - ONE : *word + n * ONE;
    return NULL;
}

/* With WF_WAITED set. At 0 the word comes last (Q3): from then on newcomers do not wait. */
static void change_locked(struct wf_sync *s, uintptr_t word, struct wf_sync_wakes *wakes)
{
    if (n_left(word) == 0)
        wf_sync_claim_all_locked(s, wakes);
    /* release [wait-group] */
    wf_store_rel(&s->word, n_left(word) == 0 ? 0 : word);
}

static void change(struct wf_sync *s, const char *call, bool is_done, uint32_t n)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    bool is_locked = false;
    if (WF_UNLIKELY(s == NULL))
        wf_sync_misuse(s, call, kind.noun, "");
    uintptr_t seen = wf_load_rlx(&s->word);
    for (;;) {
        uintptr_t word = seen;
        const char *wrong = count(&word, is_done, n);
        if (WF_UNLIKELY(wrong != NULL))
            wf_sync_misuse(s, call, kind.noun, wrong);
        if ((seen & WF_WAITED) == 0) {
            /* release [wait-group]: what was done. */
            if (wf_cas_acq_rel(&s->word, &seen, word))
                break;
        } else if (is_locked) {
            change_locked(s, word, &wakes);
            break;
        } else {
            wf_sync_lock(s);
            is_locked = true;
            seen = wf_load_rlx(&s->word);
        }
    }
    if (is_locked)
        wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

void weft_wait_group_add(weft_wait_group *group, uint32_t n)
{
    wf_note_call();
    change(sync_of(group), "weft_wait_group_add", false, n);
}

void weft_wait_group_done(weft_wait_group *group)
{
    wf_note_call();
    change(sync_of(group), "weft_wait_group_done", true, 1);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* False: nothing is left. */
static bool mark_unless_done_locked(struct wf_sync *s)
{
    for (;;) {
        /* acquire [wait-group] */
        uintptr_t seen = wf_load_acq(&s->word);
        if (seen == 0)
            return false;
        if (wf_sync_mark_locked(s, seen))
            return true;
    }
}

static WF_NOINLINE int wait_slow(struct wf_sync *s, struct wf_waiter *self)
{
    return wf_sync_wait_with_all(s, self, &kind, mark_unless_done_locked);
}

int weft_wait_group_wait(weft_wait_group *group)
{
    struct wf_waiter *self = wf_caller();
    int rc = wf_sync_enter(group, self);
    if (WF_UNLIKELY(rc < 0))
        return rc;
    /* acquire [wait-group] */
    return wf_load_acq(&sync_of(group)->word) == 0 ? 0 : wait_slow(sync_of(group), self);
}

void weft_wait_group_destroy(weft_wait_group *group)
{
    wf_note_call();
    if (group != NULL && wf_load_acq(&sync_of(group)->word) != 0)
        wf_sync_misuse(sync_of(group), "weft_wait_group_destroy", kind.noun,
                       "has something left to be done");
}
