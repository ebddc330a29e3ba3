/* SPDX-License-Identifier: MIT
 * Processes as a program uses them: each test starts small programs that any system has. Processes
 * are real, so there is no simulation. */
#include "wt_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

#define SH(script) ((const char *const[]){ "sh", "-c", script, NULL })
#define CAT        ((const char *const[]){ "cat", NULL })

static void need_processes(void)
{
    if (wt_is_sim())
        wt_skip("processes are real");
}

static bool is_text(const weft_text *text, const char *expected)
{
    return text->size == strlen(expected) && memcmp(text->data, expected, text->size) == 0;
}

/* Nothing is left of it, not even a zombie. */
static bool is_gone(int pid) { return kill(pid, 0) < 0 && errno == ESRCH; }

static weft_output run(const char *script, const weft_process_opts *opts)
{
    weft_output output = { .exit.code = -2 };
    ck_assert_int_eq(weft_process_run(SH(script), opts, NULL, 0, &output), 0);
    return output;
}

static weft_process *start(const char *const *argv, const weft_process_opts *opts)
{
    weft_process *process = NULL;
    ck_assert_int_eq(weft_process_open(argv, opts, &process), 0);
    return process;
}

/* ---- running ----------------------------------------------------------------------------------- */

static int run_cat(void *arg)
{
    weft_output output;
    (void)arg;
    WEFT_TRY(weft_process_run(CAT, NULL, "hello", 5, &output));
    ck_assert(is_text(&output.out, "hello"));
    ck_assert(is_text(&output.err, ""));
    ck_assert_int_eq(output.exit.code, 0);
    ck_assert_int_eq(output.exit.signal, 0);
    weft_output_drop(&output);
    ck_assert_ptr_null(output.out.data);
    return 0;
}

WT_TEST(a_task_runs_a_program)
{
    need_processes();
    ck_assert_int_eq(weft_run(run_cat, NULL), 0);
}

WT_TEST(a_plain_thread_runs_a_program)
{
    need_processes();
    ck_assert_int_eq(run_cat(NULL), 0);
}

WT_TEST(its_end_is_a_code_or_a_signal)
{
    need_processes();
    weft_output output = run("echo out; echo err >&2; exit 7", NULL);
    ck_assert_int_eq(output.exit.code, 7);
    ck_assert_int_eq(output.exit.signal, 0);
    ck_assert(is_text(&output.out, "out\n"));
    ck_assert(is_text(&output.err, "err\n"));
    weft_output_drop(&output);
    output = run("kill -USR1 $$", NULL);
    ck_assert_int_eq(output.exit.code, -1);
    ck_assert_int_eq(output.exit.signal, SIGUSR1);
    weft_output_drop(&output);
}

/* Far more than pipes hold, in three directions at once. */
WT_TEST(pipes_never_fill_up)
{
    need_processes();
    enum { SIZE = 1 << 20 };
    char *input = malloc(SIZE);
    memset(input, 'x', SIZE);
    weft_output output;
    ck_assert_int_eq(weft_process_run(SH("tee /dev/stderr"), NULL, input, SIZE, &output), 0);
    ck_assert_uint_eq(output.out.size, SIZE);
    ck_assert_uint_eq(output.err.size, SIZE);
    ck_assert_int_eq(memcmp(output.out.data, input, SIZE), 0);
    weft_output_drop(&output);
    free(input);
}

WT_TEST(input_that_nobody_reads_is_no_error)
{
    need_processes();
    enum { SIZE = 1 << 20 };
    char *input = calloc(1, SIZE);
    weft_output output;
    ck_assert_int_eq(weft_process_run(SH("exit 3"), NULL, input, SIZE, &output), 0);
    ck_assert_int_eq(output.exit.code, 3);
    weft_output_drop(&output);
    free(input);
}

WT_TEST(output_has_a_limit)
{
    need_processes();
    weft_output output = { .exit.code = 99 };
    const weft_process_opts *opts = WEFT_OPTS(process, .max_output = 1000);
    ck_assert_int_eq(weft_process_run(SH("while :; do echo yes; done"), opts, NULL, 0, &output),
                     WEFT_EOVERFLOW);
    ck_assert_int_eq(output.exit.code, 99);
}

