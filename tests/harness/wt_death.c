/* SPDX-License-Identifier: MIT
 * Death tests: a function that must abort does so in a forked copy of the test's process.
 *
 * fork copies only the calling thread, so a death test comes before anything that starts threads;
 * in the simulator all threads are virtual and all of them are copied. */
#include "wt_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die_here(void (*fn)(void *arg), void *arg, int stderr_to)
{
    /* No core file for a death that was asked for. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    signal(SIGABRT, SIG_DFL);
    dup2(stderr_to, STDERR_FILENO);
    fn(arg);
    _exit(0);
}

/* Keeps what fits and reads on to the end, so that the writer never waits. */
static void read_all(int fd, char *text, size_t size)
{
    size_t used = 0;
    char block[512];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        size_t room = size - 1 - used;
        size_t keep = (size_t)n < room ? (size_t)n : room;
        memcpy(text + used, block, keep);
        used += keep;
    }
    text[used] = '\0';
}

void wt_expect_abort_at(const char *file, int line, void (*fn)(void *arg), void *arg,
                        const char *text)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        die_here(fn, arg, ends[1]);
    close(ends[1]);
    static char said[16 * 1024];
    read_all(ends[0], said, sizeof said);
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
                  "%s:%d: expected an abort with '%s', it %s %d; stderr: %s", file, line, text,
                  WIFSIGNALED(status) ? "died by signal" : "ended with",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), said);
    ck_assert_msg(strstr(said, text) != NULL, "%s:%d: it aborted, but '%s' is not in: %s", file,
                  line, text, said);
}
