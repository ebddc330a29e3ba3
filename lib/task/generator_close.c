/* SPDX-License-Identifier: MIT
 * The end of a generator: closing it, waiting for its teardown, leaving the tree of scopes.
 *
 * Three may close at once: the receiver's holder, the scope that is left, and the body by ending.
 * The first two wait for the third, or for whoever took a generator that never started (G3). */
#include "task/generator.h"

#include "base/panic.h"
#include "plat/mem.h"
#include "sched/locals.h"
#include "sched/worker.h"

#include <weft/cleanup.h>

/* ---- ending --------------------------------------------------------------------------------- */

void wf_generator_free(struct wf_generator *g)
{
    weft_half_drop(&g->items);
    weft_half_drop(&g->tx);
    wf_locals_unref(g->locals);
    wf_free(g);
}

void wf_generator_unref(struct wf_generator *g)
{
    wf_chan_lock(g->chan);
    bool is_last = --g->refs == 0;
    wf_lock_release(&g->chan->lock);
    if (is_last)
        wf_generator_free(g);
}

void wf_generator_drop_args(struct wf_generator *g)
{
    if (g->what->drop != NULL)
        g->what->drop(g->args);
}

/* Out of the tree. True: the reference of the parent's list is the caller's now. */
static bool leave_tree(struct wf_generator *g)
{
    wf_scope_fini(&g->scope);
    if (g->parent == NULL)
        return false;
    struct wf_scope *parent = wf_scope_of(g->parent);
    wf_lock_acquire(&parent->lock);
    bool was_linked = wf_link_is_linked(&g->scope_link);
    wf_list_remove(&g->scope_link);
    wf_lock_release(&parent->lock);
    /* From here the parent may be gone (G4). */
    return was_linked;
}

struct closer {
    struct wf_link link;
    struct wf_waiter *waiter;
};

static int result_of_close(struct wf_generator *g, int rc)
{
    bool was_cancelled = wf_scope_is_cancelled(wf_scope_of(&g->scope));
    if (!g->is_closing || rc >= 0 || rc == WEFT_ECLOSED || (rc == WEFT_ECANCELED && was_cancelled))
        return 0;
    return rc;
}

static void set_done(struct wf_generator *g, int rc)
{
    struct wf_list woken;
    struct wf_link *link;
    wf_list_init(&woken);
    wf_chan_lock(g->chan);
    g->state = WF_GENERATOR_DONE;
    g->task = NULL;
    g->result = result_of_close(g, rc);
    while ((link = wf_list_pop_front(&g->closers)) != NULL)
        if (wf_wait_claim(WF_CONTAINER(link, struct closer, link)->waiter, WF_CLAIM_FIRST))
            wf_list_push_back(&woken, link);
    wf_chan_unlock(g->chan);
    while ((link = wf_list_pop_front(&woken)) != NULL)
        wf_wait_wake(WF_CONTAINER(link, struct closer, link)->waiter, WF_WAKE_NEXT);
}

void wf_generator_done(struct wf_generator *g, int rc)
{
    bool is_user = g->parent == NULL;
    bool has_list_ref = leave_tree(g);
    set_done(g, rc);
    (void)wf_chan_end(g->chan, rc, false); /* a close has ended it already */
    if (has_list_ref)
        wf_generator_unref(g);
    if (is_user)
        wf_runtime_leave();
}

/* ---- closing -------------------------------------------------------------------------------- */

/* Not on the stack: a task's is small. Without memory nothing is said. */
WF_COLD void wf_generator_report(struct wf_generator *g, const char *what)
{
    struct wf_text *text = wf_alloc(1, sizeof *text);
    if (text == NULL)
        return;
    wf_text_init(text);
    wf_text_add(text, "weft: %s \"%s\" (%s:%d, opened near %p) %s\n",
                g->lease != NULL ? "manager" : "generator", g->name, g->what->file, g->what->line,
                g->caller, what);
    wf_report(text->data, text->size);
    wf_text_free(text);
    wf_free(text);
}