/* A child that does not share our memory, as under some emulators, can only end with 127. */
static void check_not_found(const char *const *argv, const weft_process_opts *opts)
{
    weft_process *process = NULL;
    weft_exit how;
    int rc = weft_process_open(argv, opts, &process);
    if (rc == 0) {
        ck_assert_int_eq(weft_process_wait(process, &how), 0);
        ck_assert_int_eq(how.code, 127);
        ck_assert_int_eq(weft_process_close(process), 0);
    } else {
        ck_assert_int_eq(rc, -ENOENT);
        ck_assert_ptr_null(process);
    }
}

WT_TEST(what_cannot_be_started_says_why)
{
    need_processes();
    const char *const none[] = { "/nowhere/to/be/found", NULL }, *const empty[] = { NULL };
    weft_process *process = NULL;
    int fds[65] = { 0 };
    check_not_found(none, NULL);
    check_not_found(CAT, WEFT_OPTS(process, .folder = "/nowhere"));
    ck_assert_int_eq(
        weft_process_open(CAT, WEFT_OPTS(process, .in = WEFT_AT_FILE("/nowhere")), &process),
        -ENOENT);
    ck_assert_int_eq(weft_process_open(CAT, WEFT_OPTS(process, .out = WEFT_AT_FD(-1)), &process),
                     -EBADF);
    ck_assert_int_eq(weft_process_open(empty, NULL, &process), WEFT_EINVAL);
    ck_assert_int_eq(weft_process_open(CAT, WEFT_OPTS(process, .in = WEFT_LIKE_STDOUT), &process),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_process_open(CAT, WEFT_OPTS(process, .fds = fds, .n_fds = 65), &process),
                     WEFT_EINVAL);
    ck_assert_ptr_null(process);
}

/* ---- what the child is given --------------------------------------------------------------------- */

WT_TEST(it_has_the_environment_and_the_folder_it_is_given)
{
    need_processes();
    const char *const env[] = { "WORD=given", NULL };
    weft_output output = run("echo \"$WORD\"; pwd", WEFT_OPTS(process, .env = env, .folder = "/"));
    ck_assert(is_text(&output.out, "given\n/\n"));
    weft_output_drop(&output);
}

WT_TEST(streams_go_to_files_descriptors_and_nowhere)
{
    need_processes();
    char path[] = "/tmp/weft_process_XXXXXX";
    int fd = mkstemp(path);
    weft_output output = run(
        "echo one; echo no >&2",
        WEFT_OPTS(process, .in = WEFT_NOWHERE, .out = WEFT_AT_FILE(path), .err = WEFT_NOWHERE));
    ck_assert_ptr_null(output.out.data);
    ck_assert_ptr_null(output.err.data);
    output = run("cat; echo two; echo three >&2",
                 WEFT_OPTS(process, .in = WEFT_NOWHERE, .out = WEFT_APPENDED(path),
                           .err = WEFT_LIKE_STDOUT));
    weft_output_drop(&output);
    output = run("cat", WEFT_OPTS(process, .in = WEFT_AT_FD(fd), .err = WEFT_NOWHERE));
    ck_assert(is_text(&output.out, "one\ntwo\nthree\n"));
    weft_output_drop(&output);
    close(fd);
    unlink(path);
}

static char fifo_path[64];

static void make_fifo(void)
{
    need_processes();
    snprintf(fifo_path, sizeof fifo_path, "/tmp/weft-process-fifo-%d", (int)getpid());
    unlink(fifo_path);
    ck_assert_int_eq(mkfifo(fifo_path, 0600), 0);
}

WEFT_TASK(write_fifo) { return weft_whole_write(fifo_path, "hello", 5); }

WEFT_TASK(read_fifo)
{
    char *data = NULL;
    size_t size = 0;
    ck_assert_int_eq(weft_whole_read(fifo_path, &data, &size), 0);
    ck_assert_int_eq(size, 5);
    ck_assert_int_eq(memcmp(data, "hello", 5), 0);
    weft_free(data);
    return 0;
}

WT_TEST(an_input_that_is_a_named_pipe_has_what_its_writer_writes)
{
    make_fifo();
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, write_fifo), 0);
    weft_output output = run("cat", WEFT_OPTS(process, .in = WEFT_AT_FILE(fifo_path)));
    ck_assert(is_text(&output.out, "hello"));
    weft_output_drop(&output);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    unlink(fifo_path);
}

