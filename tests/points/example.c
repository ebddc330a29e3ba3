/* SPDX-License-Identifier: MIT
 * EXAMPLE (the file, quoted) as a scenario: SCENARIO is the call that is made, main_task's usually.
 * In the simulator a plain thread is a virtual one, and making it is a call that may fail. */
#include "points.h"

#ifdef WF_SIM
#include "plat/sys.h"
#include "plat/thread.h"

#include <pthread.h>

struct start {
    void *(*fn)(void *arg);
    void *arg;
};

static void enter(void *arg)
{
    struct start start = *(struct start *)arg;
    free(arg);
    (void)start.fn(start.arg);
}

__attribute__((unused)) static int start_thread(pthread_t *out, const pthread_attr_t *attr,
                                                void *(*fn)(void *arg), void *arg)
{
    uintptr_t handle;
    struct start *start = malloc(sizeof *start);
    (void)attr;
    if (start == NULL)
        return ENOMEM;
    *start = (struct start){ fn, arg };
    int rc = wf_sys.thread_create(&handle, "example", enter, start);
    if (rc < 0)
        free(start);
    else
        *out = (pthread_t)handle;
    return rc < 0 ? -rc : 0;
}

__attribute__((unused)) static int join_thread(pthread_t thread, void **out)
{
    struct wf_os_thread os = { .handle = (uintptr_t)thread };
    (void)out;
    wf_thread_join(&os);
    return 0;
}

#define pthread_create start_thread
#define pthread_join   join_thread
#endif

int main_of_example(void);
#define main main_of_example
#include EXAMPLE
#undef main

static int scenario(void *arg)
{
    (void)arg;
    return SCENARIO;
}

int main(int argc, char **argv)
{
    weft_points_opts opts = { .name = NAME, .in_thread = IN_THREAD, .no_faults = NO_FAULTS };
    return try_it(&opts, scenario, NULL, argc, argv);
}
