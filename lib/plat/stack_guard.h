/* SPDX-License-Identifier: MIT
 * How stacks are guarded here, and how many guards the system has room for. For stack.c. */
#ifndef WF_PLAT_STACK_GUARD_H
#define WF_PLAT_STACK_GUARD_H

#include "plat/cc.h"

size_t wf_page_size(void);

/* Installs a guard by madvise on a scratch page and looks whether it holds. */
bool wf_guard_probe(void);

/* Makes [base, base + size) fault on any access. 0, or -errno. */
int wf_guard_by_madvise(void *base, size_t size);
int wf_guard_by_mprotect(void *base, size_t size);

/* Stacks that mprotect can guard before the process runs out of mappings. */
size_t wf_guard_mprotect_limit(void);

#endif
