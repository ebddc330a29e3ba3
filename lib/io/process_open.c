/* SPDX-License-Identifier: MIT
 * Starting a process.
 *
 * A named pipe is opened without waiting for its other side, as file_open.c does it: a job that
 * waits would hold its thread for as long as nobody comes, and could not be cancelled. So the job
 * ends when a side is lacking, the caller's task waits, and another job goes on from there. */
#include "io/process.h"

#include "base/opts.h"
#include "blocking/pool.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/iowait.h"
#include "task/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FDS = 64 };
#define GRACE_NS   INT64_C(2000000000)
#define MAX_OUTPUT ((size_t)16 << 20)
/* What a job ends with that has to be followed by another. */
enum { LACKS_READER = 1, LACKS_WRITER = 2 };

struct opening {
    weft_process *process;
    const char *const *argv;
    weft_process_opts opts;
    int n_opened;                    /* streams that are done */
    bool input_is_fifo;              /* nothing has come from it yet */
    int n_fds;                       /* descriptors that the child has */
    int fds[WF_N_STREAMS + MAX_FDS]; /* what they are here, each n_fds or more; -1: as here */
};

/* A copy that no other one of the child's can take the place of (plat/spawn.h). */
static int copy_for_child(struct opening *o, int number, int fd)
{
    int copy = wf_sys.copy_fd(fd, o->n_fds);
    if (copy < 0)
        return copy;
    o->fds[number] = copy;
    return 0;
}

static int give_away(struct opening *o, int number, int fd)
{
    int rc = copy_for_child(o, number, fd);
    (void)wf_sys.close(fd);
    return rc;
}

static int open_pipe(struct opening *o, int number)
{
    int ends[2];
    int rc = wf_sys.pipe(ends);
    if (rc < 0)
        return rc;
    bool is_input = number == WEFT_STDIN;
    o->process->fds[number] = is_input ? ends[1] : ends[0];
    rc = give_away(o, number, is_input ? ends[0] : ends[1]);
    return rc < 0 ? rc : wf_sys.set_nonblocking(o->process->fds[number]);
}

static int open_file(struct opening *o, int number, const char *path, int flags)
{
    if (path == NULL)
        return WEFT_EINVAL;
    if (number == WEFT_STDIN)
        flags = O_RDONLY;
    struct stat about;
    int fd = wf_raw_open(path, flags | O_NONBLOCK, &about);
    if (fd == -ENXIO && wf_raw_is_fifo(path))
        return LACKS_READER;
    if (fd < 0)
        return fd;
    o->input_is_fifo |= number == WEFT_STDIN && S_ISFIFO(about.st_mode);
    int rc = give_away(o, number, fd);
    return rc < 0 ? rc : wf_sys.set_blocking(o->fds[number]);
}

static int join_stdout(struct opening *o, int number)
{
    if (number != WEFT_STDERR)
        return WEFT_EINVAL;
    int out = o->fds[WEFT_STDOUT];
    return copy_for_child(o, number, out >= 0 ? out : STDOUT_FILENO);
}

static int open_stream(struct opening *o, int number, const weft_stdio *stdio)
{
    switch (stdio->kind) {
    case WEFT_STDIO_INHERIT: return 0;
    case WEFT_STDIO_NULL: return open_file(o, number, "/dev/null", O_WRONLY);
    case WEFT_STDIO_PIPE: return open_pipe(o, number);
    case WEFT_STDIO_FD: return copy_for_child(o, number, stdio->fd);
    case WEFT_STDIO_FILE: return open_file(o, number, stdio->path, O_WRONLY | O_CREAT | O_TRUNC);
    case WEFT_STDIO_APPEND: return open_file(o, number, stdio->path, O_WRONLY | O_CREAT | O_APPEND);
    case WEFT_STDIO_OUT: return join_stdout(o, number);
    }
    return WEFT_EINVAL;
}

static int open_streams(struct opening *o)
{
    const weft_stdio *streams[WF_N_STREAMS] = { &o->opts.in, &o->opts.out, &o->opts.err };
    int rc = 0;
    for (; o->n_opened < WF_N_STREAMS; o->n_opened++) {
        rc = open_stream(o, o->n_opened, streams[o->n_opened]);
        if (rc != 0)
            return rc;
    }
    if (o->input_is_fifo)
        return LACKS_WRITER;
    for (int i = WF_N_STREAMS; rc >= 0 && i < o->n_fds; i++)
        rc = copy_for_child(o, i, o->opts.fds[i - WF_N_STREAMS]);
    return rc;
}

