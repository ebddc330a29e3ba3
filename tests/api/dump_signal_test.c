/* SPDX-License-Identifier: MIT
 * weft_dump_on_signal. Each test that wants to read stderr does so in a forked copy of itself, which
 * may have weft since its parent has not used it. Signals are real, so there is no simulation. */
#include "wt_test.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

static void need_signals(void)
{
    if (wt_is_sim())
        wt_skip("signals are real");
}

/* ---- a child whose stderr is read ------------------------------------------------------------ */

struct child {
    pid_t pid;
    int from; /* its stderr */
    int to;   /* a byte lets it go on */
    char said[64 * 1024];
    size_t size;
};

static int go_on_fd;

/* poll, since TSan puts off a signal that comes during a read until that ends. */
static void await_byte(void)
{
    struct pollfd ready = { .fd = go_on_fd, .events = POLLIN };
    char byte;
    while (poll(&ready, 1, -1) < 0 && errno == EINTR)
        continue;
    if (read(go_on_fd, &byte, 1) != 1)
        _exit(4);
}

static void start_child(struct child *child, void (*fn)(void))
{
    int out[2], in[2];
    ck_assert_int_eq(pipe(out), 0);
    ck_assert_int_eq(pipe(in), 0);
    child->size = 0;
    child->pid = fork();
    ck_assert_int_ge(child->pid, 0);
    if (child->pid == 0) {
        (void)dup2(out[1], STDERR_FILENO);
        go_on_fd = in[0];
        fn();
        (void)weft_shutdown(WEFT_SEC(5));
        _exit(0);
    }
    (void)close(out[1]);
    (void)close(in[0]);
    child->from = out[0];
    child->to = in[1];
}

/* Reads on until these words have come n times. */
static void until_it_says(struct child *child, const char *words, int n)
{
    for (;;) {
        int n_found = 0;
        child->said[child->size] = '\0';
        for (const char *at = child->said; (at = strstr(at, words)) != NULL; at++)
            n_found++;
        if (n_found >= n)
            return;
        struct pollfd ready = { .fd = child->from, .events = POLLIN };
        ck_assert_msg(poll(&ready, 1, 20000) == 1, "'%s' was not said: %s", words, child->said);
        ssize_t got = read(child->from, child->said + child->size,
                           sizeof child->said - 1 - child->size);
        ck_assert_msg(got > 0, "it ended without saying '%s': %s", words, child->said);
        child->size += (size_t)got;
    }
}

static void go_on(struct child *child) { ck_assert_int_eq(write(child->to, "x", 1), 1); }

static void end_child(struct child *child)
{
    int status;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x: %s", status,
                  child->said);
    (void)close(child->from);
    (void)close(child->to);
}

static void say(const char *words)
{
    if (write(STDERR_FILENO, words, strlen(words)) < 0)
        _exit(3);
}

#define must(condition)                      \
    do {                                     \
        if (!(condition)) {                  \
            say("not so: " #condition "\n"); \
            _exit(2);                        \
        }                                    \
    } while (0)

/* ---- what it says ---------------------------------------------------------------------------- */

static struct child child;

static int be_seen(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 4, .name = "seen"));
    say("ready\n");
    return weft_sleep(WEFT_SEC(1000));
}

static void run_and_be_seen(void *arg) { *(int *)arg = weft_run(be_seen, NULL); }

static void ask_for_dumps(void)
{
    int rc = 1;
    must(weft_dump_on_signal(SIGQUIT) == 0);
    must(weft_dump_on_signal(SIGQUIT) == 0); /* nothing more */
    must(weft_dump_on_signal(SIGUSR1) == 0);
    wt_thread *thread = wt_thread_start(run_and_be_seen, &rc);
    await_byte();
    must(weft_shutdown(WEFT_SEC(5)) == 0);
    wt_thread_join(thread);
    must(rc == WEFT_ECANCELED);
}

