/* SPDX-License-Identifier: MIT
 * Buffered reading.
 *
 *   buf   [ given out | pending | free ]
 *         0           start     end    room
 *
 * A piece that is looked for is pending as a whole, so the buffer grows until it has room for the
 * longest that is allowed, and its end. */
#include "net/stream.h"
#include "base/code.h"
#include "base/opts.h"
#include "plat/mem.h"
#include "sched/wait.h"

#include <weft/reader.h>

#include <string.h>

#define DEFAULT_MAX_LINE ((size_t)64 << 10)
#define DEFAULT_BLOCK    ((size_t)4 << 10)

struct weft_reader {
    struct wf_bytes from;
    char *buf;
    size_t start, end, room;
    size_t max_line, block;
    bool keep_ends;
    bool is_over; /* nothing more will be read: `failed` says why */
    int failed;   /* 0: the end */
};

/* ---- opening ------------------------------------------------------------------------------------- */

static int open_reader(const struct wf_bytes *from, const weft_reader_opts *user_opts,
                       weft_reader **out_reader)
{
    weft_reader_opts opts = { .size_ = 0 };
    wf_opts_copy(&opts, sizeof opts, user_opts);
    weft_reader *made = wf_alloc(1, sizeof *made);
    if (made == NULL)
        return WEFT_ENOMEM;
    made->from = *from;
    made->max_line = opts.max_line > 0 ? opts.max_line : DEFAULT_MAX_LINE;
    made->block = opts.block_size > 0 ? opts.block_size : DEFAULT_BLOCK;
    made->keep_ends = opts.keep_ends;
    made->room = made->block;
    made->buf = wf_realloc(NULL, made->room);
    if (made->buf == NULL) {
        wf_free(made);
        return WEFT_ENOMEM;
    }
    *out_reader = made;
    return 0;
}

int weft_reader_open(weft_socket *from, const weft_reader_opts *opts, weft_reader **out_reader)
{
    wf_note_call();
    if (from == NULL || out_reader == NULL)
        return WEFT_EINVAL;
    return open_reader(&(struct wf_bytes){ .socket = from, .fd = -1 }, opts, out_reader);
}

int weft_reader_open_fd(int fd, const weft_reader_opts *opts, weft_reader **out_reader)
{
    wf_note_call();
    struct wf_bytes from;
    if (out_reader == NULL)
        return WEFT_EINVAL;
    int rc = wf_bytes_of_fd(fd, &from);
    return rc < 0 ? rc : open_reader(&from, opts, out_reader);
}

int weft_reader_close(weft_reader *reader)
{
    wf_note_call();
    if (reader == NULL)
        return 0;
    wf_free(reader->buf);
    wf_free(reader);
    return 0;
}

/* ---- filling ------------------------------------------------------------------------------------- */

static bool make_room(weft_reader *reader)
{
    size_t pending = reader->end - reader->start;
    if (reader->start > 0)
        memmove(reader->buf, reader->buf + reader->start, pending);
    reader->start = 0;
    reader->end = pending;
    if (pending < reader->room)
        return true;
    char *buf = wf_realloc(reader->buf, wf_size_with(0, reader->room, 2));
    if (buf == NULL)
        return false;
    reader->buf = buf;
    reader->room *= 2;
    return true;
}

/* What a read that gave n means for those to come. */
static int64_t note(weft_reader *reader, int64_t n)
{
    if (n == 0 || wf_is_final(n)) {
        reader->is_over = true;
        reader->failed = (int)n;
    }
    return n;
}

/* Appends what one read gives: 1; 0: nothing will come any more; negative: a cancel and the like. */
static int fill(weft_reader *reader)
{
    if (reader->is_over)
        return 0;
    if (!make_room(reader))
        return WEFT_ENOMEM;
    int64_t n = note(reader, wf_bytes_read(&reader->from, reader->buf + reader->end,
                                           reader->room - reader->end));
    if (reader->is_over)
        return 0;
    if (n < 0)
        return (int)n;
    reader->end += (size_t)n;
    return 1;
}

static void give_out(weft_reader *reader, size_t size, size_t end_size, weft_line *out)
{
    *out = (weft_line){ reader->buf + reader->start, size - end_size };
    reader->start += size;
}

/* ---- pieces -------------------------------------------------------------------------------------- */

