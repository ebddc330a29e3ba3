/* SPDX-License-Identifier: MIT */
#include "plat/fork.h"

#include <pthread.h>

bool wf_on_fork_child(void (*fn)(void)) { return pthread_atfork(NULL, NULL, fn) == 0; }
