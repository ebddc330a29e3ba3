/* SPDX-License-Identifier: MIT
 * Hearing of memory faults before the process dies of them, on a stack that is not the broken one.
 *
 * For the report of a stack overflow: on_fault is told the address and where the program was, says
 * what it has to say with async-signal-safe means, and returns. Then whatever was installed before
 * has its turn; where that was the default, the process dies of the same fault. */
#ifndef WF_PLAT_FAULT_H
#define WF_PLAT_FAULT_H

#include "plat/cc.h"

/* One thread's alternative signal stack. */
struct wf_fault_stack {
    void *base; /* NULL: the thread had one of its own, which is left alone */
    size_t size;
};

/* Takes SIGSEGV and SIGBUS. Again: replaces on_fault. 0, or -errno. */
WF_MUST_CHECK int wf_fault_install(void (*on_fault)(void *address, void *pc));

/* Puts the handlers back that were there before, unless somebody replaced ours since. */
void wf_fault_uninstall(void);

/* A fault on a full stack can be heard only by threads that did this. 0, or -ENOMEM. */
WF_MUST_CHECK int wf_fault_thread_begin(struct wf_fault_stack *stack);
void wf_fault_thread_end(struct wf_fault_stack *stack);

#endif