static int too_long(weft_reader *reader)
{
    reader->start = reader->end;
    reader->is_over = true;
    reader->failed = WEFT_ELINE;
    return WEFT_ELINE;
}

/* Finds the end in what is pending, reading on: 1, and *out_size up to and with it; 0: it does not
 * come any more. */
static int find_end(weft_reader *reader, const void *end, size_t end_size, size_t *out_size)
{
    for (size_t n_looked = 0;;) {
        size_t pending = reader->end - reader->start;
        const char *at = memmem(reader->buf + reader->start + n_looked, pending - n_looked, end,
                                end_size);
        if (at != NULL) {
            *out_size = (size_t)(at - (reader->buf + reader->start)) + end_size;
            return 1;
        }
        /* One more may still be a \r before the \n. */
        if (pending > wf_size_with(end_size, 1, reader->max_line))
            return too_long(reader);
        n_looked = pending < end_size ? 0 : pending - end_size + 1;
        int rc = fill(reader);
        if (rc <= 0)
            return rc;
    }
}

int weft_reader_until(weft_reader *reader, const void *end, size_t end_size, weft_line *out_piece)
{
    wf_note_call();
    size_t size;
    if (reader == NULL || end == NULL || end_size == 0 || out_piece == NULL)
        return WEFT_EINVAL;
    int rc = find_end(reader, end, end_size, &size);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return reader->failed == 0 && reader->end > reader->start ? WEFT_EEOF : reader->failed;
    if (size - end_size > reader->max_line)
        return too_long(reader);
    give_out(reader, size, end_size, out_piece);
    return 1;
}

static size_t line_end_size(const weft_reader *reader, size_t size)
{
    const char *line = reader->buf + reader->start;
    if (size == 0 || line[size - 1] != '\n')
        return 0;
    return size > 1 && line[size - 2] == '\r' ? 2 : 1;
}

int weft_reader_line(weft_reader *reader, weft_line *out_line)
{
    wf_note_call();
    size_t size;
    if (reader == NULL || out_line == NULL)
        return WEFT_EINVAL;
    int rc = find_end(reader, "\n", 1, &size);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        size = reader->end - reader->start;
        if (size == 0 || reader->failed < 0)
            return reader->failed;
    }
    size_t end_size = line_end_size(reader, size);
    if (size - end_size > reader->max_line)
        return too_long(reader);
    give_out(reader, size, reader->keep_ends ? 0 : end_size, out_line);
    return 1;
}

/* ---- bytes --------------------------------------------------------------------------------------- */

/* Straight into buf what would fill the buffer anyway. */
int64_t weft_reader_read(weft_reader *reader, void *buf, size_t size)
{
    wf_note_call();
    if (reader == NULL || size == 0)
        return WEFT_EINVAL;
    if (reader->start == reader->end && !reader->is_over && size >= reader->room)
        return note(reader, wf_bytes_read(&reader->from, buf, size));
    if (reader->start == reader->end) {
        int rc = fill(reader);
        if (rc <= 0)
            return rc < 0 ? rc : reader->failed;
    }
    size_t n = WF_MIN(size, reader->end - reader->start);
    memcpy(buf, reader->buf + reader->start, n);
    reader->start += n;
    return (int64_t)n;
}

int weft_reader_exact(weft_reader *reader, void *buf, size_t size, size_t *out_n)
{
    wf_note_call();
    if (reader == NULL || out_n == NULL)
        return WEFT_EINVAL;
    *out_n = 0;
    while (*out_n < size) {
        int64_t n = wf_unnoted(weft_reader_read(reader, (char *)buf + *out_n, size - *out_n));
        if (n <= 0)
            return n < 0 ? (int)n : WEFT_EEOF;
        *out_n += (size_t)n;
    }
    return 0;
}

/* ---- all lines ------------------------------------------------------------------------------------- */

static int64_t read_more(void *reader, void *buf, size_t size)
{
    return wf_unnoted(weft_reader_read(reader, buf, size));
}

int weft_reader_lines_open(weft_reader *reader, const weft_lines_opts *opts, weft_receiver **out_rx)
{
    wf_note_call();
    return reader != NULL ? weft_lines_read_by(read_more, reader, opts, out_rx) : WEFT_EINVAL;
}
