/* SPDX-License-Identifier: MIT
 * Threads of a test that are not weft's, as a program has them that uses weft from its own.
 *
 * In the simulator they are virtual threads, made through the real table of plat/sys.h: a test
 * that makes weft's threads fail to start still has its own. */
#include "wt_internal.h"

#include "plat/sys.h"
#include "plat/thread.h"

#include <pthread.h>
#include <stdlib.h>

struct wt_thread {
    void (*fn)(void *arg);
    void *arg;
#ifdef WF_SIM
    struct wf_os_thread os;
#else
    pthread_t os;
#endif
};

#ifdef WF_SIM

static int start(wt_thread *thread)
{
    return wf_sys_real.thread_create(&thread->os.handle, "wt", thread->fn, thread->arg);
}

static void join(wt_thread *thread) { wf_thread_join(&thread->os); }

#else

static void *enter(void *arg)
{
    wt_thread *thread = arg;
    thread->fn(thread->arg);
    return NULL;
}

static int start(wt_thread *thread) { return pthread_create(&thread->os, NULL, enter, thread); }

static void join(wt_thread *thread) { pthread_join(thread->os, NULL); }

#endif

wt_thread *wt_thread_start(void (*fn)(void *arg), void *arg)
{
    wt_thread *thread = calloc(1, sizeof *thread);
    ck_assert_ptr_nonnull(thread);
    thread->fn = fn;
    thread->arg = arg;
    int rc = start(thread);
    ck_assert_msg(rc == 0, "a thread for the test could not start: %d", rc);
    return thread;
}

void wt_thread_join(wt_thread *thread)
{
    join(thread);
    free(thread);
}
