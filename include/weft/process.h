/* SPDX-License-Identifier: MIT */
/* Processes: other programs, which end with the brace that started them.
 *
 *     const char *const argv[] = { "sort", "-u", NULL };
 *     WEFT_AUTO(weft_process, sort);
 *     WEFT_RX(weft_line, lines);
 *     WEFT_TRY(weft_process_open(argv, WEFT_OPTS(process, .in = WEFT_PIPE, .out = WEFT_PIPE),
 *                                &sort));
 *     WEFT_TRY(weft_process_write(sort, text, size, &n));
 *     WEFT_TRY(weft_process_end_input(sort));
 *     WEFT_TRY(weft_process_lines(sort, WEFT_STDOUT, NULL, &lines));
 *     weft_each (line, lines)
 *         use(line);
 *     WEFT_TRY(weft_process_wait(sort, &how));
 *
 * One that still runs when it is closed is sent SIGTERM, and SIGKILL after a time of grace;
 * it is always waited for, and leaves no zombie. With .new_group the others of its group are
 * sent the same, also when it has ended before them. For a program that is only to be run, with
 * its output captured, see weft/process_run.h.
 *
 * The child begins with no signal blocked, SIGPIPE as by default, and no descriptor but those
 * it is given. Signals and waits can't meet another process of the same number. A program
 * that waits for any child of its own (wait, SIGCHLD ignored) takes the end from here; then
 * those left in a group are reached with Linux 6.9 or newer alone, and not if that end came
 * before the open was over.
 */
#ifndef WEFT_PROCESS_H
#define WEFT_PROCESS_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/line.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_process weft_process;

/* Where a stream of the child comes from, or goes. */
enum weft_stdio_kind {
    WEFT_STDIO_INHERIT,          /* the caller's own */
    WEFT_STDIO_NULL,             /* nowhere: /dev/null */
    WEFT_STDIO_PIPE,             /* the caller: weft_process_write, _lines, _chunks */
    WEFT_STDIO_FD,               /* a descriptor, which stays the caller's too */
    WEFT_STDIO_FILE,             /* the file at path; an output makes it, or empties it.
                                    A named pipe is waited for: to be read until there is
                                    data or its writer has gone, to be written until it has
                                    a reader */
    WEFT_STDIO_APPEND,           /* the same, but an output is added at its end */
    WEFT_STDIO_OUT               /* of stderr: where stdout goes */
};
typedef struct weft_stdio {
    enum weft_stdio_kind kind;
    int fd;
    const char *path;
} weft_stdio;

/* The streams, by their descriptors in the child. */
enum weft_stream_number { WEFT_STDIN, WEFT_STDOUT, WEFT_STDERR };

/* How a process is started. 0 in a field is its default. */
typedef struct weft_process_opts {
    size_t size_;
    const char *const *env;      /* "NAME=value" ..., then NULL; default: the caller's */
    const char *folder;          /* it begins there; default: where the caller is */
    weft_stdio in, out, err;
    const int *fds;              /* n_fds (at most 64) of the caller's: 3, 4 ... in the child */
    size_t n_fds;
    bool new_group;              /* it leads a process group; signals, also those at the close,
                                    go to all in it, and nobody in it survives the close */
    int64_t grace_ns;            /* at the close, from SIGTERM to SIGKILL, unless all have ended
                                    before; default 2 s; < 0: no SIGTERM, no grace */
    size_t max_output;           /* of weft_process_run and _communicate, bytes a stream;
                                    default 16 MiB */
} weft_process_opts;

/* How a process has ended. */
typedef struct weft_exit {
    int code;                    /* what it returned, 0 to 255; -1: it was ended by */
    int signal;                  /* this signal; 0: it returned */
} weft_exit;

/* Starts the program argv[0], searched for in PATH, with the arguments argv, which end with
 * NULL. opts may be NULL. The caller closes the process.
 *
 * Waits    the task, or a plain thread, until the program has been found and begins
 * Cancel   yes, before it starts, and while a named pipe lacks its other side
 * From     any thread
 * Returns  0
 *          -ENOENT, -EACCES ...    why it could not be started, or a file not be opened
 *          WEFT_EINVAL     no argv[0]; a stream that can't be; more than 64 fds
 *          WEFT_ECANCELED, WEFT_ENOMEM, WEFT_EAGAIN                                         */
WEFT_API WEFT_MUST_CHECK int weft_process_open(const char *const argv[],
                                               const weft_process_opts *opts,
                                               weft_process **out_process);

/* Waits for its end. Also when it has ended before, and again.
 *
 * A process that writes to a pipe which nobody reads does not end: weft_process_communicate
 * reads while it waits.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; the process goes on
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another waits for it
 *          -ECHILD         it has ended, and somebody else took how                         */
