/* SPDX-License-Identifier: MIT
 * What the files of the harness know of each other. */
#ifndef WT_INTERNAL_H
#define WT_INTERNAL_H

#include "wt_test.h"

#include <limits.h>

/* One for each test, in memory that the test's process shares with the runner: what the runner
 * has to say about a test that has ended in any way. */
struct wt_status {
    bool started, skipped;
    bool seed_is_set;
    uint64_t seed;
    char reason[200]; /* of a skip */
    char fault[200];  /* the call that was made to fail, "" for none */
};

#define WT_MIXED UINT_MAX /* each seed has its own */

struct wt_options {
    const char *program;
    bool bare, trace;
    uint64_t first_seed;
    unsigned n_seeds;
    unsigned pct_depth; /* of all runs; 0: random ones; WT_MIXED */
    unsigned weak;      /* memory of all runs: 1 weak, 0 strong, WT_MIXED */
    unsigned slow;      /* by how much everything is slower than usual, 1 and up */
    int timeout_s;
    unsigned n_faults; /* runs of wt_fault_run() at most; 0: no limit */
};

extern struct wt_options wt_opts;

/* The test that this process runs. */
extern struct wt_status *wt_status;

/* Runs the body as the flavour wants it, leak gates included. */
void wt_run_body(const struct wt_test *test);

/* The leak gate: what there is, the end of the runtime, and whether there is the same again. */
struct wt_resources {
    size_t n_blocks;
    int n_fds;
};
struct wt_resources wt_count_resources(void);
void wt_end_runtime(void);
void wt_expect_no_more_than(struct wt_resources before);

/* Everything a run may have changed and the next one must find as it was. */
void wt_reseed(uint64_t seed);
void wt_reports_reset(void);
void wt_faults_reset(void);

#endif
