/* SPDX-License-Identifier: MIT
 * A cancel on SIGINT and SIGTERM.
 *
 * By a thread of its own, which sleeps on a word that the handler raises: it cancels when all workers
 * are held up, too, keeps no scope waiting as a task in it would, and a deadlock is one however
 * somebody might press a key. */
#include "io/signals.h"
#include "plat/futex.h"
#include "plat/mem.h"
#include "plat/thread.h"
#include "sched/worker.h"
#include "task/scope.h"

#include <signal.h>
#include <weft/signal.h>

struct weft_interrupt {
    struct wf_signal_watch watch; /* its thread sleeps on n_told */
    weft_scope *scope;
    struct wf_os_thread thread;
    _Atomic bool has_to_end;
};

static void tell_thread(struct wf_signal_watch *watch) { wf_futex_wake(&watch->n_told, 1); }

static const int numbers[] = { SIGINT, SIGTERM };

int weft_interrupt_signal(const weft_interrupt *interrupt)
{
    for (size_t i = 0; interrupt != NULL && i < WF_ARRAY_SIZE(numbers); i++)
        if (wf_load_seq(&interrupt->watch.pending[numbers[i]]) > 0)
            return numbers[i];
    return 0;
}

static void cancel_when_told(void *arg)
{
    struct weft_interrupt *interrupt = arg;
    while (wf_load_seq(&interrupt->watch.n_told) == 0)
        (void)wf_futex_wait(&interrupt->watch.n_told, 0, WF_NEVER);
    if (!wf_load_seq(&interrupt->has_to_end))
        weft_scope_cancel(interrupt->scope);
    wf_thread_forget(); /* the cancel may have made a record */
}

static weft_scope *root_of(weft_scope *scope)
{
    while (scope != NULL && wf_scope_of(scope)->parent != NULL)
        scope = wf_scope_of(scope)->parent;
    return scope;
}

static int start_thread(struct weft_interrupt *interrupt)
{
    (void)wf_add_seq(&wf_rt.n_helpers, 1u);
    int rc = wf_thread_create(&interrupt->thread, "weft-interrupt", cancel_when_told, interrupt);
    if (rc < 0)
        (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
    return rc;
}

/* A word that grows wakes it, so the end is told like a signal; no handler does any more then. */
static void end_thread(struct weft_interrupt *interrupt)
{
    wf_store_seq(&interrupt->has_to_end, true);
    (void)wf_add_seq(&interrupt->watch.n_told, 1u);
    wf_futex_wake(&interrupt->watch.n_told, 1);
    wf_thread_join(&interrupt->thread);
    (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
}

static int start(struct weft_interrupt *interrupt)
{
    interrupt->watch.tell = tell_thread;
    interrupt->watch.is_ending = true;
    for (size_t i = 0; i < WF_ARRAY_SIZE(numbers); i++)
        interrupt->watch.wanted |= wf_signal_bit(numbers[i]);
    int rc = start_thread(interrupt);
    if (rc < 0)
        return rc;
    rc = wf_signals_begin(&interrupt->watch);
    if (rc < 0)
        end_thread(interrupt);
    return rc;
}

int weft_interrupt_open(weft_scope *scope, weft_interrupt **out_interrupt)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (scope == NULL)
        scope = root_of(self->scope);
    if (scope == NULL || out_interrupt == NULL)
        return WEFT_EINVAL;
    struct weft_interrupt *interrupt = wf_alloc(1, sizeof *interrupt);
    if (interrupt == NULL)
        return WEFT_ENOMEM;
    interrupt->scope = scope;
    int rc = start(interrupt);
    if (rc < 0) {
        wf_free(interrupt);
        return rc;
    }
    *out_interrupt = interrupt;
    return 0;
}

int weft_interrupt_close(weft_interrupt *interrupt)
{
    if (interrupt == NULL)
        return 0;
    wf_signals_end(&interrupt->watch);
    end_thread(interrupt);
    wf_free(interrupt);
    return 0;
}
