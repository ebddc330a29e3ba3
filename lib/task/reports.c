/* SPDX-License-Identifier: MIT
 * The reports that need to know scopes and channels: the deadlock report, the classic trap of
 * counted halves, and what keeps a shutdown waiting. Lower layers notice, this file says it.
 *
 * The trap: a task waits to receive from a channel all of whose senders are held by one who, at
 * that moment, waits in weft_scope_wait for that very task. It can't send or drop them before the
 * task ends, so the task waits for ever (or until a cancel). Looked for in both orders: when the
 * receiver parks (suspects and report), and when the owner begins to wait (wf_trap_check_scope).
 * A sender on its way into another task has no holder and is no reason for a report. */
#include "chan/registry.h"
#include "sched/worker.h"
#include "task/dump.h"
#include "task/scope.h"
#include "task/trap.h"

enum { CHILDREN_LOOKED_AT = 16 };

/* ---- the trap ------------------------------------------------------------------------------------- */

static bool is_held_only_by(struct wf_chan *ch, uint64_t id)
{
    if (ch->n_senders == 0 || ch->ring.n_full > 0 || ch->has_ended || ch->trap_reported)
        return false;
    wf_list_each (link, &ch->tx_halves)
        if (WF_CONTAINER(link, struct wf_half, link)->holder_id != id)
            return false;
    return true;
}

/* The scope's owner can't have left: the receiver is one of the children it waits for. */
static bool suspects(struct wf_chan *ch, const struct wf_waiter *receiver)
{
    if (!receiver->is_task || wf_load_rlx(receiver->cancel) != 0)
        return false;
    const struct wf_task *task = (const struct wf_task *)(const void *)receiver;
    struct wf_scope *home = wf_scope_of(task->home);
    return home->owner != NULL && wf_load_rlx(&home->is_owner_joining) &&
           is_held_only_by(ch, home->owner->id);
}

struct trap {
    uint64_t owner_id;
    bool is_one;
};

static void confirm(struct wf_chan *ch, void *arg)
{
    struct trap *trap = arg;
    wf_chan_lock(ch);
    trap->is_one = is_held_only_by(ch, trap->owner_id) && !wf_list_is_empty(&ch->receivers);
    ch->trap_reported |= trap->is_one;
    wf_chan_unlock(ch);
}

static void describe(struct wf_chan *ch, void *text) { wf_chan_describe(ch, text); }

static void report_trap(const void *chan, const struct wf_waiter *owner, uint64_t receiver_id,
                        const char *receiver_name)
{
    struct trap trap = { .owner_id = owner->id };
    if (!wf_chan_with(chan, confirm, &trap) || !trap.is_one)
        return;
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text,
                "weft: trap: task #%llu \"%s\" receives, and can get nothing: %s #%llu \"%s\" waits "
                "in weft_scope_wait for it to end and holds all the senders. Move them into a "
                "task, or drop them before waiting.\n  ",
                (unsigned long long)receiver_id, receiver_name, owner->is_task ? "task" : "thread",
                (unsigned long long)owner->id, owner->name);
    (void)wf_chan_with(chan, describe, &text);
    wf_text_add(&text, "\n");
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

static void report(struct wf_chan *ch, const struct wf_waiter *receiver)
{
    const struct wf_task *task = (const struct wf_task *)(const void *)receiver;
    report_trap(ch, wf_scope_of(task->home)->owner, receiver->id, receiver->name);
}

struct receiving {
    const void *chan;
    uint64_t id;
    const char *name;
};

/* Among the first max children: the check is made at each join and has to stay cheap. */
static size_t list_receiving(struct wf_scope *s, struct receiving *out, size_t max)
{
    size_t n = 0, n_seen = 0;
    wf_lock_acquire(&s->lock);
    wf_list_each (link, &s->tasks) {
        struct wf_waiter *child = &WF_CONTAINER(link, struct wf_task, home_link)->waiter;
        if (n_seen++ == max)
            break;
        if (wf_load_rlx(&child->wait_kind) == WF_ON_RECV)
            out[n++] = (struct receiving){ wf_load_rlx(&child->wait_object), child->id,
                                           child->name };
    }
    wf_lock_release(&s->lock);
    return n;
}

WF_NOINLINE void wf_trap_check_scope(struct weft_scope *scope, const struct wf_waiter *owner)
{
    struct receiving children[CHILDREN_LOOKED_AT];
    size_t n = list_receiving(wf_scope_of(scope), children, CHILDREN_LOOKED_AT);
    for (size_t i = 0; i < n; i++)
        report_trap(children[i].chan, owner, children[i].id, children[i].name);
}

/* ---- deadlock --------------------------------------------------------------------------------------- */

static void cancel_root(struct weft_scope *root, void *reason)
{
    wf_scope_cancel(root, *(enum wf_cancel_reason *)reason);
}

static void cancel_roots(enum wf_cancel_reason reason) { wf_scope_each_root(cancel_root, &reason); }

/* A plain thread that waits outside every scope hears of it from its own call. */
static void wake_bare_threads(void)
{
    wf_lock_acquire(&wf_rt.lock);
    wf_list_each (link, &wf_rt.threads) {
        struct wf_waiter *thread = WF_CONTAINER(link, struct wf_waiter, thread_link);
        if (thread->scope == NULL && wf_wait_claim(thread, WF_CLAIM_DEADLOCK))
            wf_wait_wake(thread, WF_WAKE_LAST);
    }
    wf_lock_release(&wf_rt.lock);
}

static void add_bare_threads(struct wf_text *text)
{
    wf_lock_acquire(&wf_rt.lock);
    wf_list_each (link, &wf_rt.threads) {
        struct wf_waiter *thread = WF_CONTAINER(link, struct wf_waiter, thread_link);
        if (thread->scope != NULL)
            continue;
        wf_text_add(text, "thread #%llu ", (unsigned long long)thread->id);
        wf_dump_wait(thread, wf_clock_now(), text);
        wf_text_add(text, "\n");
    }
    wf_lock_release(&wf_rt.lock);
}

static void report_deadlock(void)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text, "weft: deadlock: every task and thread waits, and nothing is left that could "
                       "wake one. Cancelling with WEFT_EDEADLK.\n");
    wf_dump_text(&text);
    add_bare_threads(&text);
    wf_report(text.data, text.size);
    wf_text_free(&text);
    cancel_roots(WF_REASON_DEADLOCK);
    wake_bare_threads();
}

/* ---- a shutdown ------------------------------------------------------------------------------------- */

static void cancel_all(void) { cancel_roots(WF_REASON_ASKED); }

static void report_stuck(void)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text, "weft: weft_shutdown gave up waiting for: ");
    wf_dump_text(&text);
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

void wf_reports_install(void)
{
    wf_trap_hooks.suspects = suspects;
    wf_trap_hooks.report = report;
    wf_report_hooks(report_deadlock, report_stuck, cancel_all);
}
