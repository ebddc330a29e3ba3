/* SPDX-License-Identifier: MIT
 * The reports that need to know scopes and channels: the deadlock report, the classic trap of
 * counted halves, and what keeps a shutdown waiting. Lower layers notice, this file says it.
 *
 * The trap: a task waits to receive from a channel all of whose senders are held by one who, at
 * that moment, waits in weft_scope_wait for that very task, or for one that waits so for it. It
 * can't send or drop them before the task ends, so the task waits for ever (or until a cancel).
 * Looked for when the receiver parks, when an owner begins to wait, and when another sender goes:
 * whichever comes last sees the other two, for each is written down first [trap-dekker]. A sender
 * on its way into another task has no holder and is no reason for a report; one that was lent to a
 * thread of the program's own, and not used yet, can't be told from one that was kept, so nothing
 * is said while such a thread is elsewhere: it is looked for again when all of them wait. */
#include "chan/registry.h"
#include "plat/mem.h"
#include "plat/symbol.h"
#include "sched/worker.h"
#include "task/dump.h"
#include "task/scope.h"
#include "task/trap.h"

#include <string.h>

enum { WAITS_LOOKED_AT = 32 };

/* ---- the trap -------------------------------------------------------------------------------- */

/* Somebody else who is found is remembered, for the next look. */
static bool is_held_only_by(struct wf_chan *ch, uint64_t id)
{
    wf_list_each (link, &ch->tx_halves) {
        uint64_t holder_id = wf_load_rlx_raw(&WF_CONTAINER(link, struct wf_half, link)->holder_id);
        if (holder_id == id)
            continue;
        ch->a_holder_id = holder_id;
        return false;
    }
    return true;
}

/* seq [trap-dekker]: the cell of who waits, against is_owner_joining. */
static bool waits_to_receive(struct wf_waiter *waiter)
{
    uint32_t cell = wf_load_seq(&waiter->cell);
    return (cell == WF_WAITING || cell == WF_WAITING_SHIELDED) &&
           wf_load_rlx(&waiter->wait_kind) == WF_ON_RECV;
}

/* Who holds all the senders and waits for this receiver to end; NULL: nobody. Under the channel's
 * lock, with the receiver on its list: so it is alive, and with it, one after the other, the scopes
 * whose owners wait for it and those owners. Whether they wait may change at any time: who asks
 * twice may get two answers. */
static struct wf_waiter *trapper(struct wf_chan *ch, struct wf_waiter *receiver)
{
    struct wf_waiter *child = receiver;
    while (child->is_task) {
        struct wf_scope *home = wf_scope_of(wf_scope_lasting(wf_task_of(child)->home));
        if (!wf_load_seq(&home->is_owner_joining) || wf_scope_is_cancelled(home))
            return NULL;
        if (is_held_only_by(ch, home->owner->id))
            return home->owner;
        child = home->owner;
    }
    return NULL;
}

static bool may_be_trap(struct wf_chan *ch)
{
    return ch->n_senders > 0 && wf_ring_n_full(&ch->ring) == 0 && !ch->has_ended &&
           !ch->trap_reported;
}

static struct wf_waiter *suspect(struct wf_chan *ch, struct wf_waiter *receiver)
{
    return may_be_trap(ch) && waits_to_receive(receiver) ? trapper(ch, receiver) : NULL;
}

/* Does it own a scope that lasts until this one ends? */
static bool is_above(uint64_t id, const struct wf_waiter *child)
{
    while (child->is_task) {
        const struct weft_scope *home = wf_scope_lasting(((const struct wf_task *)child)->home);
        child = ((const struct wf_scope *)home->opaque_)->owner;
        if (child == NULL || child->id == id)
            return true;
    }
    return false;
}

/* Most channels have a sender that is held by one who has nothing to wait for here, whoever joins
 * whom: known from the last look, without another at all of them. Else the receiver's cell has to
 * be seen by an owner who is not seen joining. */
static bool suspects(struct wf_chan *ch, struct wf_waiter *receiver)
{
    if (WF_LIKELY(ch->a_holder_id != 0 && !is_above(ch->a_holder_id, receiver)))
        return false;
    wf_fence_seq(); /* [trap-dekker] */
    return suspect(ch, receiver) != NULL;
}

struct party {
    bool is_task;
    uint64_t id;
    char name[32];
};

struct trap {
    const void *chan; /* NULL: none. Looked up where it is used, never followed */
    struct party owner, receiver;
};

