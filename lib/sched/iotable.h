/* SPDX-License-Identifier: MIT
 * The table behind iowait.c: a slot for each file descriptor that was ever waited for. Slots never
 * move; only the table of the chunks they lie in grows. All of it under iowait.c's lock. */
#ifndef WF_SCHED_IOTABLE_H
#define WF_SCHED_IOTABLE_H

#include "sched/wait.h"

enum { WF_IO_DIRECTIONS = 2 }; /* WF_POLL_IN is bit 0, WF_POLL_OUT bit 1 */

/* One wait, on its waiter's stack. */
struct wf_io_wait {
    struct wf_waiter *waiter;
    struct wf_io_wait *next_woken; /* whoever claims it */
    unsigned events;
    bool is_owned;  /* by whom weft can tell when it is closed (iowait.h) */
    unsigned ready; /* written by who claims it, before the wake */
};

struct wf_io_slot {
    uint32_t generation;
    bool is_kept;   /* registered in the poller for good */
    unsigned ready; /* of one that is kept: what it became ready for while nobody waited */
    struct wf_io_wait *waits[WF_IO_DIRECTIONS]; /* the same twice if it waits for both */
};

struct wf_io_table {
    struct wf_io_slot **chunks;
    size_t n_chunks;
};

/* NULL: none was made yet. */
struct wf_io_slot *wf_io_table_find(struct wf_io_table *table, int fd);
/* NULL: no memory. */
struct wf_io_slot *wf_io_table_find_or_make(struct wf_io_table *table, int fd);
void wf_io_table_free(struct wf_io_table *table);

#endif
