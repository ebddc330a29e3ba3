/* SPDX-License-Identifier: MIT
 * Processes: waiting for the end of one, and ending it.
 *
 * Its end shows on a pidfd, which the poller waits for like any descriptor. A kernel without those is
 * asked again and again, after 1 ms and up to every 50 ms: a handler for SIGCHLD would be the whole
 * program's, and one that the program installs later would replace it. */
#include "io/process.h"

#include "blocking/pool.h"
#include "chan/source.h"
#include "plat/group.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "plat/thread.h"
#include "sched/iowait.h"

#include <signal.h>
#include <string.h>
#include <weft/scope.h>
#include <weft/task.h>
#include <weft/time.h>

#define FIRST_LOOK_NS INT64_C(1000000)
#define LAST_LOOK_NS  INT64_C(50000000)

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
    int rc = wf_unnoted(weft_sleep(*pause_ns));
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
    wf_note_call();
    if (process == NULL)
        return WEFT_EINVAL;
    int rc = wf_unnoted(weft_checkpoint());
    return rc < 0 ? rc : wait_for_end(process, out_exit);
}

/* ---- ending it ------------------------------------------------------------------------------------- */

static int send_signal(weft_process *process, int number)
{
    wf_lock_acquire(&process->lock);
    int rc = -ESRCH;
    if (!process->is_reaped)
        rc = wf_spawn_signal(process->pid, process->has_group, number);
    else if (process->has_group)
        rc = wf_group_signal_by_fd(process->watch_fd, number);
    wf_lock_release(&process->lock);
    return rc;
}

int weft_process_signal(weft_process *process, int number)
{
    wf_note_call();
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

static int look_for_others(void *process)
{
    return wf_group_is_alive(((const weft_process *)process)->pid);
}

/* Those that its end has left behind in its group: nobody's children here, so they are looked for
 * now and then. */
static void wait_for_others(weft_process *process)
{
    int64_t pause_ns = FIRST_LOOK_NS;
    while (wf_blocking_call_shielded("weft_process_close", look_for_others, process) > 0 &&
           wf_unnoted(weft_sleep(pause_ns)) == 0)
        pause_ns = WF_MIN(2 * pause_ns, LAST_LOOK_NS);
}

/* True: it has ended within that time. Of that time others in its group have what it left. */
static bool ends_within(weft_process *process, int64_t grace_ns)
{
    if (grace_ns < 0 || send_signal(process, SIGTERM) == -ESRCH)
        return look(process, NULL) != 0;
    weft_scope grace = { .opts = { .size_ = sizeof grace.opts,
                                   .name = "grace",
                                   .timeout_ns = grace_ns,
                                   .move_on = true } };
    weft_scope_enter(&grace, __FILE__, __LINE__); /* by hand: as in process_run.c */
    int rc = wait_for_end(process, NULL);
    bool has_ended = rc == 0 || rc == -ECHILD;
    if (has_ended && process->has_group)
        wait_for_others(process);
    weft_scope_leave(&grace);
    return has_ended;
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
    bool has_ended = look(process, NULL) != 0;
    if (!has_ended || process->has_group)
        has_ended = ends_within(process, process->grace_ns);
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
    wf_note_call();
    if (process == NULL)
        return 0;
    if (wf_is_after_fork())
        return WEFT_EFORK;
    weft_shield shield;
    weft_shield_begin(&shield);
    wf_process_close_pipes(process);
    end(process);
    wf_process_close_fd(&process->watch_fd);
    weft_shield_end(&shield);
    weft_resource_closed(&process->entry);
    wf_free(process);
    return 0;
}
