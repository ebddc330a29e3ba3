/* SPDX-License-Identifier: MIT
 * Processes: starting one, waiting for its end, and ending it.
 *
 * Its end shows on a pidfd, which the poller waits for like any descriptor. A kernel without those is
 * asked again and again, after 1 ms and up to every 50 ms: a handler for SIGCHLD would be the whole
 * program's, and one that the program installs later would replace it. */
#include "io/process.h"

#include "blocking/pool.h"
#include "chan/source.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "plat/thread.h"
#include "sched/iowait.h"
#include "task/ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <weft/scope.h>
#include <weft/task.h>
#include <weft/time.h>

enum { MAX_FDS = 64 };
#define GRACE_NS      INT64_C(2000000000)
#define MAX_OUTPUT    ((size_t)16 << 20)
#define FIRST_LOOK_NS INT64_C(1000000)
#define LAST_LOOK_NS  INT64_C(50000000)

/* ---- starting -------------------------------------------------------------------------------------- */

struct opening {
    weft_process *process;
    const char *const *argv;
    weft_process_opts opts;
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
    enum { MODE_OF_NEW_FILES = 0666 };
    if (path == NULL)
        return WEFT_EINVAL;
    if (number == WEFT_STDIN)
        flags = O_RDONLY;
    int fd = wf_sys.open(path, flags | O_CLOEXEC | O_NOCTTY, MODE_OF_NEW_FILES);
    return fd < 0 ? fd : give_away(o, number, fd);
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
    int rc = open_stream(o, WEFT_STDIN, &o->opts.in);
    if (rc >= 0)
        rc = open_stream(o, WEFT_STDOUT, &o->opts.out);
    if (rc >= 0)
        rc = open_stream(o, WEFT_STDERR, &o->opts.err);
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

/* A job: opening a file may block, and the system suspends this thread until the program begins. */
static int open_job(void *arg)
{
    struct opening *o = arg;
    int rc = open_streams(o);
    if (rc >= 0)
        rc = spawn(o);
    for (int i = 0; i < o->n_fds; i++)
        if (o->fds[i] >= 0)
            (void)wf_sys.close(o->fds[i]);
    if (rc < 0)
        return rc;
    o->process->pid = rc;
    o->process->watch_fd = wf_spawn_watch(rc);
    return 0;
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

static void close_pipes(weft_process *process)
{
    for (int i = 0; i < WF_N_STREAMS; i++)
        wf_process_close_fd(&process->fds[i]);
}

static bool read_opts(struct opening *o, const weft_process_opts *opts)
{
    if (opts != NULL)
        memcpy(&o->opts, opts,
               opts->size_ != 0 ? WF_MIN(opts->size_, sizeof o->opts) : sizeof o->opts);
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
    struct opening o = { .argv = argv };
    if (argv == NULL || argv[0] == NULL || out_process == NULL || !read_opts(&o, opts))
        return WEFT_EINVAL;
    o.process = make_process(argv[0], &o.opts);
    if (o.process == NULL)
        return WEFT_ENOMEM;
    int rc = wf_blocking_call("weft_process_open", open_job, &o);
    if (rc < 0) {
        close_pipes(o.process);
        wf_free(o.process);
        return rc;
    }
    wf_ledger_open_at_large(&o.process->entry, "process", o.process->name);
    *out_process = o.process;
    return 0;
}

/* ---- its end --------------------------------------------------------------------------------------- */

/* 1 it has ended, 0 it has not, -ECHILD. */
static int look_locked(weft_process *process)
{
    struct wf_process_status status;
    if (process->is_unknown)
        return -ECHILD;
    if (process->has_ended)
        return 1;
    int rc = wf_spawn_reap(process->pid, process->has_group, &status);
    process->is_unknown = rc < 0;
    process->has_ended = rc != 0;
    process->is_reaped = rc < 0 || (rc > 0 && !process->has_group);
    if (rc > 0)
        process->end = (weft_exit){ .code = status.code, .signal = status.signal };
    return rc;
}

static int look(weft_process *process, weft_exit *out_exit)
{
    wf_lock_acquire(&process->lock);
    int rc = look_locked(process);
    if (rc > 0 && out_exit != NULL)
        *out_exit = process->end;
    wf_lock_release(&process->lock);
    return rc;
}

static int until_another_look(weft_process *process, int64_t *pause_ns)
{
    if (process->watch_fd >= 0)
        return WF_MIN(wf_io_wait(process->watch_fd, WF_POLL_IN), 0);
    int rc = weft_sleep(*pause_ns);
    *pause_ns = WF_MIN(2 * *pause_ns, LAST_LOOK_NS);
    return rc;
}

static int wait_for_end(weft_process *process, weft_exit *out_exit)
{
    int64_t pause_ns = FIRST_LOOK_NS;
    for (;;) {
        int rc = look(process, out_exit);
        if (rc == 0)
            rc = until_another_look(process, &pause_ns);
        if (rc != 0)
            return WF_MIN(rc, 0);
    }
}

int weft_process_wait(weft_process *process, weft_exit *out_exit)
{
    if (process == NULL)
        return WEFT_EINVAL;
    int rc = weft_checkpoint();
    return rc < 0 ? rc : wait_for_end(process, out_exit);
}

/* ---- ending it ------------------------------------------------------------------------------------- */

static int send_signal(weft_process *process, int number)
{
    wf_lock_acquire(&process->lock);
    int rc = -ESRCH;
    if (!process->is_reaped)
        rc = wf_spawn_signal(process->pid, process->has_group, number);
    wf_lock_release(&process->lock);
    return rc;
}

int weft_process_signal(weft_process *process, int number)
{
    if (process == NULL)
        return WEFT_EINVAL;
    if (wf_is_after_fork())
        return WEFT_EFORK;
    int rc = look(process, NULL);
    return rc != 0 && !process->has_group ? -ESRCH : send_signal(process, number);
}

int weft_process_id(const weft_process *process)
{
    return process != NULL ? process->pid : WEFT_EINVAL;
}

/* True: it has ended within that time. */
static bool ends_within(weft_process *process, int64_t grace_ns)
{
    if (grace_ns < 0)
        return look(process, NULL) != 0;
    (void)send_signal(process, SIGTERM);
    weft_scope grace = { .opts = { .size_ = sizeof grace.opts,
                                   .name = "grace",
                                   .timeout_ns = grace_ns,
                                   .move_on = true } };
    weft_scope_enter(&grace, __FILE__, __LINE__); /* by hand: as in process_run.c */
    int rc = wait_for_end(process, NULL);
    weft_scope_leave(&grace);
    return rc == 0 || rc == -ECHILD;
}

/* It was killed, so it will be gone even if it can't be waited for: in a plain thread, where the
 * runtime could not start. */
static void until_gone(weft_process *process)
{
    if (wait_for_end(process, NULL) < 0)
        while (look(process, NULL) == 0)
            wf_thread_yield();
}

/* The kill reaches whoever is left of its group, also when it has ended itself. */
static void end(weft_process *process)
{
    bool has_ended = look(process, NULL) != 0 || ends_within(process, process->grace_ns);
    if (!has_ended || process->has_group)
        (void)send_signal(process, SIGKILL);
    if (!has_ended)
        until_gone(process);
    wf_lock_acquire(&process->lock);
    struct wf_process_status status;
    if (!process->is_reaped)
        (void)wf_spawn_reap(process->pid, false, &status);
    process->is_reaped = true;
    wf_lock_release(&process->lock);
}

int weft_process_close(weft_process *process)
{
    if (process == NULL)
        return 0;
    if (wf_is_after_fork())
        return WEFT_EFORK;
    weft_shield shield;
    weft_shield_begin(&shield);
    close_pipes(process);
    end(process);
    wf_process_close_fd(&process->watch_fd);
    weft_shield_end(&shield);
    weft_resource_closed(&process->entry);
    wf_free(process);
    return 0;
}
