/* SPDX-License-Identifier: MIT
 * Signals as a program receives them. They are sent to the process: a thread of the program takes
 * them, here the first one, while workers are deaf. They are real, so there is no simulation. */
#include "wt_test.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

/* Without the handlers that Check has put there for itself. */
static void need_signals(void)
{
    if (wt_is_sim())
        wt_skip("signals are real");
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigemptyset(&by_default.sa_mask);
    ck_assert_int_eq(sigaction(SIGINT, &by_default, NULL), 0);
    ck_assert_int_eq(sigaction(SIGTERM, &by_default, NULL), 0);
}

static void send_signal(int number) { ck_assert_int_eq(kill(getpid(), number), 0); }

/* ---- receivers --------------------------------------------------------------------------------- */

static int receive_one(void *arg)
{
    WEFT_RX(weft_signal, signals);
    weft_signal signal;
    (void)arg;
    WEFT_TRY(weft_signals(&signals, SIGUSR1, SIGUSR2));
    ck_assert_int_eq(weft_try_recv(signals, &signal), WEFT_EAGAIN);
    send_signal(SIGUSR2);
    ck_assert_int_eq(weft_recv(signals, &signal), 1);
    ck_assert_int_eq(signal.number, SIGUSR2);
    ck_assert_uint_eq(signal.count, 1);
    return 0;
}

WT_TEST(a_task_receives_a_signal)
{
    need_signals();
    ck_assert_int_eq(weft_run(receive_one, NULL), 0);
}

/* On the only thread that takes them, so that each was delivered when kill returns. */
WT_TEST(deliveries_are_counted_and_each_signal_has_its_turn)
{
    need_signals();
    WEFT_RX(weft_signal, signals);
    weft_signal first, second;
    ck_assert_int_eq(weft_signals(&signals, SIGUSR1, SIGUSR2), 0);
    send_signal(SIGUSR1);
    send_signal(SIGUSR2);
    send_signal(SIGUSR1);
    ck_assert_int_eq(weft_recv(signals, &first), 1);
    send_signal(first.number);
    ck_assert_int_eq(weft_recv(signals, &second), 1);
    ck_assert_int_ne(first.number, second.number);
    ck_assert_uint_eq(first.count + second.count, 3);
    ck_assert_int_eq(weft_recv(signals, &first), 1);
    ck_assert_uint_eq(first.count, 1);
    ck_assert_int_eq(weft_try_recv(signals, &first), WEFT_EAGAIN);
}

WT_TEST(each_receiver_gets_all)
{
    need_signals();
    WEFT_RX(weft_signal, one);
    WEFT_RX(weft_signal, two);
    weft_signal signal;
    ck_assert_int_eq(weft_signals(&one, SIGUSR1), 0);
    ck_assert_int_eq(weft_signals(&two, SIGUSR1, SIGUSR2), 0);
    send_signal(SIGUSR1);
    ck_assert_int_eq(weft_recv(one, &signal), 1);
    ck_assert_int_eq(weft_recv(two, &signal), 1);
    WEFT_DROP(one);
    send_signal(SIGUSR1);
    ck_assert_int_eq(weft_recv(two, &signal), 1);
}