WT_TEST(an_output_that_is_a_named_pipe_comes_to_its_reader)
{
    make_fifo();
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, read_fifo), 0);
    weft_output output = run("printf hello", WEFT_OPTS(process, .out = WEFT_AT_FILE(fifo_path)));
    weft_output_drop(&output);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    unlink(fifo_path);
}

WEFT_TASK(start_without_another_side, (const weft_process_opts *, opts))
{
    weft_process *process = NULL;
    int rc = weft_process_open(CAT, opts, &process);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return rc;
}

static void cancel_a_start(const weft_process_opts *opts)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(5));
    ck_assert_int_eq(weft_spawn(&scope, start_without_another_side, opts), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
}

WT_TEST(a_cancel_ends_the_wait_for_the_other_side_of_a_named_pipe)
{
    make_fifo();
    cancel_a_start(WEFT_OPTS(process, .in = WEFT_AT_FILE(fifo_path)));
    cancel_a_start(WEFT_OPTS(process, .out = WEFT_APPENDED(fifo_path)));
    unlink(fifo_path);
}

WT_TEST(it_has_the_descriptors_it_is_given_and_no_others)
{
    need_processes();
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0); /* not close-on-exec */
    int far = fcntl(fds[1], F_DUPFD, 50);
    ck_assert_int_ge(far, 50);
    ck_assert_int_eq(write(fds[1], "through", 7), 7);
    close(fds[1]);
    const weft_process_opts *opts = WEFT_OPTS(process, .fds = &fds[0], .n_fds = 1);
    weft_output output = run(
        "head -c 7 <&3; for i in 4 5 6 7 8 50 51; do test -e /proc/$$/fd/$i && echo $i; done",
        opts);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    ck_assert_str_eq(output.out.data, "through");
#endif
    weft_output_drop(&output);
    close(fds[0]);
    close(far);
}

static int look_at_signals(void *arg)
{
    weft_output output;
    const char *const argv[] = { "grep", "-E", "SigBlk|SigIgn", "/proc/self/status", NULL };
    (void)arg;
    WEFT_TRY(weft_process_run(argv, NULL, NULL, 0, &output));
    unsigned long long blocked = strtoull(strstr(output.out.data, "SigBlk:") + 7, NULL, 16);
    unsigned long long ignored = strtoull(strstr(output.out.data, "SigIgn:") + 7, NULL, 16);
    ck_assert_uint_eq(blocked, 0);
    ck_assert_uint_eq(ignored >> (SIGPIPE - 1) & 1, 0);
    weft_output_drop(&output);
    return 0;
}

