/* SPDX-License-Identifier: MIT
 * The one handler for all signals that somebody watches, and receivers of signals.
 *
 * The handler may interrupt any thread of the program at any instruction: it takes no lock, walks
 * the list of watches, counts in each that wants the signal, and tells it. Then it calls the handler
 * that was there before.
 *
 *   T1  A watch is put into the list, and taken out, under the table's lock; whoever has taken one
 *       out waits until no handler runs that may have seen it there: a handler says that it runs
 *       before it looks at the list, and the list is changed before n_running is read (seq
 *       [watch-dekker]).
 *   T2  A signal is caught while n_wanting > 0. What was in force before is read by handlers that
 *       may begin even after it was restored: it lies in one of two slots of static memory, and the
 *       other one is written when the signal is caught anew.
 *   T3  A handler on top of ours, installed meanwhile, is left alone at the end: ours stays below
 *       it, wants nothing, and passes the signal on. Where no handler was before, what the signal
 *       does by default is due then; so it is in a child after fork.
 *
 * A receiver has an eventfd. Its holder clears that before it looks at the counts, the handler
 * counts before it writes: so a count is seen, or wakes. A child after fork shares the eventfds: its
 * handler only passes the signal on. */
#include "io/signals.h"

#include "base/lock.h"
#include "chan/source.h"
#include "plat/mem.h"
#include "plat/self.h"
#include "plat/signal.h"
#include "plat/sys.h"
#include "plat/thread.h"
#include "sched/iowait.h"
#include "sched/worker.h"

#include <signal.h>
#include <string.h>
#include <weft/signal.h>

struct caught {
    struct sigaction before[2];
    _Atomic(const struct sigaction *) passed_to; /* one of these; read by the handler */
    unsigned n_wanting, n_installed;             /* under the lock */
    bool is_installed;
};

static struct {
    struct wf_lock lock;
    struct caught caught[WF_SIGNALS + 1];
    _Atomic(struct wf_signal_watch *) first;
    _Atomic uint32_t n_running; /* handlers that may look at the list */
} table = { .lock = WF_LOCK_INIT(WF_RANK_NONE) };

/* ---- the handler ---------------------------------------------------------------------------------- */

enum verdict { UNWANTED, TAKEN, ENDS }; /* a watch said so, and none before said more */

/* True: for the second time, and it has to end the process. */
static bool tell(struct wf_signal_watch *watch, int number)
{
    (void)wf_add_seq(&watch->pending[number], 1u);
    bool is_second = wf_add_seq(&watch->n_told, 1u) > 0;
    watch->tell(watch);
    return watch->is_ending && is_second;
}

static enum verdict tell_all(int number)
{
    enum verdict verdict = UNWANTED;
    /* seq [watch-dekker] */
    (void)wf_add_seq(&table.n_running, 1u);
    struct wf_signal_watch *watch = wf_load_seq(&wf_rt.has_forked) ? NULL
                                                                   : wf_load_seq(&table.first);
    for (; watch != NULL; watch = wf_load_seq(&watch->next)) {
        if ((watch->wanted & wf_signal_bit(number)) == 0)
            continue;
        bool ends = tell(watch, number);
        verdict = ends || verdict == ENDS ? ENDS : TAKEN;
    }
    (void)wf_sub_seq(&table.n_running, 1u);
    return verdict;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved_errno = *wf_errno_location();
    enum verdict verdict = tell_all(number);
    const struct sigaction *before = wf_load_seq(&table.caught[number].passed_to);
    if (before->sa_flags & SA_SIGINFO)
        before->sa_sigaction(number, info, context);
    else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
        before->sa_handler(number);
    else if (verdict == UNWANTED && before->sa_handler == SIG_DFL)
        wf_signal_do_default(number);
    if (verdict == ENDS)
        wf_signal_do_default(number);
    *wf_errno_location() = saved_errno;
}

/* ---- catching ------------------------------------------------------------------------------------- */

/* Faults come from the thread that they happen in, which can't go on. */
static bool can_be_caught(int number)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    struct sigaction now;
    for (size_t i = 0; i < WF_ARRAY_SIZE(faults); i++)
        if (number == faults[i])
            return false;
    return number >= 1 && number <= WF_SIGNALS && number != SIGKILL && number != SIGSTOP &&
           sigaction(number, NULL, &now) == 0;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_signal;
}

static bool is_a_function(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static void install_locked(int number)
{
    struct caught *caught = &table.caught[number];
    struct sigaction now;
    (void)sigaction(number, NULL, &now);
    /* T3: below a handler that we left on top of ours; or one without which ours is gone. */
    if (is_ours(&now) || (caught->is_installed && is_a_function(&now)))
        return;
    struct sigaction *before = &caught->before[caught->n_installed++ % 2];
    *before = now;
    wf_store_seq(&caught->passed_to, before);
    struct sigaction action = { .sa_sigaction = on_signal,
                                .sa_mask = now.sa_mask,
                                .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };
    action.sa_flags |= now.sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT);
    /* Whoever ignores it has children that leave no zombies, and does not wait for them. */
    if (number == SIGCHLD && now.sa_handler == SIG_IGN)
        action.sa_flags |= SA_NOCLDWAIT;
    (void)sigaction(number, &action, NULL);
    caught->is_installed = true;
}

