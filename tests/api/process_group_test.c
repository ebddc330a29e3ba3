/* SPDX-License-Identifier: MIT
 * Process groups as a program uses them: whoever a process has left behind ends with it. The others
 * hold the other end of a pipe, so the end of that is the end of all. Processes are real, so there is
 * no simulation. */
#include "wt_test.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <weft.h>

static void need_processes(void)
{
    if (wt_is_sim())
        wt_skip("processes are real");
}

/* Nothing is left of it, not even a zombie. */
static bool is_gone(int pid) { return kill(pid, 0) < 0 && errno == ESRCH; }

/* With the lines that it writes. Its first one says that it is as it wants to be. */
static weft_process *start_group(const char *script, int64_t grace_ns, weft_receiver **out_lines)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    weft_process *process = NULL;
    weft_line line;
    ck_assert_int_eq(weft_process_open(argv,
                                       WEFT_OPTS(process, .in = WEFT_PIPE, .out = WEFT_PIPE,
                                                 .new_group = true, .grace_ns = grace_ns),
                                       &process),
                     0);
    ck_assert_int_eq(weft_process_lines_open(process, WEFT_STDOUT, NULL, out_lines), 0);
    ck_assert_int_eq(weft_receiver_recv(*out_lines, &line, sizeof line), 1);
    return process;
}

WT_TEST(a_group_ends_as_a_whole)
{
    need_processes();
    for (int i = 0; i < 2; i++) {
        WEFT_RX(weft_line, lines);
        weft_line line;
        weft_exit how;
        weft_process *process = start_group(i == 0 ? "sleep 1000 & echo ready; wait"
                                                   : "sleep 1000 & echo ready",
                                            0, WEFT_RX_SLOT_(weft_line, &lines));
        int pid = weft_process_id(process);
        if (i == 1)
            ck_assert_int_eq(weft_process_wait(process, &how), 0);
        ck_assert_int_eq(weft_process_close(process), 0);
        ck_assert_int_eq(weft_recv(lines, &line), 0);
        ck_assert(is_gone(pid));
    }
}

#define OBEYING "trap 'echo bye; exit' TERM; echo ready; while :; do :; done"
#define DEAF    "trap '' TERM; echo ready; exec sleep 1000"

WT_TEST(others_that_obey_have_time_to)
{
    need_processes();
    static const char *const scripts[] = { "(" OBEYING ") & wait", "(" OBEYING ") &" };
    for (int i = 0; i < 2; i++) {
        WEFT_RX(weft_line, lines);
        weft_line line;
        weft_exit how;
        weft_process *process = start_group(scripts[i], WEFT_SEC(100),
                                            WEFT_RX_SLOT_(weft_line, &lines));
        if (i == 1)
            ck_assert_int_eq(weft_process_wait(process, &how), 0);
        ck_assert_int_eq(weft_process_close(process), 0);
        ck_assert_int_eq(weft_recv(lines, &line), 1);
        ck_assert_int_eq(strncmp(line.data, "bye", line.size), 0);
        ck_assert_int_eq(weft_recv(lines, &line), 0);
    }
}

WT_TEST(others_that_ignore_the_end_are_killed_after_the_grace)
{
    need_processes();
    WEFT_RX(weft_line, lines);
    weft_line line;
    weft_exit how;
    weft_process *process = start_group("(" DEAF ") &", WEFT_MS(1),
                                        WEFT_RX_SLOT_(weft_line, &lines));
    ck_assert_int_eq(weft_process_wait(process, &how), 0);
    ck_assert_int_eq(weft_process_close(process), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
}

/* A signal of number 0 to our own group asks whether the kernel knows how. */
static void need_group_signals(void)
{
    int rc = -1;
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal)
    int fd = (int)syscall(SYS_pidfd_open, getpgrp(), 0);
    rc = (int)syscall(SYS_pidfd_send_signal, fd, 0, NULL, 1 << 2);
    close(fd);
#endif
    if (rc < 0)
        wt_skip("this kernel sends no signal to a group by a pidfd");
}

WT_TEST(others_end_also_when_nobody_keeps_the_number)
{
    need_processes();
    need_group_signals();
    struct sigaction before, ignore = { .sa_handler = SIG_IGN };
    sigemptyset(&ignore.sa_mask);
    ck_assert_int_eq(sigaction(SIGCHLD, &ignore, &before), 0);
    /* It must not end before it was opened: it waits for the end of its input. */
    static const char *const scripts[] = { "(" OBEYING ") & cat", "(" DEAF ") & cat" };
    for (int i = 0; i < 2; i++) {
        WEFT_RX(weft_line, lines);
        weft_line line;
        weft_exit how;
        weft_process *process = start_group(scripts[i], i == 0 ? WEFT_SEC(100) : WEFT_MS(1),
                                            WEFT_RX_SLOT_(weft_line, &lines));
        ck_assert_int_eq(weft_process_end_input(process), 0);
        ck_assert_int_eq(weft_process_wait(process, &how), -ECHILD);
        ck_assert_int_eq(weft_process_close(process), 0);
        if (i == 0)
            ck_assert_int_eq(weft_recv(lines, &line), 1);
        ck_assert_int_eq(weft_recv(lines, &line), 0);
    }
    ck_assert_int_eq(sigaction(SIGCHLD, &before, NULL), 0);
}

WT_MAIN("process_group")
