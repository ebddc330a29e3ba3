/* SPDX-License-Identifier: MIT
 * OS threads: name, signals, the pointer of plat/self.h, and what happens when there are no more. */
#include "wt_test.h"

#include "plat/futex.h"
#include "plat/mem.h"
#include "plat/self.h"
#include "plat/sys.h"
#include "plat/fork.h"
#include "plat/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void nothing(void *arg) { (void)arg; }

static char name_seen[32];
static sigset_t mask_seen;

static void look_around(void *arg)
{
    *(int *)arg = wf_thread_id();
    prctl(PR_GET_NAME, name_seen);
    pthread_sigmask(SIG_SETMASK, NULL, &mask_seen);
}

WT_TEST(a_thread_has_a_name_and_hears_only_its_own_faults)
{
    struct wf_os_thread thread;
    sigset_t before, after;
    int id = 0;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(wf_thread_create(&thread, "a name that is too long", look_around, &id), 0);
    wf_thread_join(&thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_str_eq(name_seen, "a name that is ");
    ck_assert_int_ne(id, 0);
    ck_assert_int_ne(id, wf_thread_id());
    ck_assert_int_eq(wf_thread_id(), getpid());
    const int deaf_to[] = { SIGINT, SIGTERM, SIGPIPE, SIGCHLD, SIGALRM, SIGUSR1, SIGHUP };
    const int hears[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF };
    for (size_t i = 0; i < sizeof deaf_to / sizeof *deaf_to; i++)
        ck_assert(sigismember(&mask_seen, deaf_to[i]));
    for (size_t i = 0; i < sizeof hears / sizeof *hears; i++)
        ck_assert(!sigismember(&mask_seen, hears[i]));
    for (int sig = 1; sig < 32; sig++)
        ck_assert_int_eq(sigismember(&after, sig), sigismember(&before, sig));
}

static int no_more_threads(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    (void)out, (void)name, (void)fn, (void)arg;
    return -EAGAIN;
}

static void *refuse_to_alloc(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(failing_to_start_a_thread_is_a_code)
{
    struct wf_os_thread thread = { 77 };
    size_t n_live = wf_mem_live();
    wf_sys.thread_create = no_more_threads;
    ck_assert_int_eq(wf_thread_create(&thread, "x", nothing, NULL), -EAGAIN);
    wf_sys.thread_create = wf_sys_real.thread_create;
    wf_sys.alloc = refuse_to_alloc;
    ck_assert_int_eq(wf_thread_create(&thread, "x", nothing, NULL), -ENOMEM);
    wf_sys.alloc = wf_sys_real.alloc; /* for the end of the test */
    ck_assert_uint_eq(thread.handle, 77);
    ck_assert_uint_eq(wf_mem_live(), n_live);
}

static void say_id(void *arg) { *(int *)arg = wf_thread_id(); }

static bool is_gone(void *arg)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d", *(int *)arg);
    return access(path, F_OK) != 0;
}

/* Once there was a thread: with the first one a sanitizer starts one of its own. It is counted for a
 * moment after its join, until the kernel, too, is done with it. */
static int count_settled(void)
{
    struct wf_os_thread thread;
    int id = 0;
    ck_assert_int_eq(wf_thread_create(&thread, "first", say_id, &id), 0);
    wf_thread_join(&thread);
    wt_until(is_gone, &id);
    int n = wf_thread_count();
    if (n < 0)
        wt_skip("threads can't be counted here");
    return n;
}

static _Atomic uint32_t go;

static void wait_for_go(void *arg)
{
    (void)arg;
    while (wf_load_acq(&go) == 0)
        (void)wf_futex_wait(&go, 0, INT64_MAX);
}

WT_TEST(threads_are_counted)
{
    struct wf_os_thread threads[3];
    wf_store_rlx(&go, 0U);
    int n_before = count_settled();
    ck_assert_int_ge(n_before, 1);
    /* A program's name may look like the fields after it. */
    prctl(PR_SET_NAME, "a) 9 9 (b");
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(wf_thread_create(&threads[i], "counted", wait_for_go, NULL), 0);
    ck_assert_int_eq(wf_thread_count(), n_before + 3);
    wf_store_rel(&go, 1U);
    wf_futex_wake(&go, 3);
    for (int i = 0; i < 3; i++)
        wf_thread_join(&threads[i]);
}

static int refuse_to_open(const char *path, int flags, unsigned mode)
{
    (void)path, (void)flags, (void)mode;
    return -ENOENT;
}

static ssize_t read_nonsense(int fd, void *buf, size_t size)
{
    (void)fd;
    memset(buf, ')', size);
    return (ssize_t)size;
}

WT_TEST(a_count_that_cannot_be_told)
{
    wf_sys.open = refuse_to_open;
    ck_assert_int_eq(wf_thread_count(), -1);
    wf_sys.open = wf_sys_real.open;
    wf_sys.read = read_nonsense;
    ck_assert_int_eq(wf_thread_count(), -1);
}

static _Atomic uintptr_t ended_self;

static void on_end(void *self) { wf_store_rel(&ended_self, (uintptr_t)self); }

static void set_self(void *arg)
{
    ck_assert_ptr_null(wf_self_get());
    wf_self_set(arg);
    ck_assert_ptr_eq(wf_self_get(), arg);
}

static void set_and_clear_self(void *arg)
{
    set_self(arg);
    wf_self_set(NULL);
    ck_assert_ptr_null(wf_self_get());
}

WT_TEST(self_belongs_to_the_thread_and_its_end_is_told)
{
    struct wf_os_thread thread;
    int mine, its;
    wf_self_on_exit(on_end);
    wf_self_set(&mine);
    ck_assert_int_eq(wf_thread_create(&thread, "self", set_self, &its), 0);
    wf_thread_join(&thread);
    ck_assert_ptr_eq(wf_self_get(), &mine);
    ck_assert_uint_eq(wf_load_acq(&ended_self), (uintptr_t)&its);
    wf_store_rlx(&ended_self, (uintptr_t)0);
    ck_assert_int_eq(wf_thread_create(&thread, "self", set_and_clear_self, &its), 0);
    wf_thread_join(&thread);
    ck_assert_uint_eq(wf_load_acq(&ended_self), 0);
    wf_self_set(NULL);
}

static int *errno_of_thread;

static void set_errno(void *arg)
{
    errno_of_thread = wf_errno_location();
    *(int *)arg = *errno_of_thread;
    *errno_of_thread = 5;
}

WT_TEST(errno_belongs_to_the_thread)
{
    struct wf_os_thread thread;
    int its = -1;
    errno = 0;
    *wf_errno_location() = 33;
    ck_assert_int_eq(errno, 33);
    ck_assert_int_eq(wf_thread_create(&thread, "errno", set_errno, &its), 0);
    wf_thread_join(&thread);
    ck_assert_int_eq(its, 0);
    ck_assert_ptr_ne(errno_of_thread, wf_errno_location());
}

static int n_forks;

static void count_fork(void) { n_forks++; }

WT_TEST(fork_is_told_in_the_child_alone)
{
    int status;
    ck_assert(wf_on_fork_child(count_fork));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(n_forks);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    ck_assert_int_eq(n_forks, 0);
}

static void end_detached(void *arg) { wf_store_rel((_Atomic uint32_t *)arg, 1U); }

static bool is_set(void *arg) { return wf_load_acq((_Atomic uint32_t *)arg) != 0; }

static bool is_alone(void *arg) { return wf_thread_count() == *(int *)arg; }

WT_TEST(a_detached_thread_needs_no_join)
{
    static _Atomic uint32_t flag;
    struct wf_os_thread thread;
    int n_before = count_settled();
    ck_assert_int_eq(wf_thread_create(&thread, "detached", end_detached, &flag), 0);
    wf_thread_detach(&thread);
    wt_until(is_set, &flag);
    wt_until(is_alone, &n_before);
}

WT_MAIN("plat_thread")
