/* SPDX-License-Identifier: MIT
 * The simulator's core: a run from its start to its end, and the switch between virtual threads.
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

#define MAX_POINTS      ((uint64_t)20 * 1000 * 1000)
#define SWITCH_PERCENT  10

struct wf_sim wf_sim = { .now_ns = WF_SIM_START_NS, .n_cpus = 2 };

uint64_t wf_sim_points(void)
{
    return wf_sim.points;
}

uint64_t wf_sim_signature(void)
{
    return wf_sim.signature;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* SplitMix64. */
uint64_t wf_sim_random(void)
{
    wf_sim.random_state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(wf_sim.random_state);
}

uint64_t wf_sim_draw(uint64_t limit)
{
    return wf_sim_random() % limit;
}

void wf_sim_refuse(const char *what)
{
    fprintf(stderr, "weft simulator: %s outside of wf_sim_run(), where no other thread is\n", what);
    abort();
}

/* ---- switching ------------------------------------------------------------------------------- */

/* The thread may be on a task's stack instead of its own. The sanitizers are told to come back to
 * the one that it is on. */
WF_UNINSTRUMENTED static void note_stack(struct wf_ctx *ctx)
{
    wf_san_adopt(ctx);
}

/* Releases what sanitizers hold for the thread's own stack. */
static void forget_stack(struct wf_sim_thread *thread)
{
    thread->ctx.tsan_fiber = thread->tsan_fiber;
    wf_ctx_done(&thread->ctx);
}

/* The first thing after a switch, on the stack that was switched to. */
static void arrive(void)
{
    struct wf_sim_thread *left = wf_sim.leaver;
    wf_sim.leaver = NULL;
    if (left != NULL) {
        forget_stack(left);
        if (left->is_detached)
            wf_sim_thread_unmap(left);
    }
    wf_sim.is_busy = false;
}

static void record(const struct wf_sim_thread *to)
{
    wf_sim.n_choices++;
    wf_sim.signature = mix(wf_sim.signature ^ (wf_sim.points << 8) ^ to->id) + wf_sim.n_choices;
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
        note_stack(&me->ctx);
        wf_ctx_switch(&me->ctx, &next->ctx);
        errno = saved_errno;
    }
    me->is_at_spin = false;
    arrive();
}

/* A thread that nobody has joined yet stays in the list, for whoever will. */
static WF_NORETURN void end_current(void)
{
    struct wf_sim_thread *me = wf_sim.current;
    wf_sim_self_end();
    wf_sim_point();
    wf_sim.is_busy = true;
    me->has_ended = true;
    wf_sim.n_live--;
    wf_sim.n_spin_steps = 0;
    wf_sim.leaver = me;
    wf_sim_wake(me, INT_MAX);
    if (wf_sim.n_live == 0)
        wf_ctx_exit(&me->ctx, &wf_sim.outside);
    struct wf_sim_thread *next = wf_sim_choose();
    record(next);
    if (me->is_detached)
        wf_sim_remove(me);
    wf_sim.current = next;
    wf_ctx_exit(&me->ctx, &next->ctx);
}

static void first_frame(void *arg)
{
    struct wf_sim_thread *me = arg;
    arrive();
    me->fn(me->arg);
    end_current();
}

/* ---- the run ----------------------------------------------------------------------------------- */

void wf_sim_add(struct wf_sim_thread *thread)
{
    struct wf_sim_thread **link = &wf_sim.threads;
    while (*link != NULL)
        link = &(*link)->next;
    *link = thread;
    thread->id = ++wf_sim.n_started;
    wf_sim.n_live++;
    wf_sim.n_spin_steps = 0;
    wf_ctx_make(&thread->ctx, thread->stack_low, (char *)thread->stack_low + thread->stack_size,
                first_frame, thread);
    thread->tsan_fiber = thread->ctx.tsan_fiber;
}

void wf_sim_remove(struct wf_sim_thread *thread)
{
    struct wf_sim_thread **link = &wf_sim.threads;
    while (*link != thread)
        link = &(*link)->next;
    *link = thread->next;
}

static void start(const struct wf_sim_opts *opts, void (*on_stuck)(const char *why))
{
    wf_sim = (struct wf_sim){
        .opts = *opts,
        .on_stuck = on_stuck,
        .now_ns = WF_SIM_START_NS,
        .random_state = mix(opts->seed + 1),
    };
    if (wf_sim.opts.switch_percent == 0)
        wf_sim.opts.switch_percent = SWITCH_PERCENT;
    if (wf_sim.opts.max_points == 0)
        wf_sim.opts.max_points = MAX_POINTS;
    wf_sim.n_cpus = 2 + (unsigned)wf_sim_draw(2);
}

/* What is left: threads that nobody joined, and all of them when the run was given up. */
static void unmap_all(void)
{
    while (wf_sim.threads != NULL) {
        struct wf_sim_thread *thread = wf_sim.threads;
        wf_sim_remove(thread);
        if (!thread->has_ended)
            forget_stack(thread);
        wf_sim_thread_unmap(thread);
    }
}

int wf_sim_run(const struct wf_sim_opts *opts, void (*fn)(void *arg), void *arg,
               void (*on_stuck)(const char *why))
{
    if (wf_sim.is_running) {
        fputs("weft simulator: wf_sim_run() inside of wf_sim_run()\n", stderr);
        abort();
    }
    start(opts, on_stuck);
    struct wf_sim_thread *first = wf_sim_thread_map("first", fn, arg);
    if (first == NULL)
        return -ENOMEM;
    wf_ctx_adopt(&wf_sim.outside);
    wf_sim.is_busy = true;
    wf_sim.is_running = true;
    wf_sim_add(first);
    wf_sim.current = first;
    wf_ctx_switch(&wf_sim.outside, &first->ctx);
    arrive();
    wf_sim.is_running = false;
    wf_sim.current = NULL;
    unmap_all();
    wf_sim_forget_fds();
    wf_ctx_unadopt(&wf_sim.outside);
    return wf_sim.result;
}

static void describe(char *text, size_t size, const char *what)
{
    static const char *const states[] = { "can run", "waits on a futex", "waits for fds",
                                          "waits for a thread to end" };
    int used = snprintf(text, size, "%s at point %llu:", what, (unsigned long long)wf_sim.points);
    for (struct wf_sim_thread *t = wf_sim.threads; t != NULL && (size_t)used < size; t = t->next)
        if (!t->has_ended)
            used += snprintf(text + used, size - (size_t)used, " %u %s %s;", t->id, t->name,
                             states[t->waits]);
}

void wf_sim_give_up(int result, const char *what)
{
    static char why[1024];
    wf_sim.is_busy = true;
    wf_sim.result = result;
    describe(why, sizeof why, what);
    if (wf_sim.on_stuck != NULL)
        wf_sim.on_stuck(why);
    note_stack(&wf_sim.current->ctx);
    wf_ctx_switch(&wf_sim.current->ctx, &wf_sim.outside);
    abort();
}

/* ---- where threads are switched ---------------------------------------------------------------- */

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
    if (wf_sim_draw(100) >= wf_sim.opts.switch_percent)
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
