/* SPDX-License-Identifier: MIT */
#include "net/stream.h"

#include "io/raw.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <weft/fd.h>
#include <weft/task.h>

#include <errno.h>
#include <fcntl.h>

int wf_bytes_of_fd(int fd, struct wf_bytes *out)
{
    int flags = wf_sys.flags_of_fd(fd);
    if (flags < 0 || (flags & O_NONBLOCK) == 0)
        return WEFT_EINVAL;
    *out = (struct wf_bytes){ .fd = fd };
    return 0;
}

int64_t wf_bytes_read(const struct wf_bytes *from, void *buf, size_t size)
{
    if (from->socket != NULL)
        return wf_unnoted(weft_socket_read(from->socket, buf, size));
    int rc = wf_unnoted(weft_checkpoint());
    while (rc >= 0) {
        ssize_t n = wf_raw_read(from->fd, buf, size);
        if (n != -EAGAIN)
            return n;
        rc = wf_unnoted(weft_fd_wait(from->fd, WEFT_READABLE));
    }
    return rc;
}

int64_t wf_bytes_write(const struct wf_bytes *to, const void *data, size_t size)
{
    if (to->socket != NULL)
        return wf_unnoted(weft_socket_write(to->socket, data, size));
    int rc = wf_unnoted(weft_checkpoint());
    while (rc >= 0) {
        ssize_t n = wf_raw_write(to->fd, data, size);
        if (n != -EAGAIN)
            return n != 0 ? n : -EIO;
        rc = wf_unnoted(weft_fd_wait(to->fd, WEFT_WRITABLE));
    }
    return rc;
}