/* Returns its result. The body itself can't wait for its own end. */
static int await_done(struct wf_generator *g)
{
    struct wf_waiter *self = wf_waiter_self();
    int64_t limit_ns = wf_clock_after(wf_rt.config.teardown_budget_ns);
    int rc = 0;
    wf_chan_lock(g->chan);
    while (g->state != WF_GENERATOR_DONE && rc == 0) {
        if (g->task != NULL && &g->task->waiter == self) {
            rc = WEFT_EDEADLK;
            break;
        }
        struct closer closer = { .waiter = self };
        wf_wait_begin_shielded(self, WF_ON_TEARDOWN, g->chan);
        wf_list_push_back(&g->closers, &closer.link);
        wf_chan_unlock(g->chan);
        uint32_t claim = wf_wait_park(self, limit_ns);
        if (claim == WF_CLAIM_TIMEOUT) {
            wf_generator_report(g, "is past its teardown budget; its close goes on waiting");
            limit_ns = WF_NEVER;
        }
        wf_chan_lock(g->chan);
        if (claim != WF_CLAIM_FIRST)
            wf_list_remove(&closer.link);
    }
    if (rc == 0)
        rc = g->result;
    wf_chan_unlock(g->chan);
    return rc;
}

/* A body in a yield is told there, and what is left of it runs shielded. NULL: it was cancelled
 * already, and unwinds. */
static struct wf_waiter *claim_parked_locked(struct wf_generator *g)
{
    if (!wf_wait_claim(&g->task->waiter, WF_CLAIM_CLOSED))
        return NULL;
    g->state = WF_GENERATOR_RUNNING;
    return &g->task->waiter;
}

/* Between the claim and the wake, so that the parent is still there; without the channel's lock,
 * which comes after a scope's (scope.h, S5). */
static void shield_rest(struct wf_generator *g)
{
    if (g->parent == NULL)
        return;
    struct wf_scope *parent = wf_scope_of(g->parent);
    wf_lock_acquire(&parent->lock);
    wf_scope_of(&g->scope)->is_shielded = true;
    wf_lock_release(&parent->lock);
}

/* What nobody will receive is dropped; who waits for more finds the end. */
static void end_items(struct wf_generator *g, int code, bool is_first)
{
    (void)wf_chan_end(g->chan, code, true);
    if (is_first)
        wf_chan_close_half(g->chan, &g->items->half);
}

int wf_generator_close(struct wf_generator *g, int code)
{
    struct wf_waiter *woken = NULL;
    bool must_end = false, must_cancel = false;
    wf_chan_lock(g->chan);
    wf_generator_settle_locked(g);
    bool is_first_half = !g->is_half_closed;
    g->is_half_closed = true;
    if (!g->is_closing && g->state != WF_GENERATOR_DONE) {
        g->is_closing = true;
        g->close_code = code;
        must_end = g->state == WF_GENERATOR_NEW;
        if (must_end)
            g->state = WF_GENERATOR_STARTING;
        else if (g->state != WF_GENERATOR_PARKED)
            must_cancel = g->was_busy_at_close = true;
        else
            woken = claim_parked_locked(g);
    }
    wf_chan_unlock(g->chan);
    end_items(g, code, is_first_half);
    if (woken != NULL) {
        shield_rest(g);
        wf_wait_wake(woken, WF_WAKE_NEXT);
    }
    if (must_cancel)
        wf_scope_cancel(&g->scope, WF_REASON_LEFT);
    if (must_end) {
        wf_generator_drop_args(g);
        wf_generator_done(g, 0);
    }
    return await_done(g);
}

void wf_scope_close_generators(struct weft_scope *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    for (;;) {
        wf_lock_acquire(&s->lock);
        struct wf_link *link = wf_list_is_empty(&s->generators) ? NULL : s->generators.head.prev;
        if (link != NULL)
            wf_list_remove(link);
        wf_lock_release(&s->lock);
        if (link == NULL)
            return;
        /* The list's reference is ours now (G5). */
        struct wf_generator *g = WF_CONTAINER(link, struct wf_generator, scope_link);
        (void)wf_generator_close(g, WEFT_ECANCELED);
        wf_generator_unref(g);
    }
}
