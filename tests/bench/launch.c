/* SPDX-License-Identifier: MIT */
/* launch CPUS PROGRAM ARGUMENT...: runs it on so many of the CPUs (0: on all), and adds its CPU time
 * and its peak memory to what it printed.
 *
 * A program of its own because the kernel counts the memory of whoever started a process into that
 * process's peak: from a script this would be the interpreter's. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

/* The first n_cpus of those that are ours. */
static void keep_to(int n_cpus)
{
    cpu_set_t ours, kept;
    CPU_ZERO(&kept);
    if (n_cpus <= 0 || sched_getaffinity(0, sizeof ours, &ours) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&kept) < n_cpus; cpu++)
        if (CPU_ISSET(cpu, &ours))
            CPU_SET(cpu, &kept);
    if (sched_setaffinity(0, sizeof kept, &kept) != 0)
        perror("launch");
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;
    pid_t child = argc > 2 ? fork() : -1;
    if (child == 0) {
        keep_to(atoi(argv[1]));
        execv(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 126;
    printf("cpu %.6f s\n", seconds(usage.ru_utime) + seconds(usage.ru_stime));
    printf("peak %lld B\n", (long long)usage.ru_maxrss * 1024);
    fflush(stdout);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
