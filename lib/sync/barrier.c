/* SPDX-License-Identifier: MIT
 * The barrier: all under the lock. Its word is twice the number of those who have come, each of
 * which has a node on the queue, and WF_WAITED with the first. */
#include "sync/queue.h"

#include <weft/barrier.h>

WF_SYNC_LAYOUT(weft_barrier);

static struct wf_sync *sync_of(weft_barrier *barrier) { return (struct wf_sync *)(void *)barrier; }

static void describe(const struct wf_sync *s, struct wf_text *text)
{
    wf_text_add(text, ", %llu of %u have come", (unsigned long long)(wf_load_rlx(&s->word) / 2),
                s->limit);
}

static const struct wf_sync_kind kind = { "barrier", describe };

static void set_come_locked(struct wf_sync *s, uintptr_t n)
{
    wf_store_rel(&s->word, n > 0 ? n * 2 | WF_WAITED : 0);
}

/* The round is over for all who have come, for one too that was cancelled and has not left yet: it
 * was counted. */
static void end_round(struct wf_sync *s)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    wf_sync_claim_all_locked(s, &wakes);
    set_come_locked(s, 0); /* Q3 */
    wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

int weft_barrier_wait(weft_barrier *barrier)
{
    struct wf_waiter *self = wf_caller();
    struct wf_sync *s = sync_of(barrier);
    int how = wf_sync_enter(s, self);
    if (how < 0)
        return how;
    if (s->limit == 0)
        return WEFT_EINVAL;
    struct wf_sync_node node = { .waiter = self, .kind = &kind };
    wf_sync_lock(s);
    do {
        uintptr_t n_come = wf_load_rlx(&s->word) / 2;
        if (n_come + 1 >= s->limit) {
            end_round(s);
            return 1;
        }
        set_come_locked(s, n_come + 1);
        how = wf_sync_wait(s, &node);
        if (how == WF_SYNC_GRANTED)
            return 0;
        set_come_locked(s, wf_load_rlx(&s->word) / 2 - 1);
    } while (how >= 0);
    wf_sync_unlock(s);
    return how;
}

void weft_barrier_destroy(weft_barrier *barrier)
{
    wf_note_call();
    if (barrier != NULL && wf_load_acq(&sync_of(barrier)->word) != 0)
        wf_sync_misuse(sync_of(barrier), "weft_barrier_destroy", kind.noun, "is waited for");
}