WT_TEST(waiting_for_a_signal_ends_with_a_deadline)
{
    need_signals();
    WEFT_RX(weft_signal, signals);
    weft_signal signal;
    ck_assert_int_eq(weft_signals(&signals, SIGUSR1), 0);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq(weft_recv(signals, &signal), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
}

static int select_buffered(void *arg)
{
    WEFT_RX(weft_signal, signals);
    WEFT_RX(weft_signal, buffered);
    weft_signal signal = { 0 };
    (void)arg;
    WEFT_TRY(weft_signals(&signals, SIGUSR1));
    WEFT_TRY(weft_buffer(WEFT_MOVE(signals), 1, &buffered));
    send_signal(SIGUSR1);
    ck_assert_int_eq(weft_select(NULL, weft_on_recv(buffered, &signal)), 0);
    ck_assert_int_eq(signal.number, SIGUSR1);
    return 0;
}

WT_TEST(a_signal_in_a_select_comes_through_a_buffer)
{
    need_signals();
    ck_assert_int_eq(weft_run(select_buffered, NULL), 0);
}

WT_TEST(what_cannot_be_caught_is_refused)
{
    need_signals();
    WEFT_RX(weft_signal, signals);
    ck_assert_int_eq(weft_signals(&signals, SIGKILL), WEFT_EINVAL);
    ck_assert_int_eq(weft_signals(&signals, SIGUSR1, SIGSEGV), WEFT_EINVAL);
    ck_assert_int_eq(weft_signals(&signals, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_signals(&signals, 65), WEFT_EINVAL);
    ck_assert_ptr_null(signals);
}

/* ---- earlier handlers -------------------------------------------------------------------------- */

static atomic_int n_earlier, n_later;

static void earlier(int number)
{
    (void)number;
    atomic_fetch_add(&n_earlier, 1);
}

static void install(void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };
    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

static void (*installed(void))(int)
{
    struct sigaction now;
    ck_assert_int_eq(sigaction(SIGUSR1, NULL, &now), 0);
    return now.sa_handler;
}

WT_TEST(an_earlier_handler_is_called_and_restored)
{
    need_signals();
    install(earlier);
    atomic_store(&n_earlier, 0);
    for (int round = 1; round <= 3; round++) {
        WEFT_RX(weft_signal, signals);
        weft_signal signal;
        ck_assert_int_eq(weft_signals(&signals, SIGUSR1), 0);
        ck_assert(installed() != earlier);
        send_signal(SIGUSR1);
        ck_assert_int_eq(weft_recv(signals, &signal), 1);
        ck_assert_int_eq(atomic_load(&n_earlier), round);
        WEFT_DROP(signals);
        ck_assert(installed() == earlier);
    }
    install(SIG_DFL);
}

static struct sigaction below;

static void later(int number, siginfo_t *info, void *context)
{
    atomic_fetch_add(&n_later, 1);
    if (below.sa_flags & SA_SIGINFO)
        below.sa_sigaction(number, info, context);
}

WT_TEST(a_handler_that_was_put_on_top_stays)
{
    need_signals();
    install(earlier);
    atomic_store(&n_earlier, 0);
    WEFT_RX(weft_signal, signals);
    WEFT_RX(weft_signal, again);
    weft_signal signal;
    ck_assert_int_eq(weft_signals(&signals, SIGUSR1), 0);
    struct sigaction action = { .sa_sigaction = later, .sa_flags = SA_SIGINFO };
    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, &below), 0);
    WEFT_DROP(signals);
    send_signal(SIGUSR1);
    ck_assert_int_eq(atomic_load(&n_later), 1);
    ck_assert_int_eq(atomic_load(&n_earlier), 1);
    ck_assert_int_eq(weft_signals(&again, SIGUSR1), 0);
    send_signal(SIGUSR1);
    ck_assert_int_eq(weft_recv(again, &signal), 1);
    ck_assert_uint_eq(signal.count, 1);
    ck_assert_int_eq(atomic_load(&n_later), 2);
    ck_assert_int_eq(atomic_load(&n_earlier), 2);
}

static int leave_one_on_top(void *arg)
{
    WEFT_SCOPE(scope);
    WEFT_RX(weft_signal, signals);
    (void)arg;
    WEFT_TRY(weft_signals(&signals, SIGUSR1, SIGTSTP));
    struct sigaction action = { .sa_sigaction = later, .sa_flags = SA_SIGINFO };
    sigemptyset(&action.sa_mask);
    return sigaction(SIGUSR1, &action, &below) + sigaction(SIGTSTP, &action, &below);
}

/* No handler was there before. The child leads a group, for one that nobody watches is not stopped. */
WT_TEST(below_a_handler_on_top_what_nobody_takes_does_what_it_does)
{
    need_signals();
    int status;
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (weft_run(leave_one_on_top, NULL) == 0 && raise(SIGTSTP) == 0)
            raise(SIGUSR1);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(kill(child, SIGCONT), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGUSR1);
}

