/* SPDX-License-Identifier: MIT
 * Lines of a file that is open.
 *
 * Nothing is buffered, for the next read may be another call's: of a file with a position a block is
 * read, and what follows the line is given back by moving the position. What has none is read byte
 * by byte. */
#include "io/file.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <weft/blocking.h>
#include <weft/file_line.h>

enum { BLOCK = 512 };
#define DEFAULT_MAX_LINE ((size_t)1 << 20)

/* Room for n more bytes and a 0. */
static int have_room(struct wf_file_op *op, size_t n)
{
    if (op->room - op->n_done > n)
        return 0;
    size_t room = wf_size_with(op->n_done + n + 1, 1, op->room);
    char *data = wf_realloc(op->data, room);
    if (data == NULL)
        return WEFT_ENOMEM;
    op->data = data;
    op->room = room;
    return 0;
}

/* n bytes came behind what there was. True: the line ends in them; *n_left follow it. */
static bool take(struct wf_file_op *op, size_t n, size_t *n_left)
{
    const char *from = op->data + op->n_done;
    const char *end = memchr(from, '\n', n);
    size_t n_taken = end != NULL ? (size_t)(end - from) + 1 : n;
    *n_left = n - n_taken;
    op->n_done += n_taken;
    return end != NULL;
}

/* size: the most that the line may have, with its end. */
static int go_on(const struct wf_file_op *op)
{
    if (op->n_done > op->size)
        return WEFT_ELINE;
    return weft_job_cancelled() ? WEFT_ECANCELED : 1;
}

static int read_part(struct wf_file_op *op, size_t n_asked)
{
    size_t n_left;
    int rc = have_room(op, n_asked);
    if (rc < 0)
        return rc;
    ssize_t n = wf_raw_read(op->file->fd, op->data + op->n_done, n_asked);
    if (n <= 0)
        return (int)n;
    if (!take(op, (size_t)n, &n_left))
        return go_on(op);
    off_t at = n_left > 0 ? wf_sys.seek(op->file->fd, -(off_t)n_left, SEEK_CUR) : 0;
    return at < 0 ? (int)at : 0;
}

/* A step that fails gives back the parts that those before it have taken. */
static int line_step(struct wf_file_op *op)
{
    bool has_position = wf_sys.seek(op->file->fd, 0, SEEK_CUR) >= 0;
    int rc = read_part(op, has_position ? BLOCK : 1);
    if (rc < 0 && rc != WEFT_ELINE && has_position)
        (void)wf_sys.seek(op->file->fd, -(off_t)op->n_done, SEEK_CUR);
    return rc;
}

/* 1, or WEFT_ELINE. */
static int cut_end(struct wf_file_op *op, size_t max_line)
{
    if (op->data[op->n_done - 1] == '\n' && --op->n_done > 0 && op->data[op->n_done - 1] == '\r')
        op->n_done--;
    op->data[op->n_done] = '\0';
    return op->n_done > max_line ? WEFT_ELINE : 1;
}

int weft_file_read_line(weft_file *file, size_t max_line, char **out_line)
{
    wf_note_call();
    if (file == NULL || out_line == NULL)
        return WEFT_EINVAL;
    if (max_line == 0)
        max_line = DEFAULT_MAX_LINE;
    struct wf_file_op op = { .step = line_step, .size = wf_size_with(2, 1, max_line) };
    int rc = wf_file_run(file, "weft_file_read_line", &op);
    if (rc == 0 && op.n_done > 0)
        rc = cut_end(&op, max_line);
    if (rc <= 0)
        wf_free(op.data);
    else
        *out_line = op.data;
    return rc;
}

/* ---- all that follow ------------------------------------------------------------------------------- */

static int64_t read_more(void *file, void *buf, size_t size)
{
    return wf_unnoted(weft_file_read(file, buf, size));
}

int weft_file_lines_open(weft_file *file, const weft_lines_opts *opts, weft_receiver **out_rx)
{
    wf_note_call();
    return file != NULL ? weft_lines_read_by(read_more, file, opts, out_rx) : WEFT_EINVAL;
}