WEFT_API WEFT_MUST_CHECK int weft_process_wait(weft_process *process, weft_exit *out_exit);

/* Sends it a signal; to all of its group, if it was given one.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          -ESRCH          it has ended
 *          -EPERM, WEFT_EINVAL                                                              */
WEFT_API int weft_process_signal(weft_process *process, int number);

/* Its number, for people and logs.
 *
 * Waits    no
 * From     any thread
 * Returns  the process id                                                                   */
WEFT_API int weft_process_id(const weft_process *process);

/* Writes all size bytes to the pipe that is its stdin.
 *
 * *out_n, unlike other results, is written also when this fails: how many were written.
 *
 * Waits    the task, or a plain thread, for room
 * Cancel   yes; what was written is
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECLOSED    it reads no more
 *          WEFT_EINVAL     there is no such pipe, or it was ended or handed over
 *          WEFT_ECANCELED                                                                   */
WEFT_API WEFT_MUST_CHECK int weft_process_write(weft_process *process, const void *data,
                                                size_t size, size_t *out_n);

/* Ends its input: it reads the end of the pipe. Again, and without a pipe, it is 0.
 *
 * Waits    no
 * From     any thread, when no write is under way
 * Returns  0                                                                                */
WEFT_API int weft_process_end_input(weft_process *process);

/* Opens a sender of weft_text for its stdin, which ends with the last sender.
 *
 * A task in the caller's scope writes what is sent, and owns it. When the process reads no
 * more, sends return WEFT_ECLOSED. Usually called by weft_process_input.
 *
 * Waits    no
 * From     a task or a thread that is in a scope
 * Returns  0
 *          WEFT_EINVAL     no such pipe, or it was ended or handed over; no scope
 *          WEFT_ENOMEM                                                                      */
WEFT_API WEFT_MUST_CHECK int weft_process_input_open(weft_process *process, size_t capacity,
                                                     weft_sender **out_tx);

/* Opens a receiver of the lines that it writes to WEFT_STDOUT or WEFT_STDERR; as weft_lines.
 *
 * The pipe is the receiver's from then on, and outlives the process. Closing it before the end
 * lets the process find nobody who reads. Usually called by weft_process_lines.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     no such pipe, or it was handed over
 *          WEFT_ENOMEM                                                                      */
WEFT_API WEFT_MUST_CHECK int weft_process_lines_open(weft_process *process,
                                                     enum weft_stream_number stream,
                                                     const weft_lines_opts *opts,
                                                     weft_receiver **out_rx);

/* The same for the bytes as they come: a weft_line is a view of one or more, up to 64 KiB,
 * valid until the next receive. Usually called by weft_process_chunks.
 *
 * Waits    no
 * From     any thread
 * Returns  as weft_process_lines_open                                                       */
WEFT_API WEFT_MUST_CHECK int weft_process_chunks_open(weft_process *process,
                                                      enum weft_stream_number stream,
                                                      weft_receiver **out_rx);

/* Closes the pipes that are still here, ends the process if it runs (.grace_ns), and forgets
 * it. NULL is 0.
 *
 * Waits    the task, or a plain thread, until it is gone
 * Cancel   no: shielded
 * From     any thread, when no other call uses the process
 * Returns  0                                                                                */
WEFT_API int weft_process_close(weft_process *process);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_process, weft_process_close)

/* What .in, .out and .err are set to. */
#define WEFT_PIPE            ((weft_stdio){ .kind = WEFT_STDIO_PIPE })
#define WEFT_NOWHERE         ((weft_stdio){ .kind = WEFT_STDIO_NULL })
#define WEFT_LIKE_STDOUT     ((weft_stdio){ .kind = WEFT_STDIO_OUT })
#define WEFT_AT_FD(number)   ((weft_stdio){ .kind = WEFT_STDIO_FD, .fd = (number) })
#define WEFT_AT_FILE(name)   ((weft_stdio){ .kind = WEFT_STDIO_FILE, .path = (name) })
#define WEFT_APPENDED(name)  ((weft_stdio){ .kind = WEFT_STDIO_APPEND, .path = (name) })

/* weft_process_lines(process, WEFT_STDOUT, NULL, &lines) opens lines, a weft_rx(weft_line). */
#define weft_process_lines(process, stream, opts, rx) \
    weft_process_lines_open(process, stream, opts, WEFT_RX_SLOT_(weft_line, rx))
#define weft_process_chunks(process, stream, rx) \
    weft_process_chunks_open(process, stream, WEFT_RX_SLOT_(weft_line, rx))

/* weft_process_input(process, capacity, &tx) opens tx, a weft_tx(weft_text). */
#define weft_process_input(process, capacity, tx) \
    weft_process_input_open(process, capacity, WEFT_TX_SLOT_(weft_text, tx))

#endif
#endif
