/* SPDX-License-Identifier: MIT
 * Bytes from and to a socket or a descriptor, for what buffers them. */
#ifndef WF_NET_STREAM_H
#define WF_NET_STREAM_H

#include "plat/cc.h"

#include <weft/socket.h>

struct wf_bytes {
    weft_socket *socket; /* NULL: fd */
    int fd;
};

/* For fd: 0, or WEFT_EINVAL if it would block or is none. */
WF_MUST_CHECK int wf_bytes_of_fd(int fd, struct wf_bytes *out);

/* As weft_socket_read and weft_socket_write. */
WF_MUST_CHECK int64_t wf_bytes_read(const struct wf_bytes *from, void *buf, size_t size);
WF_MUST_CHECK int64_t wf_bytes_write(const struct wf_bytes *to, const void *data, size_t size);

#endif
