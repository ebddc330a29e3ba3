/* SPDX-License-Identifier: MIT
 * Buffered writing. What the system has not taken yet lies in [start, end). */
#include "net/stream.h"
#include "base/code.h"
#include "plat/mem.h"
#include "sched/wait.h"

#include <weft/writer.h>

#include <string.h>

#define DEFAULT_ROOM ((size_t)4 << 10)

struct weft_writer {
    struct wf_bytes to;
    size_t start, end, room;
    int failed;
    char buf[];
};

static int open_writer(const struct wf_bytes *to, size_t size, weft_writer **out_writer)
{
    size_t room = size > 0 ? size : DEFAULT_ROOM;
    weft_writer *made = wf_alloc(1, wf_size_with(sizeof *made, 1, room));
    if (made == NULL)
        return WEFT_ENOMEM;
    made->to = *to;
    made->room = room;
    *out_writer = made;
    return 0;
}

int weft_writer_open(weft_socket *to, size_t size, weft_writer **out_writer)
{
    wf_note_call();
    if (to == NULL || out_writer == NULL)
        return WEFT_EINVAL;
    return open_writer(&(struct wf_bytes){ .socket = to, .fd = -1 }, size, out_writer);
}

int weft_writer_open_fd(int fd, size_t size, weft_writer **out_writer)
{
    wf_note_call();
    struct wf_bytes to;
    if (out_writer == NULL)
        return WEFT_EINVAL;
    int rc = wf_bytes_of_fd(fd, &to);
    return rc < 0 ? rc : open_writer(&to, size, out_writer);
}

/* How many bytes the system took, or why none. */
static int64_t put(weft_writer *writer, const char *data, size_t size)
{
    if (writer->failed < 0)
        return writer->failed;
    int64_t n = wf_bytes_write(&writer->to, data, size);
    if (wf_is_final(n))
        writer->failed = (int)n;
    return n;
}

int weft_writer_flush(weft_writer *writer)
{
    wf_note_call();
    if (writer == NULL)
        return WEFT_EINVAL;
    while (writer->start < writer->end) {
        int64_t n = put(writer, writer->buf + writer->start, writer->end - writer->start);
        if (n < 0)
            return (int)n;
        writer->start += (size_t)n;
    }
    writer->start = writer->end = 0;
    return writer->failed;
}

/* What is at least as large as the buffer goes past it. */
static int64_t take(weft_writer *writer, const char *data, size_t size)
{
    if (writer->end == writer->room) {
        int rc = wf_unnoted(weft_writer_flush(writer));
        if (rc < 0)
            return rc;
    }
    if (writer->end == 0 && size >= writer->room)
        return put(writer, data, size);
    size_t n = WF_MIN(size, writer->room - writer->end);
    memcpy(writer->buf + writer->end, data, n);
    writer->end += n;
    return (int64_t)n;
}

int weft_writer_write(weft_writer *writer, const void *data, size_t size, size_t *out_n)
{
    wf_note_call();
    if (writer == NULL || out_n == NULL || (data == NULL && size > 0))
        return WEFT_EINVAL;
    *out_n = 0;
    while (*out_n < size && writer->failed == 0) {
        int64_t n = take(writer, (const char *)data + *out_n, size - *out_n);
        if (n < 0)
            return (int)n;
        *out_n += (size_t)n;
    }
    return writer->failed;
}

int weft_writer_close(weft_writer *writer)
{
    wf_note_call();
    if (writer == NULL)
        return 0;
    int rc = wf_unnoted(weft_writer_flush(writer));
    wf_free(writer);
    return rc;
}
