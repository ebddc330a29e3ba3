/* SPDX-License-Identifier: MIT
 * What a child of ours is told. */
#ifndef WF_PLAT_FORK_H
#define WF_PLAT_FORK_H

#include "plat/cc.h"

/* Registers what fork must do in the child. Once. False: no memory, and it will not be done. */
bool wf_on_fork_child(void (*fn)(void));

#endif
