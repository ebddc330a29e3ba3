/* SPDX-License-Identifier: MIT
 * A process's three pipes at once: its input is written by one child task, stderr read by another,
 * stdout by the caller, so none of them can fill up while another is waited for. */
#include "io/process.h"

#include "base/opts.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "sched/iowait.h"
#include "sched/wait.h"

#include <errno.h>
#include <weft/cancel.h>
#include <weft/process_run.h>
#include <weft/scope.h>
#include <weft/task.h>

enum { FIRST_ROOM = 4 << 10 };

/* ---- what is read ------------------------------------------------------------------------------------ */

struct capture {
    int fd; /* -1: nothing */
    size_t most;
    weft_text text;
    size_t room;
};

/* Room for one byte more and the 0 behind the last. */
static int make_room(struct capture *capture)
{
    if (capture->text.size + 2 <= capture->room)
        return 0;
    size_t room = capture->room == 0 ? (size_t)FIRST_ROOM : wf_size_with(0, 2, capture->room);
    char *data = wf_realloc(capture->text.data, room);
    if (data == NULL)
        return WEFT_ENOMEM;
    capture->text.data = data;
    capture->room = room;
    return 0;
}

/* 1: there may be more, 0: the end. */
static int read_more(struct capture *capture)
{
    int rc = make_room(capture);
    if (rc < 0)
        return rc;
    weft_text *text = &capture->text;
    ssize_t n = wf_raw_read(capture->fd, text->data + text->size, capture->room - text->size - 1);
    if (n == -EAGAIN) {
        rc = wf_io_wait(capture->fd, WF_POLL_IN);
        return rc < 0 ? rc : 1;
    }
    if (n < 0)
        return (int)n;
    text->size += (size_t)n;
    text->data[text->size] = '\0';
    return text->size > capture->most ? WEFT_EOVERFLOW : n > 0;
}

static int read_all(struct capture *capture)
{
    int rc = capture->fd < 0 ? 0 : wf_unnoted(weft_checkpoint());
    if (rc < 0 || capture->fd < 0)
        return rc;
    do
        rc = read_more(capture);
    while (rc > 0);
    return rc;
}

/* ---- all at once --------------------------------------------------------------------------------------- */

struct exchange {
    weft_process *process;
    const void *input;
    size_t size;
    struct capture out, err;
};

/* One that does not read all of its input has done well all the same. */
static int feed(void *args, void *self)
{
    struct exchange *exchange = *(struct exchange **)args;
    weft_process *process = exchange->process;
    size_t n;
    (void)self;
    int rc = wf_process_feed(process->fds[WEFT_STDIN], exchange->input, exchange->size, &n);
    wf_process_close_fd(&process->fds[WEFT_STDIN]);
    return rc == WEFT_ECLOSED ? 0 : rc;
}

static int read_err(void *args, void *self)
{
    (void)self;
    return read_all(&(*(struct exchange **)args)->err);
}

static const weft_callable feed_callable = { .enter = feed,
                                             .args_size = sizeof(struct exchange *),
                                             .name = "process input",
                                             .file = __FILE__,
                                             .line = __LINE__ };
static const weft_callable read_err_callable = { .enter = read_err,
                                                 .args_size = sizeof(struct exchange *),
                                                 .name = "process stderr",
                                                 .file = __FILE__,
                                                 .line = __LINE__ };

static int start(weft_scope *scope, const weft_callable *what, struct exchange *exchange)
{
    return weft_scope_spawn(scope, NULL, what, &exchange, __FILE__, __LINE__);
}

/* The first failure is what cancels the others. */
static int exchange_within(weft_scope *scope, struct exchange *exchange)
{
    int rc = 0;
    if (exchange->process->fds[WEFT_STDIN] >= 0)
        rc = start(scope, &feed_callable, exchange);
    if (rc >= 0 && exchange->err.fd >= 0)
        rc = start(scope, &read_err_callable, exchange);
    if (rc >= 0)
        rc = read_all(&exchange->out);
    if (rc < 0)
        weft_scope_cancel(scope);
    int ended = weft_scope_wait(scope);
    return rc < 0 && (rc != WEFT_ECANCELED || ended >= 0) ? rc : WF_MIN(ended, 0);
}

/* Entered and left by hand: a variable with a cleanup would bind the library to libgcc_s. */
static int exchange_all(struct exchange *exchange)
{
    weft_scope scope = { .opts = { .size_ = sizeof scope.opts,
                                   .name = "weft_process_communicate" } };
    weft_scope_enter(&scope, __FILE__, __LINE__);
    int rc = exchange_within(&scope, exchange);
    weft_scope_leave(&scope);
    return rc;
}

static void begin_capture(struct capture *capture, weft_process *process, int stream)
{
    capture->most = process->max_output;
    capture->fd = process->fds[stream];
}

static void end_capture(struct capture *capture, weft_process *process, int stream)
{
    if (capture->fd >= 0)
        wf_process_close_fd(&process->fds[stream]);
}

/* What it wrote is there, also if somebody else took how it has ended. */
static int wait_for_exit(weft_process *process, weft_exit *out_exit)
{
    int rc = wf_unnoted(weft_process_wait(process, out_exit));
    if (rc != -ECHILD)
        return rc;
    *out_exit = (weft_exit){ .code = rc };
    return 0;
}

int weft_process_communicate(weft_process *process, const void *input, size_t size,
                             weft_output *out_output)
{
    wf_note_call();
    if (process == NULL || out_output == NULL || (input == NULL && size > 0))
        return WEFT_EINVAL;
    struct exchange exchange = { .process = process, .input = input, .size = size };
    begin_capture(&exchange.out, process, WEFT_STDOUT);
    begin_capture(&exchange.err, process, WEFT_STDERR);
    int rc = wf_unnoted(exchange_all(&exchange));
    end_capture(&exchange.out, process, WEFT_STDOUT);
    end_capture(&exchange.err, process, WEFT_STDERR);
    weft_output output = { .out = exchange.out.text, .err = exchange.err.text };
    if (rc >= 0)
        rc = wait_for_exit(process, &output.exit);
    if (rc < 0) {
        weft_output_drop(&output);
        return rc;
    }
    *out_output = output;
    return 0;
}

void weft_output_drop(weft_output *output)
{
    if (output == NULL)
        return;
    weft_text_drop(&output->out);
    weft_text_drop(&output->err);
}

/* ---- from its start to its end --------------------------------------------------------------------------- */

static void capture_by_default(weft_stdio *stdio)
{
    if (stdio->kind == WEFT_STDIO_INHERIT)
        stdio->kind = WEFT_STDIO_PIPE;
}

int weft_process_run(const char *const argv[], const weft_process_opts *opts, const void *input,
                     size_t size, weft_output *out_output)
{
    wf_note_call();
    weft_process_opts all = { .size_ = 0 };
    if (out_output == NULL || (input == NULL && size > 0))
        return WEFT_EINVAL;
    wf_opts_copy(&all, sizeof(all), opts);
    all.size_ = sizeof all;
    capture_by_default(&all.out);
    capture_by_default(&all.err);
    if (input != NULL)
        all.in = (weft_stdio){ .kind = WEFT_STDIO_PIPE };
    weft_process *process = NULL;
    int rc = wf_unnoted(weft_process_open(argv, &all, &process));
    if (rc < 0)
        return rc;
    rc = wf_unnoted(weft_process_communicate(process, input, size, out_output));
    (void)wf_unnoted(weft_process_close(process));
    return rc;
}
