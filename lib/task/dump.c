/* SPDX-License-Identifier: MIT
 * weft_dump: who there is, and what each waits for.
 *
 *   weft: 2 workers, 3 tasks
 *   scope "weft_run" (weft_run:0) of thread #1, which waits for its children, 1.250 s
 *     task #2 "main" (main.c:30), spawned at weft_run:0: waits for its children, 1.249 s
 *       scope "pool" (main.c:21)
 *         task #3 "worker" (main.c:12), spawned at main.c:25: receives from channel "jobs" ...
 *   thread #1: waits for its children, 1.250 s
 *   channel "jobs" (main.c:22) 0/64, 1 sender (made at main.c:22, held by task #2 "main"), ...
 *
 * The tree of scopes is walked with the parent's lock held while a child's is taken (scope.h, S3),
 * so what is printed of a task can't vanish. What a task waits for is an address that was written
 * down when it parked and may be stale by now: it is looked up, never followed. */
#include "task/dump.h"

#include "chan/registry.h"
#include "plat/sys.h"
#include "sched/worker.h"
#include "sync/queue.h"
#include "task/generator.h"
#include "task/ledger.h"
#include "task/scope.h"

#include <weft/runtime.h>

enum { INDENT_MAX = 40 };

static const char *const what_it_does[WF_N_WAIT_KINDS] = {
    [WF_ON_SEND] = "sends to",
    [WF_ON_RECV] = "receives from",
    [WF_ON_RESERVE] = "reserves a place in",
    [WF_ON_SELECT] = "selects, among others from",
    [WF_ON_SLEEP] = "sleeps",
    [WF_ON_CHILDREN] = "waits for its children",
    [WF_ON_DEMAND] = "has yielded to",
    [WF_ON_TEARDOWN] = "waits for the teardown behind",
    [WF_ON_BLOCKING] = "waits for a blocking call",
    [WF_ON_NATIVE] = "waits for a blocking call",
    [WF_ON_FD] = "waits for fd",
    [WF_ON_PAUSE] = "pauses",
    [WF_ON_SYNC] = "waits for",
    [WF_ON_JOIN] = "joins a task",
    [WF_ON_READY] = "waits until a task says that it is ready",
    [WF_ON_SPAWN] = "waits for room in a scope with a limit",
};

struct dump {
    struct wf_text *text;
    int64_t now_ns;
    int depth;
};

static void indent(struct dump *d)
{
    wf_text_add(d->text, "%*s", WF_MIN(2 * d->depth, INDENT_MAX), "");
}

static void name_chan(struct wf_chan *ch, void *arg)
{
    wf_text_add(arg, " channel \"%s\" (%s:%d)", ch->name != NULL ? ch->name : "",
                ch->file != NULL ? ch->file : "?", ch->line);
}

static void add_object(enum wf_wait_kind kind, const void *object, struct wf_text *text)
{
    switch (kind) {
    case WF_ON_SEND:
    case WF_ON_RECV:
    case WF_ON_RESERVE:
    case WF_ON_SELECT:
    case WF_ON_DEMAND:
    case WF_ON_TEARDOWN:
        if (!wf_chan_with(object, name_chan, text))
            wf_text_add(text, " a channel");
        break;
    case WF_ON_SYNC:
        if (!wf_sync_describe(object, text))
            wf_text_add(text, " a lock or the like");
        break;
    case WF_ON_FD: wf_text_add(text, " %d", (int)(intptr_t)object); break;
    default: break;
    }
}

/* ": receives from channel "jobs" (main.c:22), 1.250 s" */
void wf_dump_wait(struct wf_waiter *waiter, int64_t now_ns, struct wf_text *text)
{
    enum wf_wait_kind kind = wf_load_rlx(&waiter->wait_kind);
    if (kind == WF_ON_NOTHING || what_it_does[kind] == NULL)
        return;
    wf_text_add(text, "%s", what_it_does[kind]);
    add_object(kind, wf_load_rlx(&waiter->wait_object), text);
    int64_t since_ns = wf_load_rlx(&waiter->wait_since_ns);
    if (since_ns > 0)
        wf_text_add(text, ", %.3f s", (double)WF_MAX(now_ns - since_ns, 0) / 1e9);
}

/* A blocking call waits by the cell only once its worker was lent (blocking/handoff.h). */
static bool is_waiting(struct wf_waiter *waiter)
{
    uint32_t cell = wf_load_rlx(&waiter->cell); /* claimed: it is about to run */
    return cell == WF_WAITING || cell == WF_WAITING_SHIELDED ||
           wf_load_rlx(&waiter->wait_kind) == WF_ON_NATIVE;
}

