/* SPDX-License-Identifier: MIT
 * Process groups. */
#ifndef WF_PLAT_GROUP_H
#define WF_PLAT_GROUP_H

#include <stdbool.h>

/* Does anybody in the group still run? Who has ended and was not waited for counts among its members
 * for kill, not here. False too where /proc can't be read. May block for milliseconds: it looks
 * at each process that there is. */
bool wf_group_is_alive(int group);

/* To the group that the process of a pidfd leads, or led: also once its number may be another's.
 * -ESRCH: nobody is in it, or the kernel (before 6.9) can't. */
int wf_group_signal_by_fd(int pid_fd, int number);

#endif
