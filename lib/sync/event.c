/* SPDX-License-Identifier: MIT
 * The event. Its word is IS_SET or 0; who waits does so while it is not set, so a set event has no
 * queue. */
#include "sync/queue.h"

#include <weft/event.h>

WF_SYNC_LAYOUT(weft_event);

#define IS_SET ((uintptr_t)2)

static struct wf_sync *sync_of(const weft_event *event)
{
    return (struct wf_sync *)(uintptr_t)event;
}

static void describe(const struct wf_sync *s, struct wf_text *text) { (void)s, (void)text; }

static const struct wf_sync_kind kind = { "event", describe };

/* False: it is set. */
static bool mark_unless_set_locked(struct wf_sync *s)
{
    for (;;) {
        /* acquire [event] */
        uintptr_t seen = wf_load_acq(&s->word);
        if (seen == IS_SET)
            return false;
        if (wf_sync_mark_locked(s, seen))
            return true;
    }
}

static WF_NOINLINE int wait_slow(struct wf_sync *s, struct wf_waiter *self)
{
    return wf_sync_wait_with_all(s, self, &kind, mark_unless_set_locked);
}

int weft_event_wait(weft_event *event)
{
    struct wf_waiter *self = wf_caller();
    int rc = wf_sync_enter(event, self);
    if (WF_UNLIKELY(rc < 0))
        return rc;
    /* acquire [event]: what was done before it was set. */
    return wf_load_acq(&sync_of(event)->word) == IS_SET ? 0 : wait_slow(sync_of(event), self);
}

static WF_NOINLINE void set_slow(struct wf_sync *s)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    wf_sync_lock(s);
    wf_sync_claim_all_locked(s, &wakes);
    /* release [event], and the last that is touched (Q3). */
    wf_store_rel(&s->word, IS_SET);
    wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

void weft_event_set(weft_event *event)
{
    wf_note_call();
    struct wf_sync *s = sync_of(event);
    if (WF_UNLIKELY(s == NULL))
        wf_sync_misuse(s, "weft_event_set", "event", "");
    uintptr_t seen = wf_load_rlx(&s->word);
    while ((seen & WF_WAITED) == 0)
        /* release [event]; also of who sets it a second time. */
        if (wf_cas_acq_rel(&s->word, &seen, IS_SET))
            return;
    set_slow(s);
}

void weft_event_reset(weft_event *event)
{
    wf_note_call();
    uintptr_t set = IS_SET;
    if (WF_UNLIKELY(event == NULL))
        wf_sync_misuse(NULL, "weft_event_reset", "event", "");
    (void)wf_cas_acq_rel(&sync_of(event)->word, &set, (uintptr_t)0);
}

bool weft_event_is_set(const weft_event *event)
{
    wf_note_call();
    return event != NULL && wf_load_acq(&sync_of(event)->word) == IS_SET;
}

void weft_event_destroy(weft_event *event)
{
    wf_note_call();
    if (event != NULL && (wf_load_acq(&sync_of(event)->word) & WF_WAITED) != 0)
        wf_sync_misuse(sync_of(event), "weft_event_destroy", "event", "is waited for");
}