static void dump_task(struct dump *d, struct wf_task *task)
{
    indent(d);
    wf_text_add(d->text, "task #%llu \"%s\" (%s:%d), spawned at %s:%d: ",
                (unsigned long long)task->waiter.id, task->waiter.name, task->waiter.file,
                task->waiter.line, task->spawn_file, task->spawn_line);
    wf_generator_settle_task(task);
    if (is_waiting(&task->waiter))
        wf_dump_wait(&task->waiter, d->now_ns, d->text);
    else
        wf_text_add(d->text, wf_load_rlx(&task->has_started) ? "runs or is ready" : "not started");
    wf_text_add(d->text, "\n");
}

static void dump_owner(struct dump *d, struct wf_waiter *owner)
{
    if (owner == NULL || owner->is_task)
        return;
    wf_text_add(d->text, " of thread #%llu", (unsigned long long)owner->id);
    if (!is_waiting(owner))
        return;
    wf_text_add(d->text, ", which ");
    wf_dump_wait(owner, d->now_ns, d->text);
}

/* Recurses to the depth of the nesting. */
static void dump_scope(struct dump *d, struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    indent(d);
    wf_text_add(d->text, "scope \"%s\" (%s:%d)", s->name, s->file, s->line);
    dump_owner(d, s->owner);
    if (wf_scope_is_cancelled(s))
        wf_text_add(d->text, ", cancelled");
    wf_text_add(d->text, "\n");
    d->depth++;
    wf_list_each (link, &s->tasks)
        dump_task(d, WF_CONTAINER(link, struct wf_task, home_link));
    wf_list_each (link, &s->scopes)
        dump_scope(d, WF_CONTAINER(link, struct wf_scope, link));
    d->depth--;
    wf_lock_release(&s->lock);
}

static void dump_root(struct weft_scope *root, void *arg)
{
    struct wf_scope *s = wf_scope_of(root);
    if (s->parent == NULL)
        dump_scope(arg, s);
}

static void dump_chan(struct wf_chan *ch, void *arg)
{
    wf_chan_describe(ch, arg);
    wf_text_add(arg, "\n");
}

/* Under rt.lock: it keeps the workers' counters, and the threads' records. */
static void dump_counts(struct dump *d)
{
    wf_lock_acquire(&wf_rt.lock);
    wf_text_add(d->text, "%u workers, %llu tasks\n", wf_rt.state == WF_RUNNING ? wf_n_workers() : 0,
                (unsigned long long)wf_live_tasks());
    wf_lock_release(&wf_rt.lock);
}

static void dump_threads(struct dump *d)
{
    wf_lock_acquire(&wf_rt.threads_lock);
    wf_list_each (link, &wf_rt.threads) {
        struct wf_waiter *thread = &WF_CONTAINER(link, struct wf_thread, link)->own;
        wf_text_add(d->text, "thread #%llu: ", (unsigned long long)thread->id);
        if (is_waiting(thread))
            wf_dump_wait(thread, d->now_ns, d->text);
        else
            wf_text_add(d->text, "runs, or is elsewhere");
        wf_text_add(d->text, "\n");
    }
    wf_lock_release(&wf_rt.threads_lock);
}

void wf_dump_text(struct wf_text *text)
{
    struct dump d = { .text = text, .now_ns = wf_clock_now() };
    dump_counts(&d);
    wf_scope_each_root(dump_root, &d);
    dump_threads(&d);
    wf_chan_each(dump_chan, text);
    wf_ledger_describe(text);
}

int weft_dump(int fd)
{
    struct wf_text text;
    if (wf_load_rlx(&wf_rt.has_forked)) /* the locks may have been held by others */
        return WEFT_EFORK;
    wf_text_init(&text);
    wf_text_add(&text, "weft: ");
    wf_dump_text(&text);
    const char *data = text.data;
    size_t left = text.size;
    ssize_t n = 0;
    while (left > 0 && ((n = wf_sys.write(fd, data, left)) > 0 || n == -EINTR)) {
        data += WF_MAX(n, 0);
        left -= (size_t)WF_MAX(n, 0);
    }
    bool is_cut = text.is_cut;
    wf_text_free(&text);
    if (left > 0)
        return n < 0 ? (int)n : -EIO;
    return is_cut ? WEFT_ENOMEM : 0;
}
