/* SPDX-License-Identifier: MIT
 * posix_spawn: the child shares our memory until its program runs, with a stack of its own and all
 * signals blocked, so neither our handlers nor our locks matter to it.
 *
 * Rejected: fork, which copies page tables of a large program and runs its atfork handlers. */
#define _GNU_SOURCE 1
#include "plat/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
#define HAS_CLOSE_FROM 1
#endif

/* ---- starting -------------------------------------------------------------------------------------- */

static int add_files(posix_spawn_file_actions_t *files, const struct wf_spawn *what)
{
    int rc = 0;
    for (size_t i = 0; i < what->n_fds && rc == 0; i++)
        if (what->fds[i] >= 0)
            rc = posix_spawn_file_actions_adddup2(files, what->fds[i], (int)i);
#ifdef HAS_CLOSE_FROM
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(files, (int)what->n_fds);
#endif
    if (rc == 0 && what->folder != NULL)
        rc = posix_spawn_file_actions_addchdir_np(files, what->folder);
    return rc;
}

/* What was caught is as by default in any new program; what was ignored would stay so, and a program
 * that expects a SIGPIPE would not end. */
static int set_attributes(posix_spawnattr_t *attributes, const struct wf_spawn *what)
{
    sigset_t none, pipe_alone;
    sigemptyset(&none);
    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (what->new_group)
        flags |= POSIX_SPAWN_SETPGROUP;
    int rc = posix_spawnattr_setflags(attributes, flags);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &pipe_alone);
    return rc;
}

static int start(const struct wf_spawn *what, const posix_spawn_file_actions_t *files,
                 const posix_spawnattr_t *attributes)
{
    /* They are not written; the type is older than const. */
    char *const *argv = (char *const *)(uintptr_t)what->argv;
    char *const *env = what->env != NULL ? (char *const *)(uintptr_t)what->env : environ;
    pid_t pid;
    int rc = posix_spawnp(&pid, argv[0], files, attributes, argv, env);
    return rc != 0 ? -rc : (int)pid;
}

int wf_sys_spawn(const struct wf_spawn *what)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc != 0)
        return -rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return -rc;
    }
    rc = add_files(&files, what);
    if (rc == 0)
        rc = set_attributes(&attributes, what);
    int pid = rc != 0 ? -rc : start(what, &files, &attributes);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&files);
    return pid;
}

/* ---- its end --------------------------------------------------------------------------------------- */

int wf_spawn_watch(int pid)
{
#ifdef SYS_pidfd_open
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
#else
    (void)pid;
    return -ENOSYS;
#endif
}

int wf_spawn_reap(int pid, bool keeps, struct wf_process_status *out)
{
    siginfo_t info = { .si_pid = 0 };
    int rc;
    do
        rc = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | (keeps ? WNOWAIT : 0));
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    if (info.si_pid == 0)
        return 0;
    bool has_returned = info.si_code == CLD_EXITED;
    out->code = has_returned ? info.si_status : -1;
    out->signal = has_returned ? 0 : info.si_status;
    return 1;
}

int wf_spawn_signal(int pid, bool is_group, int number)
{
    return kill(is_group ? -pid : pid, number) < 0 ? -errno : 0;
}

/* ---- pipes ----------------------------------------------------------------------------------------- */

int wf_sys_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0; }

int wf_sys_copy_fd(int fd, int min)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, min);
    return copy < 0 ? -errno : copy;
}

/* The signal is this thread's. If it was not pending before, the one that is now is ours to take. */
ssize_t wf_write_quietly(int fd, const void *data, size_t size)
{
    static const struct timespec at_once = { 0, 0 };
    sigset_t pipe_alone, before, pending;
    sigemptyset(&pipe_alone);
    sigaddset(&pipe_alone, SIGPIPE);
    (void)sigpending(&pending);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_alone, &before);
    ssize_t n;
    do
        n = write(fd, data, size);
    while (n < 0 && errno == EINTR);
    int rc = n < 0 ? -errno : 0;
    if (rc == -EPIPE && !sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&pipe_alone, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc < 0 ? rc : n;
}