static void restore_locked(int number)
{
    struct caught *caught = &table.caught[number];
    struct sigaction now;
    (void)sigaction(number, NULL, &now);
    if (!is_ours(&now))
        return;
    (void)sigaction(number, wf_load_seq(&caught->passed_to), NULL);
    caught->is_installed = false;
}

static bool is_wanted(const struct wf_signal_watch *watch, int number)
{
    return (watch->wanted & wf_signal_bit(number)) != 0;
}

int wf_signals_begin(struct wf_signal_watch *watch)
{
    for (int number = 1; number <= WF_SIGNALS; number++)
        if (is_wanted(watch, number) && !can_be_caught(number))
            return WEFT_EINVAL;
    wf_lock_acquire(&table.lock);
    wf_store_seq(&watch->next, wf_load_seq(&table.first));
    wf_store_seq(&table.first, watch);
    for (int number = 1; number <= WF_SIGNALS; number++)
        if (is_wanted(watch, number) && table.caught[number].n_wanting++ == 0)
            install_locked(number);
    wf_lock_release(&table.lock);
    return 0;
}

static void unlink_locked(struct wf_signal_watch *watch)
{
    _Atomic(struct wf_signal_watch *) *at = &table.first;
    while (wf_load_seq(at) != watch)
        at = &wf_load_seq(at)->next;
    wf_store_seq(at, wf_load_seq(&watch->next));
}

void wf_signals_end(struct wf_signal_watch *watch)
{
    wf_lock_acquire(&table.lock);
    for (int number = 1; number <= WF_SIGNALS; number++)
        if (is_wanted(watch, number) && --table.caught[number].n_wanting == 0)
            restore_locked(number);
    unlink_locked(watch);
    wf_lock_release(&table.lock);
    /* seq [watch-dekker] */
    while (wf_load_seq(&table.n_running) > 0)
        wf_thread_yield();
}

/* ---- a receiver ----------------------------------------------------------------------------------- */

struct signals {
    struct wf_signal_watch watch;
    int fd;   /* the eventfd */
    int last; /* the number given last */
};

static void tell_receiver(struct wf_signal_watch *watch)
{
    uint64_t one = 1;
    struct signals *signals = WF_CONTAINER(watch, struct signals, watch);
    (void)wf_sys.write(signals->fd, &one, sizeof one); /* fails only when it is readable already */
}

/* The next pending one after the last. */
static bool take(struct signals *signals, weft_signal *out)
{
    for (int i = 1; i <= WF_SIGNALS; i++) {
        int number = (signals->last - 1 + i) % WF_SIGNALS + 1;
        if (!is_wanted(&signals->watch, number))
            continue;
        uint32_t count = wf_xchg_seq(&signals->watch.pending[number], 0u);
        if (count == 0)
            continue;
        signals->last = number;
        *out = (weft_signal){ .number = number, .count = count };
        return true;
    }
    return false;
}

static int signals_try_recv(weft_receiver *rx, void *out)
{
    struct signals *signals = rx->source;
    uint64_t n;
    if (take(signals, out))
        return 1;
    (void)wf_sys.read(signals->fd, &n, sizeof n);
    return take(signals, out) ? 1 : WF_NOT_READY;
}

static int signals_recv(weft_receiver *rx, void *out)
{
    struct signals *signals = rx->source;
    for (;;) {
        int rc = signals_try_recv(rx, out);
        if (rc == WF_NOT_READY)
            rc = WF_MIN(wf_io_wait(signals->fd, WF_POLL_IN), 0);
        if (rc != 0)
            return rc;
    }
}

static int signals_close(weft_receiver *rx)
{
    struct signals *signals = rx->source;
    wf_signals_end(&signals->watch);
    wf_io_forget(signals->fd);
    (void)wf_sys.close(signals->fd);
    wf_free(signals);
    return 0;
}

static const struct wf_source_ops signals_ops = {
    .kind = "signals",
    .recv = signals_recv,
    .try_recv = signals_try_recv,
    .close = signals_close,
};

static int start(struct signals *signals, const int *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (numbers[i] < 1 || numbers[i] > WF_SIGNALS)
            return WEFT_EINVAL;
        signals->watch.wanted |= wf_signal_bit(numbers[i]);
    }
    signals->watch.tell = tell_receiver;
    signals->fd = wf_sys.event_create();
    if (signals->fd < 0)
        return signals->fd;
    int rc = wf_signals_begin(&signals->watch);
    if (rc < 0)
        (void)wf_sys.close(signals->fd);
    return rc;
}

int weft_signals_open(const int *numbers, size_t n, weft_receiver **out_rx)
{
    if (numbers == NULL || n == 0 || out_rx == NULL)
        return WEFT_EINVAL;
    if (wf_waiter_self() == NULL)
        return wf_no_waiter();
    struct signals *signals = wf_alloc(1, sizeof *signals);
    weft_receiver *rx = NULL;
    if (signals != NULL)
        rx = wf_receiver_make(&signals_ops, signals, sizeof(weft_signal), "weft_signals", 0);
    int rc = rx != NULL ? start(signals, numbers, n) : WEFT_ENOMEM;
    if (rc < 0) {
        if (rx != NULL)
            wf_receiver_free(rx);
        wf_free(signals);
        return rc;
    }
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