WT_TEST(a_signal_makes_a_dump)
{
    int n = 0;
    need_signals();
    start_child(&child, ask_for_dumps);
    until_it_says(&child, "ready\n", 1);
    do { /* it may not have gone to sleep yet */
        ck_assert_int_eq(kill(child.pid, SIGQUIT), 0);
        until_it_says(&child, "channel \"seen\"", ++n);
    } while (strstr(child.said, "sleeps, ") == NULL);
    ck_assert_ptr_nonnull(strstr(child.said, "weft: "));
    ck_assert_ptr_nonnull(strstr(child.said, "\"main\""));
    ck_assert_int_eq(kill(child.pid, SIGQUIT), 0);
    until_it_says(&child, "channel \"seen\"", ++n);
    ck_assert_int_eq(kill(child.pid, SIGUSR1), 0);
    until_it_says(&child, "channel \"seen\"", ++n);
    go_on(&child);
    end_child(&child);
}

static _Atomic int n_spinning;

static int spin(void *arg)
{
    atomic_fetch_add(&n_spinning, 1);
    while (!atomic_load((atomic_bool *)arg))
        continue;
    return 0;
}

WEFT_TASK(spins, (atomic_bool *, stop)) { return spin(stop); }

static int spin_everywhere(void *arg)
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, spins, arg));
    (void)spin(arg);
    return weft_scope_wait(&scope);
}

static void run_spinning(void *stop) { must(weft_run(spin_everywhere, stop) == 0); }

/* There is no worker left that could do anything about it. */
static void ask_while_all_are_busy(void)
{
    static atomic_bool stop;
    must(weft_configure(WEFT_CONFIG(.workers = 2)) == 0);
    must(weft_dump_on_signal(SIGQUIT) == 0);
    wt_thread *thread = wt_thread_start(run_spinning, &stop);
    while (atomic_load(&n_spinning) < 2)
        (void)sched_yield();
    say("ready\n");
    await_byte();
    atomic_store(&stop, true);
    wt_thread_join(thread);
}

WT_TEST(while_all_workers_are_busy)
{
    need_signals();
    start_child(&child, ask_while_all_are_busy);
    until_it_says(&child, "ready\n", 1);
    ck_assert_int_eq(kill(child.pid, SIGQUIT), 0);
    until_it_says(&child, "\"spins\"", 1);
    until_it_says(&child, "runs or is ready", 2);
    go_on(&child);
    end_child(&child);
}

/* ---- handlers -------------------------------------------------------------------------------- */

static void old_handler(int signo) { say(signo == SIGUSR1 ? "old handler\n" : "who?\n"); }

static void old_action(int signo, siginfo_t *info, void *context)
{
    say(signo == SIGUSR2 && info->si_pid == getppid() && context != NULL ? "old action\n"
                                                                         : "who?\n");
}

