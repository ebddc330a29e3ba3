/* SPDX-License-Identifier: MIT
 * A child holds the writing end of a pipe for as long as it lives: its end is the end of the pipe,
 * which can be waited for with a limit. */
#include "plat/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void wf_process_exit(int code)
{
    (void)fflush(NULL);
    _exit(code);
}

static int64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* False: it still lives when the time is up. */
static bool await_end(int fd, int64_t limit_ns)
{
    int64_t until_ns = now_ns() + limit_ns;
    for (;;) {
        int64_t left_ms = (until_ns - now_ns()) / 1000000;
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int n = poll(&wait, 1, (int)WF_MIN(WF_MAX(left_ms, INT64_C(0)), INT64_C(1000000)));
        if (n > 0)
            return true;
        if ((n == 0 && left_ms <= 0) || (n < 0 && errno != EINTR))
            return false;
    }
}

static void reap(pid_t child, struct wf_process_end *end)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int wf_process_run(int (*fn)(void *arg), void *arg, int64_t limit_ns, struct wf_process_end *end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    (void)fflush(NULL); /* or the child would write it once more */
    pid_t child = fork();
    if (child < 0) {
        int rc = -errno;
        (void)close(ends[0]);
        (void)close(ends[1]);
        return rc;
    }
    if (child == 0) {
        (void)close(ends[0]);
        wf_process_exit(fn(arg));
    }
    (void)close(ends[1]);
    *end = (struct wf_process_end){ .is_late = !await_end(ends[0], limit_ns) };
    if (end->is_late)
        (void)kill(child, SIGKILL);
    reap(child, end);
    (void)close(ends[0]);
    return 0;
}

void *wf_process_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void wf_process_unshare(void *memory, size_t size) { (void)munmap(memory, size); }

/* LeakSanitizer's, where it is linked. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

bool wf_process_has_lost_memory(void)
{
    return __lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check() != 0;
}

void wf_process_command(char *out, size_t size)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;
    if (fd >= 0)
        (void)close(fd);
    out[WF_MAX(n, (ssize_t)0)] = '\0';
    for (ssize_t i = 0; i < n - 1; i++)
        if (out[i] == '\0')
            out[i] = ' ';
}

void wf_fds_open(struct wf_fd_set *out)
{
    *out = (struct wf_fd_set){ 0 };
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    if (folder == NULL)
        return;
    while ((entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(folder) && fd >= 0 && fd < WF_FD_LIMIT)
            out->bits[fd / 64] |= UINT64_C(1) << (fd % 64);
    }
    (void)closedir(folder);
}

void wf_fd_describe(int fd, char *out, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, out, size - 1);
    out[WF_MAX(n, (ssize_t)0)] = '\0';
}
