/* SPDX-License-Identifier: MIT
 * weft_try_every_point in its parts: every.c chooses the runs, run.c makes one in a child process,
 * accounts.c tells what it left.
 *
 * A point is a look at a watched flag (sched/wait.h, WF_FLAG_WATCHED). The scope that is watched is
 * the scenario's, and all below it that are not shielded. The task that comes to the point cancels
 * the scope itself, before it goes on: when it is about to park it finds its wait claimed, as if
 * another had cancelled it while it slept, and leaves its stack all the same. So no other thread's
 * timing decides what the point is. */
#ifndef WF_TESTING_POINTS_H
#define WF_TESTING_POINTS_H

#include "base/panic.h"
#include "plat/atomic.h"
#include "plat/process.h"

#include <weft/runtime.h>
#include <weft/testing.h>

enum wf_point_kind { WF_POINT_NONE, WF_POINT_CANCEL, WF_POINT_FAULT };

/* One run, in memory that the child shares with its parent. */
struct wf_point_run {
    int (*scenario)(void *arg);
    void *arg;
    const weft_points_opts *opts;
    enum wf_point_kind kind;
    uint64_t at; /* the point, from 1 */
    uint64_t seed;
    uint64_t max_sim_points; /* 0: the simulator's own limit */

    /* What came of it. Atomic: whoever comes to the point, any thread. */
    _Atomic uint64_t n_looks, n_faults;
    _Atomic uint32_t was_hit;
    _Atomic int64_t hit_ns;
    uint64_t n_sim_points;
    int rc;
    bool is_over;       /* its scope has been left */
    bool was_stuck;     /* and it took the deadlock report to get there */
    char place[512];    /* written by who hit, before was_hit */
    char failure[2048]; /* "": none */
};

/* The whole of a run, in this process: its own runtime, and what it left. */
void wf_point_run(struct wf_point_run *run);

/* Adds a sentence to what is wrong with the run. */
WF_PRINTF(2, 3) void wf_point_fail(struct wf_point_run *run, const char *format, ...);

/* Copies as much as there is room for. */
void wf_text_copy_to(const struct wf_text *text, char *out, size_t size);

/* What there is before a run, to compare with. */
struct wf_accounts {
    size_t n_blocks;
    struct wf_fd_set fds;
    uint64_t n_lost; /* values sent and neither received nor dropped */
};
void wf_accounts_begin(struct wf_accounts *before);

/* When the scope of the scenario has been left, in the task that had it: other tasks. */
void wf_accounts_check_scope(struct wf_point_run *run);

/* When the runtime has ended: channels, values, memory, descriptors. */
void wf_accounts_check_end(struct wf_point_run *run, const struct wf_accounts *before);

#endif
