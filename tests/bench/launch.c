/* SPDX-License-Identifier: MIT */
/* launch PROGRAM ARGUMENT...: runs it and adds its CPU time and its peak memory to what it printed.
 *
 * A program of its own because the kernel counts the memory of whoever started a process into that
 * process's peak: from a script this would be the interpreter's. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;
    pid_t child = argc > 1 ? fork() : -1;
    if (child == 0) {
        execv(argv[1], argv + 1);
        perror(argv[1]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return 126;
    printf("cpu %.6f s\n", seconds(usage.ru_utime) + seconds(usage.ru_stime));
    printf("peak %lld B\n", (long long)usage.ru_maxrss * 1024);
    fflush(stdout);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