WT_TEST(it_hears_all_signals)
{
    need_processes();
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    ck_assert_int_eq(weft_run(look_at_signals, NULL), 0);
    ck_assert(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

/* ---- streams ------------------------------------------------------------------------------------- */

static int read_lines(void *arg)
{
    WEFT_AUTO(weft_process, process);
    WEFT_RX(weft_line, lines);
    weft_exit how;
    int n = 0;
    (void)arg;
    WEFT_TRY(weft_process_open(
        SH("read a; echo first $a; read b; echo second $b >&2; echo third"),
        WEFT_OPTS(process, .in = WEFT_PIPE, .out = WEFT_PIPE, .err = WEFT_LIKE_STDOUT), &process));
    WEFT_TRY(weft_process_lines(process, WEFT_STDOUT, NULL, &lines));
    ck_assert_int_eq(weft_process_lines(process, WEFT_STDOUT, NULL, &lines), WEFT_EINVAL);
    ck_assert_int_eq(weft_process_lines(process, WEFT_STDERR, NULL, &lines), WEFT_EINVAL);
    WEFT_TRY(weft_process_write(process, "x\n", 2, NULL));
    weft_each (line, lines) {
        if (++n == 1) {
            ck_assert_int_eq(strncmp(line.data, "first x", line.size), 0);
            WEFT_TRY(weft_process_end_input(process));
            ck_assert_int_eq(weft_process_write(process, "x", 1, NULL), WEFT_EINVAL);
        }
    }
    ck_assert_int_eq(n, 3);
    WEFT_TRY(weft_process_wait(process, &how));
    WEFT_TRY(weft_process_wait(process, &how));
    ck_assert_int_eq(how.code, 0);
    return weft_error(lines);
}

WT_TEST(a_conversation_by_lines)
{
    need_processes();
    ck_assert_int_eq(weft_run(read_lines, NULL), 0);
}

static int read_chunks(void *arg)
{
    WEFT_AUTO(weft_process, process);
    WEFT_RX(weft_line, chunks);
    size_t size = 0;
    (void)arg;
    WEFT_TRY(weft_process_open(SH("head -c 300000 /dev/zero"), WEFT_OPTS(process, .out = WEFT_PIPE),
                               &process));
    WEFT_TRY(weft_process_chunks(process, WEFT_STDOUT, &chunks));
    weft_each (chunk, chunks)
        size += chunk.size;
    ck_assert_uint_eq(size, 300000);
    return weft_error(chunks);
}

WT_TEST(output_in_chunks)
{
    need_processes();
    ck_assert_int_eq(weft_run(read_chunks, NULL), 0);
}

static int send_texts(void *arg)
{
    WEFT_AUTO(weft_process, process);
    WEFT_TX(weft_text, input);
    WEFT_RX(weft_line, lines);
    WEFT_SCOPE(scope);
    int n = 0;
    (void)arg;
    WEFT_TRY(
        weft_process_open(CAT, WEFT_OPTS(process, .in = WEFT_PIPE, .out = WEFT_PIPE), &process));
    WEFT_TRY(weft_process_input(process, 2, &input));
    WEFT_TRY(weft_process_lines(process, WEFT_STDOUT, NULL, &lines));
    for (int i = 0; i < 5; i++) {
        weft_text text;
        WEFT_TRY(weft_text_copy((weft_line){ (char[]){ "hello\n" }, 6 }, &text));
        WEFT_TRY(weft_send(input, text));
    }
    WEFT_DROP(input);
    weft_each (line, lines) {
        ck_assert_uint_eq(line.size, 5);
        n++;
    }
    ck_assert_int_eq(n, 5);
    return weft_scope_wait(&scope);
}

WT_TEST(input_through_a_sender)
{
    need_processes();
    ck_assert_int_eq(weft_run(send_texts, NULL), 0);
}

static int send_to_the_deaf(void *arg)
{
    WEFT_AUTO(weft_process, process);
    WEFT_TX(weft_text, input);
    WEFT_SCOPE(scope);
    int rc = 0;
    (void)arg;
    WEFT_TRY(weft_process_open(SH("exit 0"), WEFT_OPTS(process, .in = WEFT_PIPE), &process));
    WEFT_TRY(weft_process_input(process, 2, &input));
    while (rc == 0) {
        weft_text text;
        WEFT_TRY(weft_text_copy((weft_line){ (char[]){ "hello\n" }, 6 }, &text));
        rc = weft_send(input, text);
        if (rc < 0)
            weft_text_drop(&text);
    }
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    return weft_scope_wait(&scope);
}

WT_TEST(its_sender_is_closed_when_it_reads_no_more)
{
    need_processes();
    ck_assert_int_eq(weft_run(send_to_the_deaf, NULL), 0);
}

/* ---- waiting and ending -------------------------------------------------------------------------- */

static int wait_in_vain(void *arg)
{
    WEFT_AUTO(weft_process, process);
    weft_exit how = { .code = 99 };
    (void)arg;
    WEFT_TRY(weft_process_open(CAT, WEFT_OPTS(process, .in = WEFT_PIPE), &process));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq(weft_process_wait(process, &how), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    ck_assert_int_eq(how.code, 99);
    WEFT_TRY(weft_process_end_input(process));
    WEFT_TRY(weft_process_wait(process, &how));
    ck_assert_int_eq(how.code, 0);
    ck_assert_int_eq(weft_process_signal(process, SIGTERM), -ESRCH);
    ck_assert(is_gone(weft_process_id(process)));
    return 0;
}

WT_TEST(a_wait_that_is_cancelled_leaves_it_running)
{
    need_processes();
    ck_assert_int_eq(weft_run(wait_in_vain, NULL), 0);
}

WT_TEST(a_signal_reaches_it)
{
    need_processes();
    WEFT_AUTO(weft_process, process);
    weft_exit how;
    process = start(CAT, WEFT_OPTS(process, .in = WEFT_PIPE));
    ck_assert_int_eq(weft_process_signal(process, SIGUSR2), 0);
    ck_assert_int_eq(weft_process_wait(process, &how), 0);
    ck_assert_int_eq(how.signal, SIGUSR2);
}

WEFT_TASK(keep_one, (atomic_int *, pid))
{
    WEFT_AUTO(weft_process, process);
    weft_exit how;
    WEFT_TRY(weft_process_open(CAT, WEFT_OPTS(process, .in = WEFT_PIPE, .grace_ns = WEFT_SEC(100)),
                               &process));
    atomic_store(pid, weft_process_id(process));
    return weft_process_wait(process, &how);
}

static int leave_one(void *arg)
{
    atomic_int pid = 0;
    (void)arg;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, keep_one, &pid));
        while (atomic_load(&pid) == 0)
            WEFT_TRY(weft_pause());
    }
    ck_assert(is_gone(atomic_load(&pid)));
    return 0;
}