static int spawn(const struct opening *o)
{
    struct wf_spawn what = { .argv = o->argv,
                             .env = o->opts.env,
                             .folder = o->opts.folder,
                             .new_group = o->opts.new_group,
                             .fds = o->fds,
                             .n_fds = (size_t)o->n_fds };
    return wf_sys.spawn(&what);
}

static void close_copies(struct opening *o)
{
    for (int i = 0; i < o->n_fds; i++)
        if (o->fds[i] >= 0)
            (void)wf_sys.close(o->fds[i]);
}

/* A job: opening a file may block, and the system suspends this thread until the program begins.
 * The copies are closed here, too, unless another job goes on with them. */
static int open_job(void *arg)
{
    struct opening *o = arg;
    int rc = open_streams(o);
    if (rc > 0)
        return rc;
    if (rc == 0)
        rc = spawn(o);
    close_copies(o);
    o->n_fds = 0;
    if (rc < 0)
        return rc;
    o->process->pid = rc;
    o->process->watch_fd = wf_spawn_watch(rc);
    return 0;
}

/* A process that began before there is a writer would find the end of its input. That of the pipe
 * tells of one by what it has written, or by its end. The child's copy keeps the open file alive,
 * so it leaves the poller now. */
static int wait_for_writer(struct opening *o)
{
    int rc = wf_io_wait(o->fds[WEFT_STDIN], WF_POLL_IN);
    wf_io_forget(o->fds[WEFT_STDIN]);
    o->input_is_fifo = false;
    return WF_MIN(rc, 0);
}

static int open_waiting(struct opening *o)
{
    int64_t pause_ns = 0;
    int rc = 0;
    do {
        if (rc == LACKS_READER)
            rc = wf_raw_pause(&pause_ns);
        else if (rc == LACKS_WRITER)
            rc = wait_for_writer(o);
        if (rc >= 0)
            rc = wf_blocking_call("weft_process_open", open_job, o);
    } while (rc > 0);
    close_copies(o);
    return rc;
}

static weft_process *make_process(const char *name, const weft_process_opts *opts)
{
    size_t size = strlen(name) + 1;
    weft_process *process = wf_alloc(1, wf_size_with(sizeof *process, 1, size));
    if (process == NULL)
        return NULL;
    memcpy(process->name, name, size);
    process->has_group = opts->new_group;
    process->grace_ns = opts->grace_ns != 0 ? opts->grace_ns : GRACE_NS;
    process->max_output = opts->max_output != 0 ? opts->max_output : MAX_OUTPUT;
    process->lock = (struct wf_lock)WF_LOCK_INIT(WF_RANK_NONE);
    for (int i = 0; i < WF_N_STREAMS; i++)
        process->fds[i] = -1;
    return process;
}

static bool read_opts(struct opening *o, const weft_process_opts *opts)
{
    wf_opts_copy(&o->opts, sizeof o->opts, opts);
    if (o->opts.n_fds > MAX_FDS || (o->opts.n_fds > 0 && o->opts.fds == NULL))
        return false;
    o->n_fds = WF_N_STREAMS + (int)o->opts.n_fds;
    for (int i = 0; i < o->n_fds; i++)
        o->fds[i] = -1;
    return true;
}

int weft_process_open(const char *const argv[], const weft_process_opts *opts,
                      weft_process **out_process)
{
    wf_note_call();
    struct opening o = { .argv = argv };
    if (argv == NULL || argv[0] == NULL || out_process == NULL || !read_opts(&o, opts))
        return WEFT_EINVAL;
    o.process = make_process(argv[0], &o.opts);
    if (o.process == NULL)
        return WEFT_ENOMEM;
    int rc = open_waiting(&o);
    if (rc < 0) {
        wf_process_close_pipes(o.process);
        wf_free(o.process);
        return rc;
    }
    wf_ledger_open_at_large(&o.process->entry, "process", o.process->name);
    *out_process = o.process;
    return 0;
}
