/* SPDX-License-Identifier: MIT
 * weft_dump_on_signal: a thread of its own, which sleeps in a poller that the handler interrupts.
 *
 * Not the poller's business: a dump is wanted above all when the workers are stuck. The thread ends
 * with the runtime's shutdown, which also puts the old handlers back. */
#include "plat/self.h"
#include "sched/worker.h"
#include "task/dump.h"

#include <signal.h>
#include <weft/runtime.h>

static struct {
    struct wf_lock lock;
    /* Under lock; the handler and the thread read what is constant while the thread runs. */
    bool has_thread;
    struct wf_poller poller;
    struct wf_os_thread thread;
    struct sigaction old[NSIG];
    bool is_ours[NSIG];

    _Atomic uint32_t n_asked;  /* written by the handler */
    _Atomic uint32_t n_asking; /* handlers that may still use the poller */
    _Atomic bool has_to_end;
} dumper = { .lock = WF_LOCK_INIT(WF_RANK_NONE) };

/* A child after fork shares the eventfd: it would ask its parent. */
static void ask(void)
{
    (void)wf_add_seq(&dumper.n_asking, 1u);
    if (!wf_load_seq(&wf_rt.has_forked) && !wf_load_seq(&dumper.has_to_end)) {
        (void)wf_add_seq(&dumper.n_asked, 1u);
        wf_poller_interrupt(&dumper.poller);
    }
    (void)wf_sub_seq(&dumper.n_asking, 1u);
}

/* Async-signal-safe: some atomics, one write, and whatever handler was there before. */
static void on_signal(int signo, siginfo_t *info, void *context)
{
    int saved_errno = *wf_errno_location();
    ask();
    const struct sigaction *old = &dumper.old[signo];
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(signo, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(signo);
    *wf_errno_location() = saved_errno;
}

static void dump_when_asked(void *arg)
{
    (void)arg;
    uint32_t n_done = 0;
    while (!wf_load_seq(&dumper.has_to_end)) {
        struct wf_poll_event none;
        uint32_t n_asked = wf_load_seq(&dumper.n_asked);
        if (n_asked != n_done)
            (void)weft_dump(2);
        n_done = n_asked;
        (void)wf_poller_wait(&dumper.poller, &none, 1, WF_NEVER);
    }
}

static int start_thread_locked(void)
{
    if (dumper.has_thread)
        return 0;
    int rc = wf_poller_open(&dumper.poller);
    if (rc < 0)
        return rc;
    wf_store_seq(&dumper.has_to_end, false);
    wf_store_seq(&dumper.n_asked, 0u);
    rc = wf_thread_create(&dumper.thread, "weft-dump", dump_when_asked, NULL);
    if (rc < 0) {
        wf_poller_close(&dumper.poller);
        return rc;
    }
    dumper.has_thread = true;
    (void)wf_add_seq(&wf_rt.n_helpers, 1u);
    return 0;
}

static void restore_handlers_locked(void)
{
    for (int signo = 1; signo < NSIG; signo++) {
        if (dumper.is_ours[signo])
            (void)sigaction(signo, &dumper.old[signo], NULL);
        dumper.is_ours[signo] = false;
    }
}

static void stop(int64_t until_ns)
{
    (void)until_ns;
    wf_lock_acquire(&dumper.lock);
    restore_handlers_locked();
    if (dumper.has_thread) {
        wf_store_seq(&dumper.has_to_end, true);
        while (wf_load_seq(&dumper.n_asking) > 0)
            wf_thread_yield();
        wf_poller_interrupt(&dumper.poller);
        wf_thread_join(&dumper.thread);
        wf_poller_close(&dumper.poller);
        dumper.has_thread = false;
        (void)wf_sub_seq(&wf_rt.n_helpers, 1u);
    }
    wf_lock_release(&dumper.lock);
}

static struct wf_service service = { .name = "dump on signal", .stop = stop };

static int install_locked(int signo)
{
    if (dumper.is_ours[signo])
        return 0;
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(signo, NULL, &dumper.old[signo]) < 0 || sigaction(signo, &action, NULL) < 0)
        return WEFT_EINVAL;
    dumper.is_ours[signo] = true;
    return 0;
}

int weft_dump_on_signal(int signo)
{
    if (wf_waiter_self() == NULL)
        return wf_no_waiter();
    struct sigaction now;
    if (signo <= 0 || signo >= NSIG || signo == SIGKILL || signo == SIGSTOP ||
        sigaction(signo, NULL, &now) < 0)
        return WEFT_EINVAL;
    wf_service_register(&service);
    wf_lock_acquire(&dumper.lock);
    int rc = start_thread_locked();
    if (rc >= 0)
        rc = install_locked(signo);
    wf_lock_release(&dumper.lock);
    return rc;
}
