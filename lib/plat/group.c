/* SPDX-License-Identifier: MIT
 * Process groups, as /proc shows them: proc_pid_stat(5). */
#define _GNU_SOURCE 1
#include "plat/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROCESS_GROUP = 1 << 2 }; /* PIDFD_SIGNAL_PROCESS_GROUP, pidfd_send_signal(2) */

/* One whose first thread alone has ended shows as a zombie, and has others. */
static bool is_running_member(const char *stat, int group)
{
    char state;
    int its_group;
    long n_threads;
    const char *after_name = strrchr(stat, ')'); /* a name may hold any byte */
    if (after_name == NULL ||
        sscanf(after_name + 1,
               " %c %*s %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld", &state,
               &its_group, &n_threads) != 3)
        return false;
    return its_group == group && ((state != 'Z' && state != 'X') || n_threads > 1);
}

static bool runs_in_group(int proc_fd, const char *number, int group)
{
    char path[64], stat[512];
    (void)snprintf(path, sizeof path, "%s/stat", number);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, stat, sizeof stat - 1);
    (void)close(fd);
    if (n <= 0)
        return false;
    stat[n] = '\0';
    return is_running_member(stat, group);
}

bool wf_group_is_alive(int group)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    bool is_alive = false;
    while (proc != NULL && !is_alive && (entry = readdir(proc)) != NULL)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
            is_alive = runs_in_group(dirfd(proc), entry->d_name, group);
    if (proc != NULL)
        (void)closedir(proc);
    return is_alive;
}

int wf_group_signal_by_fd(int pid_fd, int number)
{
#ifdef SYS_pidfd_send_signal
    if (pid_fd < 0)
        return -ESRCH;
    if (syscall(SYS_pidfd_send_signal, pid_fd, number, NULL, PROCESS_GROUP) == 0)
        return 0;
    return errno == EPERM ? -EPERM : -ESRCH;
#else
    (void)pid_fd, (void)number;
    return -ESRCH;
#endif
}
