/* SPDX-License-Identifier: MIT
 * Once. Its word: 0, to be run; the address of the waiter that runs it; IS_DONE. Others wait while
 * it is run. When it fails with a queue, running it is handed to the first in line. */
#include "sync/queue.h"

#include <weft/once.h>

WF_SYNC_LAYOUT(weft_once);

#define IS_DONE ((uintptr_t)2)
_Static_assert(_Alignof(struct wf_waiter) > (WF_WAITED | IS_DONE), "no room in an address");

static struct wf_sync *sync_of(const weft_once *once) { return (struct wf_sync *)(uintptr_t)once; }

static struct wf_waiter *runner(uintptr_t word) { return (struct wf_waiter *)(word & ~WF_WAITED); }

static void describe(const struct wf_sync *s, struct wf_text *text)
{
    wf_text_add(text, ", run by");
    wf_sync_name_waiter(runner(wf_load_rlx(&s->word)), text);
}

static const struct wf_sync_kind kind = { "once", describe };

/* ---- running it ------------------------------------------------------------------------------ */

static WF_NOINLINE void end_run_slow(struct wf_sync *s, bool is_done)
{
    struct wf_sync_wakes wakes = { NULL, NULL };
    uintptr_t word = is_done ? IS_DONE : 0;
    wf_sync_lock(s);
    if (is_done)
        wf_sync_claim_all_locked(s, &wakes);
    while (!is_done && word == 0 && wf_sync_has_queue(s)) {
        struct wf_sync_node *node = wf_sync_first_locked(s);
        node->wants = wf_sync_claim_locked(s, node, WF_SYNC_GRANTED, &wakes);
        if (node->wants)
            word = (uintptr_t)node->waiter | wf_sync_waited(s);
    }
    /* release [once], and the last that is touched (Q3). */
    wf_store_rel(&s->word, word);
    wf_sync_unlock(s);
    wf_sync_wake(&wakes);
}

static int run(struct wf_sync *s, struct wf_waiter *self, int (*fn)(void *arg), void *arg)
{
    int rc = fn(arg);
    uintptr_t running = (uintptr_t)self;
    /* release [once]: what fn did. */
    if (!wf_cas_acq_rel(&s->word, &running, rc < 0 ? (uintptr_t)0 : IS_DONE))
        end_run_slow(s, rc >= 0);
    return WF_MIN(rc, 0);
}

/* ---- waiting for it -------------------------------------------------------------------------- */

enum turn { TURN_DONE, TURN_MINE, TURN_WAIT };

static enum turn turn_locked(struct wf_sync *s, struct wf_waiter *self)
{
    for (;;) {
        /* acquire [once] */
        uintptr_t seen = wf_load_acq(&s->word);
        if (seen == IS_DONE)
            return TURN_DONE;
        if (seen == 0 && wf_cas_acq(&s->word, &seen, (uintptr_t)self))
            return TURN_MINE;
        if (seen != 0 && seen != IS_DONE && wf_sync_mark_locked(s, seen))
            return TURN_WAIT;
    }
}

/* Whose turn it is, or an error. */
static int wait_for_turn(struct wf_sync *s, struct wf_waiter *self)
{
    struct wf_sync_node node = { .waiter = self, .kind = &kind };
    wf_sync_lock(s);
    enum turn turn;
    while ((turn = turn_locked(s, self)) == TURN_WAIT) {
        node.wants = false; /* that it is to run it: end_run_slow */
        int how = wf_sync_wait(s, &node);
        if (how == WF_SYNC_GRANTED)
            return node.wants ? TURN_MINE : TURN_DONE;
        if (how < 0) {
            wf_sync_unmark_locked(s);
            wf_sync_unlock(s);
            return how;
        }
    }
    wf_sync_unlock(s);
    return (int)turn;
}

int weft_once_run(weft_once *once, int (*fn)(void *arg), void *arg)
{
    struct wf_waiter *self = wf_caller();
    struct wf_sync *s = sync_of(once);
    int turn = wf_sync_enter(s, self);
    if (turn < 0)
        return turn;
    if (fn == NULL)
        return WEFT_EINVAL;
    /* acquire [once]: what fn did. */
    uintptr_t seen = wf_load_acq(&s->word);
    if (WF_LIKELY(seen == IS_DONE))
        return 0;
    if (runner(seen) == self)
        return WEFT_EDEADLK;
    turn = wait_for_turn(s, self);
    return turn == TURN_MINE ? run(s, self, fn, arg) : WF_MIN(turn, 0);
}

bool weft_once_is_done(const weft_once *once)
{
    return once != NULL && wf_load_acq(&sync_of(once)->word) == IS_DONE;
}

void weft_once_destroy(weft_once *once)
{
    wf_note_call();
    uintptr_t word = once != NULL ? wf_load_acq(&sync_of(once)->word) : 0;
    if (word != 0 && word != IS_DONE)
        wf_sync_misuse(sync_of(once), "weft_once_destroy", kind.noun, "is being run");
}
