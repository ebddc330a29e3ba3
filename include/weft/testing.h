/* SPDX-License-Identifier: MIT */
/* For tests of programs that use weft: a function cancelled at every point, failed at every call.
 *
 *     static int scenario(void *arg) { ...; return 0; }      // what is to be tested
 *
 *     weft_points tried = { .size_ = sizeof tried };
 *     assert(weft_try_every_point(scenario, NULL, NULL, &tried) == 0);
 *     printf("%d cancels, %d failing calls\n", tried.cancel_runs, tried.fault_runs);
 *
 * A point is a look at whether the caller's scope is cancelled: each weft call that may
 * wait takes one when it is entered, and one more when it does wait. The scenario runs once
 * to count them; then again for each, and there its scope is cancelled; then again for each
 * call of weft's to the system for memory, threads and files, and there that call fails.
 * Every run has to come to an end, within the budget, with nothing left behind.
 *
 * Each run is a process of its own, forked from the caller, so what a scenario leaves in
 * memory is not seen by the next one, and a run that hangs or dies is one that failed. A
 * report names the point, what was left, and the command that repeats that run alone, in the
 * caller's process, for a debugger:
 *
 *     WEFT_POINT=pipeline:cancel:17:1 ./my_tests
 *
 * Linked with the simulator (weft::sim) runs are exact: a seed is a schedule and the same
 * point is the same point each time. On real threads there is one worker unless asked
 * otherwise, and a point that does not come again is no failure.
 */
#ifndef WEFT_TESTING_H
#define WEFT_TESTING_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_points_opts {
    size_t size_;
    const char *name;        /* in reports and in WEFT_POINT; default "scenario" */
    uint64_t seed;           /* of the first schedule, in the simulator; default 1 */
    unsigned seeds;          /* schedules, each with all its points; default 1 */
    unsigned max_runs;       /* with a cancel, and as many with a failing call: of more points
                                an even choice; 0: all of them */
    unsigned workers;        /* default: 1, in the simulator what the seed chooses */
    int64_t budget_ns;       /* from the cancel or the failing call to the end; default 5 s,
                                in the simulator of its own time */
    bool in_thread;          /* the scenario runs in a plain thread, not in a task */
    bool no_cancels, no_faults; /* leave out runs of that kind */
    int (*check)(void *arg); /* called after each run with the runtime ended; < 0: it failed */
} weft_points_opts;

/* What was tried. */
typedef struct weft_points {
    size_t size_;            /* sizeof(weft_points), or 0 for the first published layout */
    unsigned cancel_points;  /* in a run of which nothing is cancelled, of all schedules */
    unsigned fault_points;   /* calls that may fail, in the same runs */
    unsigned cancel_runs;    /* runs in which the point came and the scope was cancelled */
    unsigned fault_runs;     /* runs in which the call came and failed */
    unsigned failures;       /* runs that left something, hung or died */
    int rc;                  /* what the scenario returned when nothing was done to it */
} weft_points;

/* Runs scenario(arg) again and again, as told above, and reports each run that failed.
 *
 * The scenario runs in a scope of its own, in a task. What is looked for after each run: tasks,
 * channels, blocks of weft's memory and file descriptors that are left, values that were
 * accepted and neither received nor dropped, what check says, and in a program built with
 * AddressSanitizer memory of the program's own. After five failures it gives up. opts may be
 * NULL, and out_points.
 *
 * Waits    the thread
 * Cancel   no
 * From     a plain thread of a process that has no other, with weft not running (never
 *          started, or after weft_shutdown); in the simulator, outside of weft_run
 * Returns  how many runs failed: 0 if all is well
 *          WEFT_EINVAL     no scenario, or a field out of range
 *          WEFT_EBUSY      weft is running
 *          -errno          of fork                                                          */
WEFT_API WEFT_MUST_CHECK int weft_try_every_point(int (*scenario)(void *arg), void *arg,
                                                  const weft_points_opts *opts,
                                                  weft_points *out_points);

#ifdef __cplusplus
}
#endif
#endif
