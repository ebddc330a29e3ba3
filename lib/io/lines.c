/* SPDX-License-Identifier: MIT
 * The lines of a file as a receiver: blocks are read by blocking jobs, lines are cut out of them in
 * the consumer's own task.
 *
 *   buf   [ taken | pending, no \n in it | not looked at | free ]
 *         0       start                  scanned         end    room
 *
 * Invariants:
 *   L1  start <= scanned <= end <= room, and no \n lies in [start, scanned).
 *   L2  what a line that was handed out points at is not written before the next receive, and, where
 *       the block was held (lent.h), never again: what is pending moves to a new one. A job writes
 *       [end, room) alone, and a job that has begun is always waited for.
 *   L3  room <= max_line + 2 + block, or block: a pending line is given up when it is too long.
 *
 * Only a file is read by a job at once: what may stay without data for long (a pipe, a terminal) is
 * first waited for in the task, where a cancel ends the wait; a job that sleeps in read would not.
 *
 * A line ends with \n or \r\n, and the last one may end with the file. The limit counts neither.
 * A receive that finds its line in the block takes no lock and asks for nothing but memchr; giving
 * way to others happens with each block, where the task waits anyway. */
#include "blocking/pool.h"
#include "base/code.h"
#include "base/opts.h"
#include "chan/lent.h"
#include "chan/source.h"
#include "io/lines.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "sched/iowait.h"

#include <fcntl.h>
#include <string.h>
#include <weft/line.h>

#define DEFAULT_MAX_LINE ((size_t)1 << 20)
#define DEFAULT_BLOCK    ((size_t)128 << 10)

struct lines {
    int64_t (*read_by)(void *arg, void *buf, size_t size); /* NULL: read from fd */
    void *read_arg;
    int fd;
    bool is_over;  /* no more will be read: the end, or an error was given */
    bool is_ready; /* always: a regular file, or another that can't be waited for */
    bool keep_ends;
    bool is_universal;    /* a \r alone ends a line, too */
    struct wf_lent *lent; /* of which buf is the memory */
    char *buf;
    size_t start, scanned, end, room;
    size_t block, max_line;
};

/* ---- cutting ------------------------------------------------------------------------------------- */

static int too_long(struct lines *in)
{
    in->start = in->scanned = in->end;
    in->is_over = true;
    return WEFT_ELINE;
}

/* Hands out the `size` bytes at start, of which the last end_size are its end. */
static int hand_out(struct lines *in, size_t size, size_t end_size, weft_line *out)
{
    if (WF_UNLIKELY(size - end_size > in->max_line))
        return too_long(in);
    *out = (weft_line){ in->buf + in->start, in->keep_ends ? size : size - end_size };
    in->start += size;
    in->scanned = in->start;
    return 1;
}

/* The same where a \r alone is an end, too. One that is the last byte so far may be half of one. */
static WF_NOINLINE int cut_universal(struct lines *in, weft_line *out)
{
    while (in->scanned < in->end) {
        const char *at = in->buf + in->scanned;
        bool is_last = in->scanned + 1 == in->end;
        if (*at == '\r' && is_last && !in->is_over)
            return 0;
        size_t size = in->scanned - in->start + 1;
        if (*at == '\r' && !is_last && at[1] == '\n')
            return hand_out(in, size + 1, 2, out);
        if (*at == '\n' || *at == '\r')
            return hand_out(in, size, 1, out);
        in->scanned++;
    }
    return 0;
}

/* The next line if its end is in the buffer: 1, WEFT_ELINE, or 0 if it is not. */
static inline int cut(struct lines *in, weft_line *out)
{
    if (WF_UNLIKELY(in->is_universal))
        return cut_universal(in, out);
    char *line = in->buf + in->start;
    char *at = memchr(in->buf + in->scanned, '\n', in->end - in->scanned);
    if (WF_UNLIKELY(at == NULL)) {
        in->scanned = in->end;
        return 0;
    }
    return hand_out(in, (size_t)(at - line) + 1, at > line && at[-1] == '\r' ? 2 : 1, out);
}

