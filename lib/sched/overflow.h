/* SPDX-License-Identifier: MIT
 * Last words about the running task: for panics, and for a stack that ran over. */
#ifndef WF_SCHED_OVERFLOW_H
#define WF_SCHED_OVERFLOW_H

#include <stddef.h>

/* ` [task #3 "worker", spawned at main.c:12]`, or nothing on a plain thread. Takes no lock. */
size_t wf_describe_self(char *buf, size_t size);

/* For plat/fault.h: aborts with a sentence if the address lies in the guard of the running task's
 * stack, else returns. */
void wf_overflow_report(void *address, void *pc);

#endif
