/* SPDX-License-Identifier: MIT
 * Faults: a full stack is heard of and named, and the process dies of it all the same. */
#include "wt_test.h"

#include "plat/ctx.h"
#include "plat/fault.h"
#include "plat/stack.h"
#include "plat/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int said_to;
static struct wf_stack *sunk;

static void say(const char *text) { (void)!write(said_to, text, strlen(text)); }

static void on_fault(void *address, void *pc)
{
    if (pc == NULL)
        say("nowhere ");
    say(sunk != NULL && wf_stack_guard_holds(sunk, address) ? "overflow" : "fault");
}

/* Runs fn in a copy of this process; its status, and what it said in `text`. */
static int run_apart(void (*fn)(void), char *text, size_t size)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        said_to = ends[1];
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t n;
    while ((n = read(ends[0], text + used, size - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return status;
}

static struct wf_ctx native, deep;

__attribute__((noinline)) static int sink(volatile char *at, int depth)
{
    volatile char room[512];
    room[0] = at[0];
    if (depth < 0)
        return room[0];
    int below = sink(room, depth + 1);
    return below + room[0];
}

static void entry_that_sinks(void *arg)
{
    volatile char start[1] = { 0 };
    *(volatile int *)arg = sink(start, 0);
    wf_ctx_exit(&deep, &native);
}

static void overflow(void)
{
    struct wf_fault_stack own;
    int unused;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
    sunk = wf_stack_take(NULL);
    ck_assert_int_eq(wf_fault_install(on_fault), 0);
    ck_assert_int_eq(wf_fault_thread_begin(&own), 0);
    wf_ctx_adopt(&native);
    wf_ctx_make(&deep, wf_stack_low(sunk), wf_stack_top(sunk), entry_that_sinks, &unused);
    wf_ctx_switch(&native, &deep);
}

WT_TEST(a_full_stack_is_named)
{
    char text[64];
    int status = run_apart(overflow, text, sizeof text);
    ck_assert_str_eq(text, "overflow");
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}

static void plain_fault(void)
{
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_int_eq(wf_fault_install(on_fault), 0);
    *(volatile char *)page = 1;
}

WT_TEST(another_fault_is_no_overflow)
{
    char text[64];
    int status = run_apart(plain_fault, text, sizeof text);
    ck_assert_str_eq(text, "fault");
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}

static void from_outside(void)
{
    ck_assert_int_eq(wf_fault_install(on_fault), 0);
    kill(getpid(), SIGSEGV);
    for (;;)
        pause();
}

WT_TEST(a_signal_from_outside_kills_without_a_report)
{
    char text[64];
    int status = run_apart(from_outside, text, sizeof text);
    ck_assert_str_eq(text, "");
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
}

static void earlier(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    say(" then the handler before");
    (void)raise(SIGKILL);
}

static void earlier_plain(int sig) { earlier(sig, NULL, NULL); }

static void chained(void)
{
    struct sigaction action = { .sa_sigaction = earlier, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    plain_fault();
}

static void chained_plain(void)
{
    signal(SIGSEGV, earlier_plain);
    plain_fault();
}

WT_TEST(the_handler_before_has_its_turn)
{
    char text[64];
    int status = run_apart(chained, text, sizeof text);
    ck_assert_str_eq(text, "fault then the handler before");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    status = run_apart(chained_plain, text, sizeof text);
    ck_assert_str_eq(text, "fault then the handler before");
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    ck_assert_int_eq(wf_fault_install(on_fault), 0);
    raise(SIGSEGV);
    say("ignored ");
    plain_fault();
}

WT_TEST(a_real_fault_is_not_ignored)
{
    char text[64];
    int status = run_apart(ignored, text, sizeof text);
    ck_assert_str_eq(text, "ignored fault");
    ck_assert(WIFSIGNALED(status));
}

static void *handler_of(int sig)
{
    struct sigaction now;
    sigaction(sig, NULL, &now);
    return (now.sa_flags & SA_SIGINFO) ? (void *)now.sa_sigaction : (void *)now.sa_handler;
}

WT_TEST(uninstalling_puts_back_what_was_there)
{
    void *before = handler_of(SIGSEGV);
    ck_assert_int_eq(wf_fault_install(on_fault), 0);
    ck_assert(handler_of(SIGSEGV) != before);
    wf_fault_uninstall();
    ck_assert(handler_of(SIGSEGV) == before);

    ck_assert_int_eq(wf_fault_install(on_fault), 0);
    signal(SIGSEGV, earlier_plain);
    wf_fault_uninstall();
    ck_assert(handler_of(SIGSEGV) == (void *)earlier_plain);
}

static void *refuse_to_map(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(a_signal_stack_comes_and_goes)
{
    struct wf_fault_stack own, second;
    stack_t now, none = { .ss_flags = SS_DISABLE }, before;
    sigaltstack(&none, &before); /* a sanitizer's */
    wf_sys.map = refuse_to_map;
    ck_assert_int_eq(wf_fault_thread_begin(&own), -ENOMEM);
    wf_sys.map = wf_sys_real.map;
    ck_assert_int_eq(wf_fault_thread_begin(&own), 0);
    sigaltstack(NULL, &now);
    ck_assert_ptr_eq(now.ss_sp, own.base);
    ck_assert_uint_ge(now.ss_size, 65536);
    ck_assert_int_eq(wf_fault_thread_begin(&second), 0);
    ck_assert_ptr_null(second.base);
    wf_fault_thread_end(&second);
    wf_fault_thread_end(&own);
    sigaltstack(NULL, &now);
    ck_assert_int_eq(now.ss_flags, SS_DISABLE);
    sigaltstack(&before, NULL);
}

WT_MAIN("plat_fault")