/* The next of a batch. An error is left where it is, for the next receive to find. */
static int cut_another(struct lines *in, weft_line *out)
{
    size_t start = in->start;
    bool is_over = in->is_over;
    int rc = cut(in, out);
    if (rc < 0) {
        in->start = in->scanned = start;
        in->is_over = is_over;
    }
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static void use_block(struct lines *in, struct wf_lent *lent)
{
    in->lent = lent;
    in->buf = lent->bytes;
    in->room = lent->room;
}

static bool grow(struct lines *in)
{
    size_t most = wf_size_with(in->block, 1, wf_size_with(2, in->max_line, 1));
    size_t room = in->room <= most / 2 ? in->room * 2 : most;
    struct wf_lent *lent = wf_realloc(in->lent, wf_size_with(sizeof *lent, room, 1));
    if (lent == NULL)
        return false;
    lent->room = room;
    use_block(in, lent);
    return true;
}

/* The block is left to those who hold it, and what is pending goes to the front of a new one. */
static bool renew(struct lines *in, size_t pending)
{
    struct wf_lent *lent = wf_lent_make(in->room);
    if (lent == NULL)
        return false;
    memcpy(lent->bytes, in->buf + in->start, pending);
    wf_lent_drop(in->lent);
    use_block(in, lent);
    return true;
}

/* Moves what is pending to the front. When it fills more than half of the buffer, its line is
 * longer than expected: the buffer grows, so that blocks do not get smaller and smaller. */
static bool make_room(struct lines *in)
{
    size_t pending = in->end - in->start;
    bool is_shared = wf_lent_is_shared(in->lent);
    if (is_shared && in->room - in->end >= in->room / 2)
        return true; /* a pipe gave little: what was lent stays where it is */
    if (is_shared && !renew(in, pending))
        return false;
    if (!is_shared && in->start > 0)
        memmove(in->buf, in->buf + in->start, pending);
    in->scanned -= in->start;
    in->start = 0;
    in->end = pending;
    return pending <= in->room / 2 || grow(in);
}

static int wait_for_data(struct lines *in)
{
    if (in->is_ready)
        return 0;
    int rc = wf_io_wait(in->fd, WF_POLL_IN);
    if (rc != -EPERM)
        return WF_MIN(rc, 0);
    in->is_ready = true;
    return 0;
}

/* Appends what one read gives: nothing, if another reader of a pipe was faster. */
static int read_block(struct lines *in)
{
    ssize_t n = wf_raw_read(in->fd, in->buf + in->end, in->room - in->end);
    if (n == -EAGAIN && !in->is_ready)
        return 0;
    if (n <= 0)
        in->is_over = true;
    if (n > 0)
        in->end += (size_t)n;
    return n < 0 ? (int)n : 0;
}

static int read_job(void *arg) { return read_block(arg); }

static int read_from_fd(struct lines *in)
{
    int rc = wait_for_data(in);
    return rc == 0 ? wf_blocking_call("weft_lines", read_job, in) : rc;
}

static int read_from_user(struct lines *in)
{
    int64_t n = in->read_by(in->read_arg, in->buf + in->end, in->room - in->end);
    if (n == 0 || wf_is_final(n))
        in->is_over = true;
    if (n > 0)
        in->end += (size_t)n;
    return n < 0 ? (int)n : 0;
}

/* The last line, if the file does not end with \n; or with a \r that now is known to be one. */
static int last_line(struct lines *in, weft_line *out)
{
    int rc = in->is_universal ? cut_universal(in, out) : 0;
    if (rc != 0)
        return rc;
    return in->end > in->start ? hand_out(in, in->end - in->start, 0, out) : 0;
}

static WF_NOINLINE int recv_slow(struct lines *in, weft_line *out)
{
    int rc = 0;
    while (rc == 0) {
        if (in->is_over)
            return last_line(in, out);
        /* One more than the limit may still be a \r before its \n. */
        if (in->end - in->start > wf_size_with(1, in->max_line, 1))
            return too_long(in);
        if (!make_room(in))
            return WEFT_ENOMEM;
        rc = in->read_by != NULL ? read_from_user(in) : read_from_fd(in);
        if (rc < 0 && in->is_over)
            in->start = in->scanned = in->end;
        if (rc == 0)
            rc = cut(in, out);
    }
    return rc;
}

/* ---- the source ---------------------------------------------------------------------------------- */

static int lines_recv(weft_receiver *rx, void *out)
{
    struct lines *in = rx->source;
    int rc = cut(in, out);
    return WF_LIKELY(rc != 0) ? rc : recv_slow(in, out);
}

/* All views of one batch lie in one block: only the first receive may read. */
static int lines_recv_many(weft_receiver *rx, void *out, size_t n)
{
    weft_line *lines = out;
    if (n == 0)
        return 0;
    int rc = lines_recv(rx, &lines[0]);
    if (rc <= 0)
        return rc;
    struct lines *in = rx->source;
    int n_cut = 1;
    while ((size_t)n_cut < n && cut_another(in, &lines[n_cut]) > 0)
        n_cut++;
    return n_cut;
}

static struct wf_lent *lines_hold(weft_receiver *rx)
{
    return wf_lent_ref(((struct lines *)rx->source)->lent);
}

static void free_lines(struct lines *in)
{
    wf_lent_drop(in->lent);
    wf_free(in);
}

static int lines_close(weft_receiver *rx)
{
    struct lines *in = rx->source;
    int rc = 0;
    if (in->read_by == NULL) {
        if (!in->is_ready)
            wf_io_forget(in->fd);
        rc = wf_blocking_call_shielded("weft_lines", wf_raw_close_job, &in->fd);
    }
    free_lines(in);
    return rc;
}

static const struct wf_source_ops lines_ops = {
    .kind = "lines",
    .recv = lines_recv,
    .recv_many = lines_recv_many,
    .hold = lines_hold,
    .close = lines_close,
};

/* ---- opening ------------------------------------------------------------------------------------- */

struct open_job {
    struct lines *in;
    const char *path;
};

static int open_job(void *arg)
{
    const struct open_job *job = arg;
    struct stat about;
    /* Or a named pipe would be waited for until it has a writer. */
    job->in->fd = wf_raw_open(job->path, O_RDONLY | O_NONBLOCK, &about);
    if (job->in->fd < 0)
        return job->in->fd;
    job->in->is_ready = S_ISREG(about.st_mode);
    return 0;
}

static struct lines *make_lines(const weft_lines_opts *user_opts)
{
    weft_lines_opts opts = { .size_ = 0 };
    wf_opts_copy(&opts, sizeof(opts), user_opts);
    struct lines *in = wf_alloc(1, sizeof(*in));
    if (in == NULL)
        return NULL;
    in->block = opts.block_size > 0 ? opts.block_size : DEFAULT_BLOCK;
    in->max_line = opts.max_line > 0 ? opts.max_line : DEFAULT_MAX_LINE;
    in->keep_ends = opts.keep_ends;
    in->is_universal = opts.universal;
    struct wf_lent *lent = wf_lent_make(in->block);
    if (lent == NULL) {
        wf_free(in);
        return NULL;
    }
    use_block(in, lent);
    return in;
}

static weft_receiver *make_receiver(struct lines *in)
{
    weft_receiver *rx = wf_receiver_make(&lines_ops, in, sizeof(weft_line), __FILE__, __LINE__);
    if (rx != NULL)
        rx->lends_items = true;
    return rx;
}

int wf_lines_of_fd(int fd, const weft_lines_opts *opts, weft_receiver **out_rx)
{
    if (out_rx == NULL)
        return WEFT_EINVAL;
    struct lines *in = make_lines(opts);
    weft_receiver *rx = in != NULL ? make_receiver(in) : NULL;
    if (rx == NULL) {
        if (in != NULL)
            free_lines(in);
        return WEFT_ENOMEM;
    }
    in->fd = fd;
    memcpy(out_rx, &rx, sizeof(rx));
    return 0;
}

int weft_lines_open(const char *path, const weft_lines_opts *opts, weft_receiver **out_rx)
{
    wf_note_call();
    if (path == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    struct lines *in = make_lines(opts);
    if (in == NULL)
        return WEFT_ENOMEM;
    int rc = WEFT_ENOMEM;
    weft_receiver *rx = make_receiver(in);
    if (rx != NULL) {
        struct open_job job = { .in = in, .path = path };
        rc = wf_blocking_call("weft_lines_open", open_job, &job);
    }
    if (rc < 0) {
        if (rx != NULL)
            wf_receiver_free(rx);
        free_lines(in);
        return rc;
    }
    memcpy(out_rx, &rx, sizeof(rx));
    return 0;
}

int weft_lines_read_by(int64_t (*read)(void *arg, void *buf, size_t size), void *arg,
                       const weft_lines_opts *opts, weft_receiver **out_rx)
{
    if (read == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    struct lines *in = make_lines(opts);
    if (in == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(&lines_ops, in, sizeof(weft_line), __FILE__, __LINE__);
    if (rx == NULL) {
        free_lines(in);
        return WEFT_ENOMEM;
    }
    in->read_by = read;
    in->read_arg = arg;
    rx->lends_items = true;
    memcpy(out_rx, &rx, sizeof(rx));
    return 0;
}
