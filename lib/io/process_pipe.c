/* SPDX-License-Identifier: MIT
 * A process's pipes: bytes to its stdin, lines and chunks of what it writes. */
#include "io/process.h"

#include "chan/source.h"
#include "io/lines.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/iowait.h"

#include <errno.h>
#include <string.h>
#include <weft/chan.h>
#include <weft/scope.h>
#include <weft/task.h>

enum { CHUNK_SIZE = 64 << 10 };

int wf_process_take_fd(weft_process *process, int stream)
{
    if (process == NULL || process->fds[stream] < 0)
        return WEFT_EINVAL;
    int fd = process->fds[stream];
    process->fds[stream] = -1;
    return fd;
}

void wf_process_close_fd(int *fd)
{
    if (*fd < 0)
        return;
    wf_io_forget(*fd);
    (void)wf_sys.close(*fd);
    *fd = -1;
}

void wf_process_close_pipes(weft_process *process)
{
    for (int i = 0; i < WF_N_STREAMS; i++)
        wf_process_close_fd(&process->fds[i]);
}

/* ---- its input ------------------------------------------------------------------------------------- */

int wf_process_feed(int fd, const void *data, size_t size, size_t *out_n)
{
    int rc = wf_unnoted(weft_checkpoint());
    for (*out_n = 0; rc == 0 && *out_n < size;) {
        ssize_t n = wf_write_quietly(fd, (const char *)data + *out_n, size - *out_n);
        if (n == -EAGAIN)
            rc = WF_MIN(wf_io_wait(fd, WF_POLL_OUT), 0);
        else if (n < 0)
            rc = n == -EPIPE ? WEFT_ECLOSED : (int)n;
        else
            *out_n += (size_t)n;
    }
    return rc;
}

int weft_process_write(weft_process *process, const void *data, size_t size, size_t *out_n)
{
    wf_note_call();
    size_t n = 0;
    int rc = WEFT_EINVAL;
    if (process != NULL && process->fds[WEFT_STDIN] >= 0 && (data != NULL || size == 0))
        rc = wf_process_feed(process->fds[WEFT_STDIN], data, size, &n);
    if (out_n != NULL)
        *out_n = n;
    return rc;
}

int weft_process_end_input(weft_process *process)
{
    wf_note_call();
    if (process == NULL)
        return WEFT_EINVAL;
    wf_process_close_fd(&process->fds[WEFT_STDIN]);
    return 0;
}

/* ---- its input as a sender --------------------------------------------------------------------------- */

struct feeder {
    weft_receiver *texts;
    int fd;
};

static void drop_feeder(void *args)
{
    struct feeder *feeder = args;
    (void)wf_receiver_close_and_free(feeder->texts);
    wf_process_close_fd(&feeder->fd);
}

static int feed_texts(struct feeder *feeder)
{
    weft_text text;
    int rc;
    while ((rc = weft_receiver_recv(feeder->texts, &text, sizeof text)) > 0) {
        size_t n;
        rc = wf_process_feed(feeder->fd, text.data, text.size, &n);
        weft_text_drop(&text);
        if (rc < 0)
            break;
    }
    return rc;
}

static int run_feeder(void *args, void *self)
{
    (void)self;
    int rc = feed_texts(args);
    drop_feeder(args);
    return rc;
}

static const weft_callable feeder_callable = { .enter = run_feeder,
                                               .drop = drop_feeder,
                                               .args_size = sizeof(struct feeder),
                                               .name = "weft_process_input",
                                               .file = __FILE__,
                                               .line = __LINE__ };

int weft_process_input_open(weft_process *process, size_t capacity, weft_sender **out_tx)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    if (out_tx == NULL || process == NULL || process->fds[WEFT_STDIN] < 0 || self->scope == NULL)
        return WEFT_EINVAL;
    weft_chan_opts opts = {
        .size_ = sizeof opts, .capacity = capacity, .name = "process input", .drop = weft_text_drop
    };
    weft_sender *tx = NULL;
    struct feeder feeder = { .fd = -1 };
    int rc = wf_unnoted(
        weft_channel_open(sizeof(weft_text), &opts, &tx, &feeder.texts, __FILE__, __LINE__));
    if (rc < 0)
        return rc;
    feeder.fd = wf_process_take_fd(process, WEFT_STDIN);
    rc = wf_unnoted(
        weft_scope_spawn(self->scope, NULL, &feeder_callable, &feeder, __FILE__, __LINE__));
    if (rc < 0) {
        weft_half_drop(&tx);
        return rc;
    }
    memcpy(out_tx, &tx, sizeof tx);
    return 0;
}

/* ---- its output -------------------------------------------------------------------------------------- */

static bool is_output(enum weft_stream_number stream)
{
    return stream == WEFT_STDOUT || stream == WEFT_STDERR;
}

int weft_process_lines_open(weft_process *process, enum weft_stream_number stream,
                            const weft_lines_opts *opts, weft_receiver **out_rx)
{
    wf_note_call();
    if (!is_output(stream) || process == NULL || process->fds[stream] < 0)
        return WEFT_EINVAL;
    int rc = wf_lines_of_fd(process->fds[stream], opts, out_rx);
    if (rc >= 0)
        process->fds[stream] = -1;
    return rc;
}

struct chunks {
    int fd;
    char data[CHUNK_SIZE];
};

static int chunks_recv(weft_receiver *rx, void *out)
{
    struct chunks *chunks = rx->source;
    for (;;) {
        ssize_t n = wf_raw_read(chunks->fd, chunks->data, sizeof chunks->data);
        if (n > 0) {
            weft_line chunk = { chunks->data, (size_t)n };
            memcpy(out, &chunk, sizeof chunk);
            return 1;
        }
        int rc = n == -EAGAIN ? WF_MIN(wf_io_wait(chunks->fd, WF_POLL_IN), 0) : (int)n;
        rx->is_ended = rc < 0 && n != -EAGAIN;
        if (rc < 0 || n == 0)
            return rc;
    }
}

static int chunks_close(weft_receiver *rx)
{
    struct chunks *chunks = rx->source;
    wf_process_close_fd(&chunks->fd);
    wf_free(chunks);
    return 0;
}

static const struct wf_source_ops chunks_ops = {
    .kind = "chunks",
    .recv = chunks_recv,
    .close = chunks_close,
};

int weft_process_chunks_open(weft_process *process, enum weft_stream_number stream,
                             weft_receiver **out_rx)
{
    wf_note_call();
    if (!is_output(stream) || out_rx == NULL || process == NULL || process->fds[stream] < 0)
        return WEFT_EINVAL;
    struct chunks *chunks = wf_alloc(1, sizeof *chunks);
    weft_receiver *rx = NULL;
    if (chunks != NULL)
        rx = wf_receiver_make(&chunks_ops, chunks, sizeof(weft_line), "weft_process_chunks", 0);
    if (rx == NULL) {
        wf_free(chunks);
        return WEFT_ENOMEM;
    }
    chunks->fd = wf_process_take_fd(process, (int)stream);
    rx->lends_items = true;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