static void note(struct party *party, const struct wf_waiter *waiter)
{
    party->is_task = waiter->is_task;
    party->id = waiter->id;
    size_t size = strnlen(waiter->name, sizeof party->name - 1);
    memcpy(party->name, waiter->name, size);
    party->name[size] = '\0';
}

static void look(struct wf_chan *ch, void *arg)
{
    struct trap *trap = arg;
    wf_chan_lock(ch);
    wf_list_each (link, &ch->receivers) {
        struct wf_waiter *receiver = WF_CONTAINER(link, struct wf_node, link)->waiter;
        struct wf_waiter *owner = trap->chan == NULL ? suspect(ch, receiver) : NULL;
        if (owner == NULL)
            continue;
        note(&trap->owner, owner);
        note(&trap->receiver, receiver);
        trap->chan = ch;
    }
    wf_chan_unlock(ch);
}

static void look_and_mark(struct wf_chan *ch, void *arg)
{
    struct trap *trap = arg;
    look(ch, trap);
    wf_chan_lock(ch);
    if (ch->trap_reported)
        trap->chan = NULL; /* somebody else is about to say it */
    ch->trap_reported |= trap->chan != NULL;
    wf_chan_unlock(ch);
}

static void describe(struct wf_chan *ch, void *text) { wf_chan_describe(ch, text); }

static WF_COLD void say_trap(const struct trap *trap)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(
        &text,
        "weft: trap: task #%llu \"%s\" receives, and can get nothing: %s #%llu \"%s\" "
        "waits in weft_scope_wait for it to end and holds all the senders. Move them into a "
        "task, or drop them before waiting.\n  ",
        (unsigned long long)trap->receiver.id, trap->receiver.name,
        trap->owner.is_task ? "task" : "thread", (unsigned long long)trap->owner.id,
        trap->owner.name);
    (void)wf_chan_with(trap->chan, describe, &text);
    wf_text_add(&text, "\n");
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

/* Of a channel that was one a moment ago: who it was lent to, if anybody, existed then. */
static WF_NOINLINE void say_if_sure(const void *chan, bool is_caller_counted)
{
    struct trap trap = { .chan = NULL };
    wf_trap_is_pending(); /* first: a thread that begins to wait meanwhile looks for it then */
    if (!wf_is_thread_elsewhere(is_caller_counted) && wf_chan_with(chan, look_and_mark, &trap) &&
        trap.chan != NULL)
        say_trap(&trap);
}

static void report(struct wf_chan *ch)
{
    struct wf_waiter *self = wf_waiter_self();
    say_if_sure(ch, self != NULL && self->is_task);
}

/* Once all wait. Those that are said are found no more; one that can't be said ends it. */
static void report_pending_traps(void)
{
    const void *last = NULL;
    for (;;) {
        struct trap trap = { .chan = NULL };
        wf_chan_each(look, &trap);
        if (trap.chan == NULL || trap.chan == last)
            return;
        last = trap.chan;
        say_if_sure(trap.chan, true);
    }
}

struct waits {
    const void *chans[WAITS_LOOKED_AT];
    size_t n_chans, n_seen;
};

/* Those below the scope that receive, among the first few: the check is made at each join and has
 * to stay cheap. */
static void list_receiving(struct wf_scope *s, struct waits *waits)
{
    wf_lock_acquire(&s->lock);
    wf_list_each (link, &s->tasks) {
        struct wf_waiter *child = &WF_CONTAINER(link, struct wf_task, home_link)->waiter;
        if (waits->n_seen++ >= WAITS_LOOKED_AT)
            break;
        if (waits_to_receive(child))
            waits->chans[waits->n_chans++] = wf_load_rlx(&child->wait_object);
    }
    wf_list_each (link, &s->scopes) {
        if (waits->n_seen++ >= WAITS_LOOKED_AT)
            break;
        list_receiving(WF_CONTAINER(link, struct wf_scope, link), waits);
    }
    wf_lock_release(&s->lock);
}

WF_NOINLINE void wf_trap_check_scope(struct weft_scope *scope)
{
    struct waits waits = { .n_chans = 0, .n_seen = 0 };
    list_receiving(wf_scope_of(scope), &waits);
    struct wf_waiter *self = wf_waiter_self();
    for (size_t i = 0; i < waits.n_chans; i++) {
        struct trap trap = { .chan = NULL };
        if (wf_chan_with(waits.chans[i], look, &trap) && trap.chan != NULL)
            say_if_sure(trap.chan, self->is_task);
    }
}

/* ---- deadlock -------------------------------------------------------------------------------- */