static void ask_beside_others(void)
{
    struct sigaction action = { .sa_sigaction = old_action, .sa_flags = SA_SIGINFO }, now;
    must(signal(SIGUSR1, old_handler) != SIG_ERR);
    must(sigaction(SIGUSR2, &action, NULL) == 0);
    must(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    must(weft_dump_on_signal(SIGUSR1) == 0);
    must(weft_dump_on_signal(SIGUSR2) == 0);
    must(weft_dump_on_signal(SIGHUP) == 0);
    must(weft_dump_on_signal(SIGQUIT) == 0);
    say("ready\n");
    await_byte();
    must(weft_shutdown(WEFT_SEC(5)) == 0);
    must(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == old_handler);
    must(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_sigaction == old_action);
    must(sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
    must(sigaction(SIGQUIT, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    say("restored\n");
    await_byte();
    must(weft_dump_on_signal(SIGUSR1) == 0); /* it can be had again */
    say("again\n");
    await_byte();
}

WT_TEST(handlers_are_called_as_well_and_come_back)
{
    need_signals();
    start_child(&child, ask_beside_others);
    until_it_says(&child, "ready\n", 1);
    ck_assert_int_eq(kill(child.pid, SIGUSR1), 0);
    until_it_says(&child, "old handler\n", 1);
    until_it_says(&child, " workers, ", 1);
    ck_assert_int_eq(kill(child.pid, SIGUSR2), 0);
    until_it_says(&child, "old action\n", 1);
    until_it_says(&child, " workers, ", 2);
    ck_assert_int_eq(kill(child.pid, SIGHUP), 0);
    until_it_says(&child, " workers, ", 3);
    go_on(&child);
    until_it_says(&child, "restored\n", 1);
    ck_assert_int_eq(kill(child.pid, SIGUSR1), 0);
    until_it_says(&child, "old handler\n", 2);
    go_on(&child);
    until_it_says(&child, "again\n", 1);
    ck_assert_int_eq(kill(child.pid, SIGUSR1), 0);
    until_it_says(&child, "old handler\n", 3);
    until_it_says(&child, " workers, ", 4);
    go_on(&child);
    end_child(&child);
    ck_assert_ptr_null(strstr(child.said, "who?"));
}

/* A signal may come at any moment, so also while a shutdown takes it all away. */
static void shut_down_in_a_hail(void)
{
    must(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
    pid_t self = getpid(), pid = fork();
    must(pid >= 0);
    if (pid == 0)
        while (kill(self, SIGUSR1) == 0 && getppid() == self)
            (void)sched_yield();
    for (unsigned i = wt_scaled(300); i > 0; i--) {
        must(weft_dump_on_signal(SIGUSR1) == 0);
        (void)sched_yield();
        must(weft_shutdown(WEFT_SEC(5)) == 0);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    say("still here\n");
    _exit(0);
}

WT_TEST(a_hail_of_signals_against_shutdowns)
{
    need_signals();
    start_child(&child, shut_down_in_a_hail);
    char *end;
    do { /* more is said than there is room for */
        ssize_t n = read(child.from, child.said, sizeof child.said - 1);
        ck_assert_int_gt(n, 0);
        child.said[n] = '\0';
        end = strstr(child.said, "still here");
        ck_assert_ptr_null(strstr(child.said, "not so"));
    } while (end == NULL);
    end_child(&child);
}

/* ---- what it is not for ---------------------------------------------------------------------- */

WT_TEST(what_can_not_be_caught)
{
    need_signals();
    int wrong[] = { 0, -1, SIGKILL, SIGSTOP, NSIG, NSIG + 100, INT32_MAX };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(weft_dump_on_signal(wrong[i]), WEFT_EINVAL);
}

/* A child has no weft: its signals are its own business, and not its parent's. */
static void fork_and_ask_the_child(void)
{
    must(weft_dump_on_signal(SIGUSR1) == 0);
    say("ready\n");
    pid_t pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        must(weft_dump_on_signal(SIGUSR1) == WEFT_EFORK);
        must(raise(SIGUSR1) == 0);
        _exit(0);
    }
    int status;
    must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    must(weft_shutdown(WEFT_SEC(5)) == 0);
    say("over\n");
}

WT_TEST(a_forked_child_does_not_ask_its_parent)
{
    need_signals();
    start_child(&child, fork_and_ask_the_child);
    until_it_says(&child, "over\n", 1);
    ck_assert_ptr_null(strstr(child.said, " workers, "));
    end_child(&child);
}

static void ask_with_faults(void *arg)
{
    (void)arg;
    wt_fault_on(WT_FAULT_MEMORY | WT_FAULT_THREAD | WT_FAULT_POLL);
    int rc = weft_dump_on_signal(SIGUSR1);
    wt_fault_off();
    ck_assert(wt_fault_hit() ? rc < 0 : rc == 0);
    ck_assert_int_eq(weft_dump_on_signal(SIGUSR1), 0);
}

WT_TEST(without_a_thread_there_is_none)
{
    need_signals();
    ck_assert_uint_gt(wt_fault_run(ask_with_faults, NULL), 3);
}

WT_MAIN("api_dump_signal")
