/* SPDX-License-Identifier: MIT
 * A function run in a process of its own, for tests: whatever it does to memory, threads and
 * descriptors, and however it ends, the caller goes on as before. */
#ifndef WF_PLAT_PROCESS_H
#define WF_PLAT_PROCESS_H

#include "plat/cc.h"

struct wf_process_end {
    bool is_late; /* killed, for it did not end within the limit */
    int signal;   /* that ended it; 0: none */
    int code;     /* what fn returned, or the program told exit() */
};

/* Runs fn(arg) in a forked child that begins with the caller's memory and this thread alone; waits
 * for its end, at most limit_ns of real time. 0, or -errno when there is no child. */
WF_MUST_CHECK int wf_process_run(int (*fn)(void *arg), void *arg, int64_t limit_ns,
                                 struct wf_process_end *end);

/* Ends the child from inside of fn, from any stack. */
WF_NORETURN void wf_process_exit(int code);

/* Zeroed memory that a child shares with its parent; NULL: none. */
void *wf_process_share(size_t size);
void wf_process_unshare(void *memory, size_t size);

/* Memory that nobody points to any more, if the program was built to know: a report on stderr, and
 * true. */
bool wf_process_has_lost_memory(void);

/* The command line of this process, its words apart by blanks. */
void wf_process_command(char *out, size_t size);

/* Open descriptors, as far as there is room; a text for what one is open on. */
enum { WF_FD_LIMIT = 4096 };
struct wf_fd_set {
    uint64_t bits[WF_FD_LIMIT / 64];
};
void wf_fds_open(struct wf_fd_set *out);
static inline bool wf_fds_has(const struct wf_fd_set *fds, int fd)
{
    return (fds->bits[fd / 64] >> (fd % 64) & 1) != 0;
}
void wf_fd_describe(int fd, char *out, size_t size);

#endif
