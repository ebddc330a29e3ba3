/* SPDX-License-Identifier: MIT
 * From a file's position to its end, into memory that grows. */
#include "blocking/pool.h"
#include "io/file.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <stdint.h>
#include <stdio.h>

enum { SMALLEST_ROOM = 4096 };

/* Room for what the file says is left, for one byte more so that its end is seen without growing,
 * and for the 0 byte. A pipe or a file of /proc says 0. */
static size_t first_room(int fd)
{
    struct stat about;
    off_t at = wf_sys.seek(fd, 0, SEEK_CUR);
    if (at < 0 || wf_sys.stat_fd(fd, &about) < 0 || about.st_size <= at)
        return SMALLEST_ROOM;
    size_t room;
    if (__builtin_add_overflow(about.st_size - at, 2, &room))
        return SIZE_MAX;
    return WF_MAX(room, (size_t)SMALLEST_ROOM);
}

static bool have_room(struct wf_file_op *op)
{
    if (op->room - op->n_done >= 2)
        return true;
    size_t bigger = first_room(op->file->fd);
    if (op->data != NULL &&
        (__builtin_add_overflow(op->room, op->room / 2, &bigger) || bigger > PTRDIFF_MAX))
        return false;
    char *data = wf_realloc(op->data, bigger);
    if (data == NULL)
        return false;
    op->data = data;
    op->room = bigger;
    return true;
}

static int read_all_step(struct wf_file_op *op)
{
    if (!have_room(op))
        return WEFT_ENOMEM;
    ssize_t n = wf_raw_read(op->file->fd, op->data + op->n_done, op->room - op->n_done - 1);
    if (n > 0)
        op->n_done += (size_t)n;
    return n > 0 ? 1 : (int)n;
}

int weft_file_read_all(weft_file *file, char **out_data, size_t *out_size)
{
    wf_note_call();
    if (out_data == NULL || out_size == NULL)
        return WEFT_EINVAL;
    struct wf_file_op op = { .step = read_all_step, .is_counted = true };
    int rc = wf_file_run(file, "weft_file_read_all", &op);
    if (rc < 0) {
        wf_free(op.data);
        return rc;
    }
    op.data[op.n_done] = '\0';
    char *trimmed = wf_realloc(op.data, op.n_done + 1);
    *out_data = trimmed != NULL ? trimmed : op.data;
    *out_size = op.n_done;
    return 0;
}
