/* SPDX-License-Identifier: MIT
 * The public face of sched/iowait.h, and transfers of bytes on it.
 *
 * A transfer tries first and waits for readiness only when the system says so: most often there is
 * something, and arming costs as much as the transfer. Hence a descriptor that would block is
 * refused, or it would hold up its worker without a word. */
#include "sched/iowait.h"

#include "io/raw.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <weft/fd.h>
#include <weft/task.h>

_Static_assert((int)WEFT_READABLE == (int)WF_POLL_IN, "the events are passed on as they are");
_Static_assert((int)WEFT_WRITABLE == (int)WF_POLL_OUT, "the events are passed on as they are");

int weft_fd_wait(int fd, unsigned events)
{
    wf_note_call();
    int rc = wf_io_wait(fd, events);
    return rc == -EPERM ? WEFT_ENOTSUP : rc;
}

void weft_fd_forget(int fd)
{
    wf_note_call();
    wf_io_forget(fd);
}

int weft_fd_close(int fd)
{
    wf_note_call();
    if (fd < 0)
        return -EBADF;
    wf_io_forget(fd);
    return wf_sys.close(fd);
}

/* ---- transfers ----------------------------------------------------------------------------------- */

static int begin(int fd, size_t *out_n)
{
    if (out_n == NULL)
        return WEFT_EINVAL;
    *out_n = 0;
    int flags = wf_sys.flags_of_fd(fd);
    if (flags < 0)
        return flags;
    return (flags & O_NONBLOCK) != 0 ? wf_unnoted(weft_checkpoint()) : WEFT_EINVAL;
}

/* After a read or write that gave n while `left` bytes were missing. Whoever has all is not
 * cancelled any more; the others are at each turn, however ready the descriptor is. */
static int go_on(int fd, unsigned event, ssize_t n, size_t left, size_t *n_done)
{
    if (n == -EAGAIN)
        return WF_MIN(wf_unnoted(weft_fd_wait(fd, event)), 0);
    if (n < 0)
        return (int)n;
    *n_done += (size_t)n;
    return (size_t)n < left ? wf_unnoted(weft_checkpoint()) : 0;
}

int weft_fd_read_exact(int fd, void *buf, size_t size, size_t *out_n)
{
    wf_note_call();
    int rc = begin(fd, out_n);
    while (rc == 0 && *out_n < size) {
        size_t left = size - *out_n;
        ssize_t n = wf_raw_read(fd, (char *)buf + *out_n, left);
        rc = go_on(fd, WEFT_READABLE, n != 0 ? n : WEFT_EEOF, left, out_n);
    }
    return rc;
}

int weft_fd_write_all(int fd, const void *data, size_t size, size_t *out_n)
{
    wf_note_call();
    int rc = begin(fd, out_n);
    while (rc == 0 && *out_n < size) {
        size_t left = size - *out_n;
        ssize_t n = wf_raw_write(fd, (const char *)data + *out_n, left);
        rc = go_on(fd, WEFT_WRITABLE, n != 0 ? n : -EIO, left, out_n);
    }
    return rc;
}
