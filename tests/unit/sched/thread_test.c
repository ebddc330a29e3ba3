/* SPDX-License-Identifier: MIT
 * What must not happen to a worker's thread: a task ends it. */
#include "plat/cc.h"
#include "wt_test.h"

#include <pthread.h>
#include <weft.h>

static int exit_thread(void *arg) { pthread_exit(arg); }

static int cancel_thread(void *arg)
{
    (void)arg;
    (void)pthread_cancel(pthread_self());
    pthread_testcancel();
    return 0;
}

static void run_exit(void *arg) { (void)weft_run(exit_thread, arg); }
static void run_cancel(void *arg) { (void)weft_run(cancel_thread, arg); }

WT_TEST(a_task_that_ends_its_thread_is_fatal)
{
    if (wt_is_sim())
        wt_skip("a virtual thread is nobody's to end");
#if defined(WF_ASAN) || defined(WF_TSAN)
    wt_skip("the sanitizers take the unwinding of a task's stack for that of its thread's");
#endif
    wt_expect_abort(run_exit, NULL, "a task ended its worker's thread");
    wt_expect_abort(run_cancel, NULL, "a task ended its worker's thread");
}

WT_MAIN("sched_thread")
