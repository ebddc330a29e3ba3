/* SPDX-License-Identifier: MIT */
/* The runtime: one a process, shared by all who use weft in it.
 *
 *     static int main_task(void *arg) { ...; return 0; }
 *
 *     int main(void) { return weft_run(main_task, NULL) < 0; }
 *
 * Nothing has to be set up: the first call that needs the runtime starts it, and when
 * nothing is left to do its threads stop by themselves. weft_configure, before that first
 * call, changes how it is built; weft_shutdown ends it, for leak checkers and for programs
 * that embed weft in a plug-in. A plain pthread may use channels, select, scopes and
 * blocking jobs without weft_run.
 *
 *     WEFT_TRY(weft_configure(WEFT_CONFIG(.workers = 2)));
 */
#ifndef WEFT_RUNTIME_H
#define WEFT_RUNTIME_H

#include <weft/base.h>
#include <weft/blocking.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the runtime is built. 0 in a field is its default. */
typedef struct weft_config {
    size_t   size_;              /* sizeof(weft_config), or 0 for the first published layout */
    unsigned workers;            /* threads that run tasks; default: the CPUs we may use */
    size_t   stack_size;         /* bytes of addresses a task's stack gets; default 256 KiB */
    unsigned max_tasks;          /* tasks that may have a stack at once; default: by memory */
    unsigned blocking_threads;   /* limit of the blocking pool; default 512 */
    int64_t  idle_stop_ns;       /* idle time after which threads stop */
    int64_t  teardown_budget_ns; /* how long a shielded teardown may wait; default 5 s */
    uint64_t seed;               /* of every random choice; default: from the system */
    bool     no_signal_stack;    /* don't install the handler that names a stack overflow */
    unsigned lane_threads[WEFT_LANES]; /* of those of the pool, the most that a lane may use at
                                    once; default: 7/8 for USER and FILES, 1/4 for the others */
    int64_t  watchdog_ns;        /* how long a task may hold its worker, blocked or in a loop that
                                    lets nobody run, before it is reported (with what it waited for
                                    last, and where in the program it last called weft, as
                                    addr2line has it) and another worker runs what waits behind it; default
                                    1 s; < 0: as long as it will */
} weft_config;

/* Counters since the process started, each exact, together not one instant. */
typedef struct weft_stats {
    size_t   size_;              /* sizeof(weft_stats), or 0 for the first published layout */
    uint64_t workers;            /* threads that run tasks now */
    uint64_t spawned;            /* tasks made */
    uint64_t completed;          /* tasks ended */
    uint64_t live_tasks;         /* tasks that exist now */
    uint64_t steals;             /* tasks taken from another worker */
    uint64_t parks;              /* times a worker went to sleep */
    uint64_t wakes;              /* times a sleeping worker was woken */
    uint64_t switches;           /* changes from one task to another */
    uint64_t polls;              /* looks at the file descriptors */
    uint64_t timers_fired;
    uint64_t blocking_jobs;      /* functions run by weft_blocking */
    uint64_t blocking_threads;   /* threads of the blocking pool now */
    uint64_t stacks_mapped;      /* stacks that exist now */
    uint64_t stacks_cached;      /* of those, waiting to be used again */
    uint64_t chan_sent;          /* values that channels accepted */
    uint64_t chan_received;      /* values that receivers took */
    uint64_t chan_dropped;       /* values that went to a drop function */
    uint64_t timed_park_rescues; /* work found only by a timed wake-up: 0 in a right runtime */
} weft_stats;

/* Runs main_task(arg) as a task and waits for it and for everything it detached.
 *
 * Each call is a root scope. Several threads may call it at once and share the runtime.
 *
 * Waits    the thread
 * Cancel   no: its tasks are cancelled by their scopes
 * From     a plain thread; a task gets WEFT_EDEADLK
 * Returns  what main_task returned, if 0 or more; else the first error of the root scope
 *          WEFT_EDEADLK    everything that was left waits for what can never happen
 *          WEFT_ENOMEM, WEFT_EAGAIN    the runtime could not start                       */
WEFT_API int weft_run(int (*main_task)(void *), void *arg);

/* Says how the runtime is to be built. config is copied.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EBUSY      it has started already
 *          WEFT_EINVAL     a field is out of range                                       */
WEFT_API WEFT_MUST_CHECK int weft_configure(const weft_config *config);

/* Ends the runtime: cancels what is left, waits for it, stops and joins its threads.
 *
 * A later call that needs the runtime starts it again.
 *
 * Waits    the thread, at most budget_ns
 * Cancel   no
 * From     a plain thread; a task gets WEFT_EDEADLK
 * Returns  0
 *          WEFT_ETIMEDOUT  something is stuck; a report names it                         */
WEFT_API int weft_shutdown(int64_t budget_ns);

/* Fills *out_stats; set its size_ to sizeof(weft_stats) first.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or WEFT_EINVAL for NULL                                                    */
WEFT_API int weft_stats_get(weft_stats *out_stats);

/* Writes one block a task to fd: its name, its place, what it waits for and since when.
 *
 * Waits    no: takes no lock a task may hold while it waits
 * From     any thread
 * Returns  0, or the -errno of a write that failed, or WEFT_ENOMEM when it had to be cut   */
WEFT_API int weft_dump(int fd);

/* Makes the signal write a dump to stderr. The handler it replaces is called as well.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     not a signal that can be caught
 *          WEFT_ENOMEM, WEFT_EAGAIN, -errno    no thread or descriptor could be had for it */
WEFT_API WEFT_MUST_CHECK int weft_dump_on_signal(int signo);

/* Sends weft's reports (deadlock, leak, watchdog, last words) to hook instead of stderr.
 *
 * text is one whole report of size bytes, valid during the call. hook may be called from
 * any thread of the runtime and must not call weft. NULL restores stderr.
 *
 * Waits    no
 * From     any thread                                                                    */
WEFT_API void weft_on_report(void (*hook)(const char *text, size_t size, void *arg), void *arg);

#ifdef __cplusplus
}
#else

/* A configuration built in place, its size_ filled. */
#define WEFT_CONFIG(...) (&(weft_config){ .size_ = sizeof(weft_config), __VA_ARGS__ })

#endif
#endif