WT_TEST(leaving_the_scope_ends_it)
{
    need_processes();
    ck_assert_int_eq(weft_run(leave_one, NULL), 0);
}

/* Reads its first line: from then on it is as it wants to be. */
static void await_line(weft_process *process, weft_receiver **out_rx)
{
    weft_line line;
    ck_assert_int_eq(weft_process_lines_open(process, WEFT_STDOUT, NULL, out_rx), 0);
    ck_assert_int_eq(weft_receiver_recv(*out_rx, &line, sizeof line), 1);
}

WT_TEST(one_that_ignores_the_end_is_killed_after_its_grace)
{
    need_processes();
    WEFT_RX(weft_line, lines);
    weft_process *process = start(SH("trap '' TERM; echo ready; exec sleep 1000"),
                                  WEFT_OPTS(process, .out = WEFT_PIPE, .grace_ns = WEFT_MS(1)));
    int pid = weft_process_id(process);
    await_line(process, WEFT_RX_SLOT_(weft_line, &lines));
    ck_assert_int_eq(weft_process_close(process), 0);
    ck_assert(is_gone(pid));
}

WT_TEST(one_that_obeys_has_time_to)
{
    need_processes();
    WEFT_RX(weft_line, lines);
    weft_line line;
    weft_process *process = start(SH("trap 'echo bye; exit' TERM; echo ready; while :; do :; done"),
                                  WEFT_OPTS(process, .out = WEFT_PIPE, .grace_ns = WEFT_SEC(100)));
    await_line(process, WEFT_RX_SLOT_(weft_line, &lines));
    ck_assert_int_eq(weft_process_close(process), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_int_eq(strncmp(line.data, "bye", line.size), 0);
}

WT_TEST(whoever_takes_the_end_is_told_of)
{
    need_processes();
    WEFT_AUTO(weft_process, process);
    weft_exit how = { .code = 99 };
    process = start(SH("exit 0"), NULL);
    ck_assert_int_eq(waitpid(weft_process_id(process), NULL, 0), weft_process_id(process));
    ck_assert_int_eq(weft_process_wait(process, &how), -ECHILD);
    ck_assert_int_eq(how.code, 99);
}

/* ---- faults -------------------------------------------------------------------------------------- */

static void run_with_faults(void *arg)
{
    weft_output output;
    (void)arg;
    wt_fault_on(WT_FAULT_ALL);
    int rc = weft_process_run(CAT, NULL, "hello", 5, &output);
    wt_fault_off();
    ck_assert(rc == 0 || wt_fault_hit());
    if (rc == 0)
        weft_output_drop(&output);
}

WT_TEST(every_failure_is_told_and_leaves_nothing)
{
    need_processes();
    ck_assert_uint_gt(wt_fault_run(run_with_faults, NULL), 10);
}

/* Where nobody may wait for a child, its output is there all the same. */
WT_TEST(output_is_there_also_when_the_end_is_not_told)
{
    need_processes();
    static const char *const argv[] = { "echo", "said", NULL };
    weft_output output = { .exit = { .code = 0 } };
    ck_assert_ptr_ne(signal(SIGCHLD, SIG_IGN), SIG_ERR);
    ck_assert_int_eq(weft_process_run(argv, NULL, NULL, 0, &output), 0);
    ck_assert_ptr_ne(signal(SIGCHLD, SIG_DFL), SIG_ERR);
    ck_assert_str_eq(output.out.data, "said\n");
    ck_assert_int_eq(output.exit.code, -ECHILD);
    ck_assert_int_eq(output.exit.signal, 0);
    weft_output_drop(&output);
}

WT_MAIN("process")