static void cancel_root(struct weft_scope *root, void *reason)
{
    wf_scope_cancel(root, *(enum wf_cancel_reason *)reason);
}

static void cancel_roots(enum wf_cancel_reason reason) { wf_scope_each_root(cancel_root, &reason); }

static void report_deadlock(void)
{
    struct wf_text text;
    report_pending_traps();
    wf_text_init(&text);
    wf_text_add(&text, "weft: deadlock: every task and thread waits, and nothing is left that "
                       "could wake one. Cancelling with WEFT_EDEADLK.\n");
    wf_dump_text(&text);
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

static void cancel_deadlocked(void) { cancel_roots(WF_REASON_DEADLOCK); }

/* ---- the watchdog --------------------------------------------------------------------------- */

struct hog {
    const struct wf_waiter *task; /* an address: it is looked for, and followed only where found */
    int64_t d_ns;
    const void *last_call;
    struct wf_text text;
};

/* Its last wait is what the waiter has written down for dumps, and left there when it ended. What it
 * waited for may be gone, and is looked up, never followed. */
static void say_hog(struct hog *hog, struct wf_task *task)
{
    wf_text_add(&hog->text,
                "weft: watchdog: task #%llu \"%s\" (%s:%d), spawned at %s:%d, has held its worker "
                "for %.3f s without a call that lets others run. Its last wait: ",
                (unsigned long long)task->waiter.id, task->waiter.name, task->waiter.file,
                task->waiter.line, task->spawn_file, task->spawn_line, (double)hog->d_ns / 1e9);
    if (wf_load_rlx(&task->waiter.wait_kind) == WF_ON_NOTHING)
        wf_text_add(&hog->text, "none");
    else
        wf_dump_wait(&task->waiter, wf_clock_now(), &hog->text);
    hog->last_call = wf_load_rlx(&task->waiter.last_call);
}

/* Of the last call that it has made to weft. With no lock held (plat/symbol.h). */
static void say_last_call(struct hog *hog)
{
    struct wf_symbol place;
    wf_text_add(&hog->text, ". Its last call: ");
    if (hog->last_call == NULL) {
        wf_text_add(&hog->text, "none");
        return;
    }
    wf_symbol_of_return(hog->last_call, &place);
    if (place.function != NULL)
        wf_text_add(&hog->text, "in %s+%#zx, ", place.function, (size_t)place.in_function);
    if (place.module != NULL)
        wf_text_add(&hog->text, "at %s+%#zx", place.module, (size_t)place.in_module);
    else
        wf_text_add(&hog->text, "at %p", hog->last_call);
}

static void say_advice(struct hog *hog)
{
    wf_text_add(&hog->text,
                ". What blocks belongs into weft_blocking; a long loop calls weft_pause now and "
                "then. Others run on another worker meanwhile.\n");
}

/* With the scope's lock held the task can't go. */
static void look_for_hog(struct wf_scope *s, struct hog *hog)
{
    wf_lock_acquire(&s->lock);
    wf_list_each (link, &s->tasks) {
        struct wf_task *task = WF_CONTAINER(link, struct wf_task, home_link);
        if (&task->waiter == hog->task)
            say_hog(hog, task);
    }
    wf_list_each (link, &s->scopes)
        look_for_hog(WF_CONTAINER(link, struct wf_scope, link), hog);
    wf_lock_release(&s->lock);
}

static void look_for_hog_in(struct weft_scope *root, void *hog)
{
    look_for_hog(wf_scope_of(root), hog);
}

static void report_hog(const struct wf_waiter *task, int64_t d_ns)
{
    struct hog hog = { .task = task, .d_ns = d_ns };
    wf_text_init(&hog.text);
    wf_scope_each_root(look_for_hog_in, &hog);
    if (hog.text.size > 0) {
        say_last_call(&hog);
        say_advice(&hog);
        wf_report(hog.text.data, hog.text.size);
    }
    wf_text_free(&hog.text);
}

/* ---- a shutdown ------------------------------------------------------------------------------ */

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

/* ---- telling the layers below ---------------------------------------------------------------- */

/* Before main, since they are read without a lock. */
__attribute__((constructor)) static void install(void)
{
    wf_trap_hooks.suspects = suspects;
    wf_trap_hooks.report = report;
    wf_report_hooks(&(struct wf_report_hooks){
        .deadlock = report_deadlock,
        .cancel_deadlocked = cancel_deadlocked,
        .hog = report_hog,
        .traps = report_pending_traps,
        .stuck = report_stuck,
        .cancel_all = cancel_all,
    });
}
