/* SPDX-License-Identifier: MIT
 * The simulator's core: the switch between virtual threads, and the points where it is made.
 *
 * Invariants:
 *   I1  current is in the list and has not ended, except inside end_current().
 *   I2  is_busy is set from the decision to switch until the arrival on the other stack; a point
 *       that is passed meanwhile (in plat/ctx.c, in a dump) does nothing.
 *   I3  each choice comes from the seed and from the order of threads by id, never from an
 *       address or from real time; the one exception is an armed file descriptor.
 *
 * Rejected: drawing the number of points to the next switch instead of asking at each. Uniform,
 * it never leaves a thread alone for long; geometric, it costs a logarithm. A draw is cheap. */
#include "plat/sim_core.h"

#include "plat/sanitizer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* What real threads order by starting, ending and joining, told to TSan. A thread's own word is
 * released whenever it is left, but acquired only by who joins it or buries it. */
static void happens_before(WF_UNUSED void *what)
{
#ifdef WF_TSAN
    __tsan_release(what);
#endif
}

void wf_sim_happens_after(WF_UNUSED void *what)
{
#ifdef WF_TSAN
    __tsan_acquire(what);
#endif
}

/* The thread may be on a task's stack instead of its own. The sanitizers are told to come back to
 * the one that it is on. */
WF_UNINSTRUMENTED void wf_sim_note_stack(struct wf_sim_thread *thread)
{
    happens_before(thread);
    wf_san_adopt(&thread->ctx);
}

/* Releases what sanitizers hold for the thread's own stack. */
void wf_sim_forget_stack(struct wf_sim_thread *thread)
{
    wf_sim_happens_after(thread);
#ifdef WF_TSAN
    thread->ctx.tsan_fiber = thread->tsan_fiber;
#endif
    wf_ctx_done(&thread->ctx);
}

/* The first thing after a switch, on the stack that was switched to. */
void wf_sim_arrive(void)
{
    struct wf_sim_thread *left = wf_sim.leaver;
    wf_sim.leaver = NULL;
    if (left != NULL) {
        wf_sim_forget_stack(left);
        if (left->is_detached)
            wf_sim_thread_unmap(left);
    }
    wf_sim.is_busy = false;
}

static void record(const struct wf_sim_thread *to)
{
    wf_sim.n_choices++;
    wf_sim.signature = wf_sim_mix(wf_sim.signature ^ (wf_sim.points << 8) ^ to->id);
    if (wf_sim.opts.trace && to != wf_sim.current)
        fprintf(stderr, "sim: point %llu at %lld ns: %u %s -> %u %s\n",
                (unsigned long long)wf_sim.points, (long long)(wf_sim.now_ns - WF_SIM_START_NS),
                wf_sim.current->id, wf_sim.current->name, to->id, to->name);
}

static void switch_to(struct wf_sim_thread *next)
{
    struct wf_sim_thread *me = wf_sim.current;
    record(next);
    if (next != me) {
        int saved_errno = errno;
        wf_sim.current = next;
        wf_sim_note_stack(me);
        wf_ctx_switch(&me->ctx, &next->ctx);
        errno = saved_errno;
    }
    me->is_at_spin = false;
    wf_sim_arrive();
}

/* A thread that nobody has joined yet stays in the list, for whoever will. */
static WF_NORETURN void end_current(void)
{
    struct wf_sim_thread *me = wf_sim.current;
    wf_sim_self_end();
    wf_sim_point();
    wf_sim.is_busy = true;
    happens_before(me);
    happens_before(&wf_sim);
    me->has_ended = true;
    wf_sim.n_live--;
    wf_sim.n_spin_steps = 0;
    wf_sim.leaver = me;
    wf_sim_wake(me, INT_MAX);
    if (me->is_detached)
        wf_sim_remove(me);
    if (wf_sim.n_live == 0)
        wf_ctx_exit(&me->ctx, &wf_sim.outside);
    struct wf_sim_thread *next = wf_sim_choose();
    record(next);
    wf_sim.current = next;
    wf_ctx_exit(&me->ctx, &next->ctx);
}

static void first_frame(void *arg)
{
    struct wf_sim_thread *me = arg;
    wf_sim_arrive();
    wf_sim_happens_after(me);
    me->fn(me->arg);
    end_current();
}

void wf_sim_add(struct wf_sim_thread *thread)
{
    struct wf_sim_thread **link = &wf_sim.threads;
    while (*link != NULL)
        link = &(*link)->next;
    *link = thread;
    thread->id = ++wf_sim.n_started;
    wf_sim.n_live++;
    wf_sim.n_spin_steps = 0;
    if (wf_sim.opts.pct_depth > 0)
        wf_sim_pct_admit(thread);
    wf_sim_view_begin(thread);
    wf_ctx_make(&thread->ctx, thread->stack_low, (char *)thread->stack_low + thread->stack_size,
                first_frame, thread);
#ifdef WF_TSAN
    thread->tsan_fiber = thread->ctx.tsan_fiber;
#endif
    happens_before(thread);
}

void wf_sim_remove(struct wf_sim_thread *thread)
{
    struct wf_sim_thread **link = &wf_sim.threads;
    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
}

/* ---- where threads are switched -------------------------------------------------------------- */

static void count_point(void)
{
    if (++wf_sim.points > wf_sim.opts.max_points)
        wf_sim_give_up(-ETIME, "livelock, more points than a run may have,");
}

void wf_sim_point(void)
{
    if (!wf_sim.is_running || wf_sim.is_busy)
        return;
    count_point();
    if (!wf_sim_may_switch())
        return;
    wf_sim.is_busy = true;
    switch_to(wf_sim_choose());
}

void wf_sim_spin(void)
{
    if (!wf_sim.is_running)
        return;
    if (wf_sim.is_busy) {
        fputs("weft simulator: a dump waits for a lock that a stopped thread holds\n", stderr);
        abort();
    }
    count_point();
    wf_sim.is_busy = true;
    wf_sim.current->is_at_spin = true;
    switch_to(wf_sim_choose_for_spinner());
}

bool wf_sim_wait(enum wf_sim_waits waits, const void *on, int64_t at_ns)
{
    struct wf_sim_thread *me = wf_sim.current;
    wf_sim.is_busy = true;
    wf_sim.n_spin_steps = 0;
    me->waits = waits;
    me->wait_on = on;
    me->wake_at_ns = at_ns;
    switch_to(wf_sim_choose());
    return me->was_woken;
}

bool wf_sim_is_running(void) { return wf_sim.current != NULL; }