/* Its parent's receiver is not its own. */
WT_TEST(in_a_forked_child_a_signal_does_what_it_does)
{
    need_signals();
    WEFT_RX(weft_signal, signals);
    int status;
    ck_assert_int_eq(weft_signals(&signals, SIGUSR1), 0);
    pid_t child = fork();
    if (child == 0) {
        raise(SIGUSR1);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGUSR1);
}

/* A program that ignores it relies on that its children leave no zombies. */
WT_TEST(children_that_nobody_waits_for_leave_no_zombies)
{
    need_signals();
    struct sigaction before, now, ignore = { .sa_handler = SIG_IGN };
    sigemptyset(&ignore.sa_mask);
    ck_assert_int_eq(sigaction(SIGCHLD, &ignore, &before), 0);
    {
        WEFT_RX(weft_signal, signals);
        ck_assert_int_eq(weft_signals(&signals, SIGCHLD), 0);
        ck_assert_int_eq(sigaction(SIGCHLD, NULL, &now), 0);
        ck_assert_int_ne(now.sa_flags & SA_NOCLDWAIT, 0);
    }
    ck_assert_int_eq(sigaction(SIGCHLD, &before, &now), 0);
    ck_assert(now.sa_handler == SIG_IGN);
}

/* ---- the interrupt ----------------------------------------------------------------------------- */

WEFT_TASK(until_cancelled, (int *, out_rc))
{
    *out_rc = weft_sleep(WEFT_SEC(1000));
    return *out_rc;
}

static int be_interrupted(void *arg)
{
    int rc = 0;
    WEFT_SCOPE(scope);
    WEFT_AUTO(weft_interrupt, interrupt);
    WEFT_TRY(weft_interrupt_open(arg != NULL ? NULL : &scope, &interrupt));
    ck_assert_int_eq(weft_interrupt_signal(interrupt), 0);
    WEFT_TRY(weft_spawn(&scope, until_cancelled, &rc));
    send_signal(SIGTERM);
    ck_assert_int_eq(weft_scope_wait(&scope), arg != NULL ? WEFT_ECANCELED : 0);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_int_eq(weft_interrupt_signal(interrupt), SIGTERM);
    return 0;
}

WT_TEST(an_interrupt_cancels_its_scope)
{
    need_signals();
    ck_assert_int_eq(weft_run(be_interrupted, NULL), 0);
}

WT_TEST(or_the_root_scope)
{
    need_signals();
    int root = 1;
    ck_assert_int_eq(weft_run(be_interrupted, &root), 0);
    weft_interrupt *none = NULL;
    ck_assert_int_eq(weft_interrupt_open(NULL, &none), WEFT_EINVAL);
    ck_assert_ptr_null(none);
}

static int shrug(void *arg)
{
    WEFT_SCOPE(scope);
    WEFT_AUTO(weft_interrupt, interrupt);
    int fd = *(int *)arg;
    char byte;
    WEFT_TRY(weft_interrupt_open(&scope, &interrupt));
    ck_assert_int_eq(write(fd, "x", 1), 1);
    ck_assert_int_eq(weft_sleep(WEFT_SEC(1000)), WEFT_ECANCELED); /* the first one */
    ck_assert_int_eq(write(fd, "y", 1), 1);
    while (read(fd, &byte, 1) < 0) /* held up: only the second ends that */
        continue;
    return 0;
}

static void await_byte(int fd)
{
    char byte;
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    ck_assert_int_eq(poll(&ready, 1, 20000), 1);
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

WT_TEST(a_second_interrupt_ends_the_process)
{
    need_signals();
    int fds[2], status;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(weft_run(shrug, &fds[1]) < 0);
    await_byte(fds[0]);
    ck_assert_int_eq(kill(child, SIGINT), 0);
    await_byte(fds[0]);
    ck_assert_int_eq(kill(child, SIGINT), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
    close(fds[0]);
    close(fds[1]);
}

WT_MAIN("signal")
