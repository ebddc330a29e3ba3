/* SPDX-License-Identifier: MIT
 * A socket that weft closes while a forked child has it still: what the kernel holds for epoll goes
 * with the file, not with the number, so it has to be taken back before the close. */
#include "sched/iowait.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

enum { N_BYTES = 200 };

/* ---- a child that has all descriptors of ours, until it is told to end ------------------------------- */

struct child {
    pid_t pid;
    int wire; /* it ends when nobody has the other end of this */
};

static struct child fork_child(void)
{
    int fds[2];
    OK(pipe2(fds, O_CLOEXEC));
    struct child child = { .pid = fork(), .wire = fds[1] };
    ck_assert_int_ge(child.pid, 0);
    if (child.pid == 0) {
        char byte;
        (void)close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    OK(close(fds[0]));
    return child;
}

static void end_child(struct child child)
{
    int status;
    OK(close(child.wire));
    while (waitpid(child.pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
}

/* ---- what the poller has ------------------------------------------------------------------------------- */

/* Descriptors that it is armed with, by the kernel's word; its own eventfd is one. */
static unsigned count_armed(void)
{
    char path[64], line[256];
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", wf_rt.poller.epoll_fd);
    FILE *info = fopen(path, "re");
    ck_assert_ptr_nonnull(info);
    while (fgets(line, sizeof line, info) != NULL)
        n += strncmp(line, "tfd:", 4) == 0;
    fclose(info);
    return n;
}

static uint64_t count_polls(void)
{
    weft_stats stats = { .size_ = sizeof stats };
    weft_stats_get(&stats);
    return stats.polls;
}

/* ---- sockets -------------------------------------------------------------------------------------------- */

struct ends {
    weft_socket *here, *there;
};

static struct ends open_pair(void)
{
    int fds[2];
    struct ends pair;
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    OK(weft_socket_adopt(fds[0], &pair.here));
    OK(weft_socket_adopt(fds[1], &pair.there));
    return pair;
}

WEFT_TASK(read_byte, (weft_socket *, from), (char *, out_byte))
{
    size_t n;
    return weft_socket_read_exact(from, out_byte, 1, &n);
}

/* The reader waits first, so that the poller has its socket. */
static void go_there_and_back(struct ends pair, char sent)
{
    char got = 0;
    size_t n;
    WEFT_SCOPE(scope);
    unsigned n_armed = wf_io_armed();
    OK(weft_spawn(&scope, read_byte, pair.here, &got));
    while (wf_io_armed() == n_armed)
        OK(weft_sleep(WEFT_US(50)));
    OK(weft_socket_write_all(pair.there, &sent, 1, &n));
    OK(weft_scope_wait(&scope));
    ck_assert_int_eq(got, sent);
}

static int close_one_that_a_child_has(void *arg)
{
    (void)arg;
    struct ends first = open_pair();
    go_there_and_back(first, 'a');
    unsigned n_armed = count_armed();
    int number = weft_socket_fd(first.here), there = weft_socket_fd(first.there);
    struct child child = fork_child();

    OK(weft_socket_close(first.here));
    ck_assert_uint_eq(count_armed(), n_armed - 1);
    uint64_t polls = count_polls();
    for (int i = 0; i < N_BYTES;
         i++) /* each would be an event, and makes the child's end readable */
        ck_assert_int_eq(write(there, "x", 1), 1);

    struct ends second = open_pair();
    ck_assert(weft_socket_fd(second.here) == number || weft_socket_fd(second.there) == number);
    go_there_and_back(second, 'b');
    go_there_and_back((struct ends){ second.there, second.here }, 'c');
    ck_assert_uint_lt(count_polls() - polls, N_BYTES);

    end_child(child);
    OK(weft_socket_close(first.there));
    OK(weft_socket_close(second.here));
    OK(weft_socket_close(second.there));
    ck_assert_uint_eq(count_armed(), n_armed - 1);
    return 0;
}

WT_TEST(one_that_a_child_has_still_leaves_nothing_in_the_poller)
{
    if (wt_is_sim())
        return; /* its poller is no epoll */
    OK(weft_run(close_one_that_a_child_has, NULL));
}

WT_MAIN("net_forked")
