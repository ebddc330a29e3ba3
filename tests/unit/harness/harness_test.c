/* SPDX-License-Identifier: MIT
 * The harness itself: what it makes of tests that pass, and, by running the victim, of tests that
 * fail. */
#include "wt_test.h"

#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the victim ------------------------------------------------------------------------------ */

struct outcome {
    int code;
    char said[16 * 1024]; /* stdout and stderr */
};

/* It lies beside this program and is of the same flavour. */
static void victim_path(char *out, size_t size)
{
    const char *mine = program_invocation_name, *slash = strrchr(mine, '/');
    int folder = slash == NULL ? 0 : (int)(slash - mine) + 1;
    snprintf(out, size, "%.*s%s-victim", folder, mine, wt_is_sim() ? "sim" : "par");
}

static _Noreturn void become_victim(int out, char **arguments)
{
    char path[4096];
    victim_path(path, sizeof path);
    arguments[0] = path;
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execv(path, arguments);
    perror(path);
    _exit(99);
}

static const struct outcome *run_victim(char **arguments)
{
    static struct outcome outcome;
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        become_victim(ends[1], arguments);
    close(ends[1]);
    size_t used = 0;
    ssize_t n;
    while ((n = read(ends[0], outcome.said + used, sizeof outcome.said - 1 - used)) > 0)
        used += (size_t)n;
    outcome.said[used] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return &outcome;
}

#define VICTIM(...) run_victim((char *[]){ NULL, __VA_ARGS__, NULL })

static void expect(const struct outcome *outcome, int code, const char *words)
{
    ck_assert_msg(outcome->code == code, "ended with %d, not %d: %s", outcome->code, code,
                  outcome->said);
    ck_assert_msg(strstr(outcome->said, words) != NULL, "'%s' is not in: %s", words, outcome->said);
}

WT_TEST(exit_codes_tell_pass_fail_and_skip)
{
    expect(VICTIM("passes"), 0, "100%");
    expect(VICTIM("waits_for_another_thread"), 0, "100%");
    expect(VICTIM("skips"), 77, "skips: skipped: there is nothing to see");
    expect(VICTIM("skips", "passes"), 0, "skips: skipped: there is nothing to see");
    expect(VICTIM("fails"), 1, "this one fails");
    expect(VICTIM("fails", "skips"), 1, "this one fails");
    expect(VICTIM("no_such_test"), 2, "no test 'no_such_test'");
    expect(VICTIM("--no-such-option"), 2, "usage:");
    expect(VICTIM("--help"), 0, "usage:");
    expect(VICTIM("--list"), 0, "passes\nwaits_for_another_thread\nskips\nfails\n");
}

WT_TEST(a_failure_on_another_thread_is_told)
{
    expect(VICTIM("fails_on_a_thread"), 1, "failed on the other thread");
}

WT_TEST(a_crash_is_told)
{
    const struct outcome *outcome = VICTIM("crashes", "passes");
    expect(outcome, 1, "crashes");
    expect(outcome, 1, "50%");
}

WT_TEST(a_failure_says_its_seed)
{
    expect(VICTIM("fails_with_seed_three", "--seed", "3"), 1, "seed 3: rerun with  ");
    expect(VICTIM("fails_with_seed_three", "--seed", "4"), 0, "100%");
    if (!wt_is_sim())
        return;
    expect(VICTIM("fails_with_seed_three", "--seeds", "2"), 0, "100%");
    expect(VICTIM("fails_with_seed_three", "--seeds", "3"), 1,
           "fails_with_seed_three --seed 3 --trace");
    expect(VICTIM("fails_with_seed_three", "--seed", "3", "--pct", "2", "--weak", "1"), 1,
           "fails_with_seed_three --seed 3 --pct 2 --weak 1 --trace");
}

WT_TEST(the_gate_finds_memory_and_descriptors)
{
    expect(VICTIM("leaks_memory"), 1, "leak gate: 1 blocks allocated");
    expect(VICTIM("leaks_a_descriptor"), 1, "leak gate: ");
}

WT_TEST(a_hang_ends)
{
    setenv("WT_TIMEOUT", "1", 1);
    expect(VICTIM("hangs", "--seeds", "1"), 1,
           wt_is_sim() ? "stuck, no thread can run" : "timeout");
}

WT_TEST(a_fault_that_is_not_coped_with_is_named)
{
    const struct outcome *outcome = VICTIM("leaks_when_the_third_allocation_fails");
    expect(outcome, 1, "leak gate: 1 blocks allocated");
    expect(outcome, 1, "fault 3: a failing alloc");
    setenv("WT_FAULTS", "2", 1);
    expect(VICTIM("leaks_when_the_third_allocation_fails"), 0, "100%");
}

WT_TEST(a_death_must_come_with_its_words)
{
    expect(VICTIM("expects_a_death_that_does_not_come"), 1, "it ended with 0");
    expect(VICTIM("expects_other_last_words"), 1, "'these words' is not in");
}

/* ---- what a body may call -------------------------------------------------------------------- */

WT_TEST(random_numbers_come_from_the_seed)
{
    uint64_t seen[100];
    for (int i = 0; i < 100; i++) {
        seen[i] = wt_random();
        for (int k = 0; k < i; k++)
            ck_assert_uint_ne(seen[i], seen[k]);
        ck_assert_uint_lt(wt_random_below(7), 7);
    }
    ck_assert_uint_ge(wt_scaled(1), 1);
}

/* Each of its three calls fails once; the fourth run has none left. */
static void use_all(void *arg)
{
    unsigned *n_bad = arg;
    wt_fault_on(WT_FAULT_MEMORY | WT_FAULT_FILE);
    void *block = wf_alloc(1, 10);
    int fd = wf_sys.open("/dev/null", O_WRONLY, 0);
    ssize_t n = fd < 0 ? fd : wf_sys.write(fd, "x", 1);
    wt_fault_off();
    bool went_wrong = block == NULL || n != 1;
    ck_assert(went_wrong == wt_fault_hit());
    *n_bad += went_wrong;
    if (fd >= 0)
        (void)wf_sys.close(fd);
    wf_free(block);
}

WT_TEST(each_call_fails_once)
{
    unsigned n_bad = 0;
    ck_assert_uint_eq(wt_fault_run(use_all, &n_bad), 4);
    ck_assert_uint_eq(n_bad, 3);
    ck_assert_ptr_eq(wf_sys.alloc, wf_sys_real.alloc);
}

WT_TEST(short_reads_and_writes_move_something)
{
    char text[64] = "";
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    wt_short_io();
    ssize_t n = wf_sys.write(ends[1], "the quick brown fox jumps over the lazy dog", 43);
    ck_assert_int_ge(n, 1);
    ck_assert_int_le(n, 16);
    ck_assert_int_ge(wf_sys.read(ends[0], text, sizeof text), 1);
    close(ends[0]);
    close(ends[1]);
}

static void abort_aloud(void *arg)
{
    fprintf(stderr, "last words of %s\n", (const char *)arg);
    abort();
}

WT_TEST(an_expected_death_is_no_failure)
{
    wt_expect_abort(abort_aloud, "the test", "words of the test");
}

WT_MAIN_BARE("harness")
