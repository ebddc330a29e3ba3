/* SPDX-License-Identifier: MIT
 * OS threads; virtual ones in the simulator. */
#ifndef WF_PLAT_THREAD_H
#define WF_PLAT_THREAD_H

#include "plat/cc.h"

struct wf_os_thread {
    uintptr_t handle;
};

/* Starts fn(arg) with every asynchronous signal blocked, named (15 characters are kept).
 * 0, or -errno (-EAGAIN when the system has no more threads). */
WF_MUST_CHECK
int wf_thread_create(struct wf_os_thread *out, const char *name, void (*fn)(void *), void *arg);
void wf_thread_join(struct wf_os_thread *thread);
void wf_thread_detach(struct wf_os_thread *thread);

/* Gives the calling thread another name, of 15 bytes at most. */
void wf_thread_rename(const char *name);

/* Gives the CPU to another thread (sched_yield). */
void wf_thread_yield(void);

/* CPUs that this process may use: affinity and cgroup quota counted; at least 1. */
unsigned wf_cpu_count(void);

/* Threads of this process now, or -1 if that can't be told. */
int wf_thread_count(void);

/* Kernel thread id of the caller, for reports. */
int wf_thread_id(void);

#endif
