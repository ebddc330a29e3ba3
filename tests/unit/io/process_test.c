/* SPDX-License-Identifier: MIT
 * Waiting for processes where the kernel has no pidfd. */
#include "io/process.h"
#include "wt_test.h"

#include <weft.h>

static int wait_without_watch(void *arg)
{
    WEFT_AUTO(weft_process, process);
    const char *const argv[] = { "cat", NULL };
    weft_exit how = { .code = 99 };
    (void)arg;
    WEFT_TRY(weft_process_open(argv, WEFT_OPTS(process, .in = WEFT_PIPE), &process));
    wf_process_close_fd(&process->watch_fd);
    WEFT_TRY(weft_process_end_input(process));
    WEFT_TRY(weft_process_wait(process, &how));
    ck_assert_int_eq(how.code, 0);
    WEFT_TRY(weft_process_close(process));
    process = NULL;

    WEFT_TRY(weft_process_open(argv, WEFT_OPTS(process, .in = WEFT_PIPE), &process));
    wf_process_close_fd(&process->watch_fd);
    return 0;
}

WT_TEST(without_a_pidfd_it_is_asked_again)
{
    if (wt_is_sim())
        wt_skip("processes are real");
    ck_assert_int_eq(weft_run(wait_without_watch, NULL), 0);
}

WT_MAIN("process")
