/* SPDX-License-Identifier: MIT
 * The public face of sched/iowait.h. */
#include "sched/iowait.h"

#include <weft/fd.h>

_Static_assert((int)WEFT_READABLE == (int)WF_POLL_IN, "the events are passed on as they are");
_Static_assert((int)WEFT_WRITABLE == (int)WF_POLL_OUT, "the events are passed on as they are");

int weft_fd_wait(int fd, unsigned events)
{
    int rc = wf_io_wait(fd, events);
    return rc == -EPERM ? WEFT_ENOTSUP : rc;
}
