/* SPDX-License-Identifier: MIT
 * For how long a plain thread that has to wait looks for its wake, before it sleeps: by how it fared
 * in the waits before. All of it is the thread's own and a guess; nothing but time depends on it.
 *
 * It spins for 1, 25 or 43 microseconds, the second of which is what a wake takes. Where the other
 * side seldom runs at the same time, for there are more threads than CPUs, that is in vain, and soon
 * short. In vain, too, is what took so long that the thread did not run all the while: the other side
 * has used its CPU. Two that wake each other from sleep find each other asleep for ever, for a wake
 * takes longer than they spin; so now and then one spins for longer than that, and both are awake.
 *
 * Two threads on one CPU meet only if one of them leaves it, and to give it up (sched_yield) costs less
 * than half of a sleep and a wake: so what was spun for in vain is yielded for, once, and where that
 * brought it, a few times from the beginning. A yield that was over too soon for another thread to have
 * run met one on another CPU. One that took long gave a slice to somebody who computes, which a sleep
 * does not: so there is none for some waits then, for four times as many each time, and as many yields
 * that paid make up for it.
 *
 * Rejected: not to spin, but for one wait in eight, once four were in vain in a row. On one CPU it
 * saved a round trip over a rendezvous a tenth of its CPU time, and cost a stream through a ring two
 * thirds: who has not paused parks, and is then woken for a single value.
 *
 * Rejected: to count the CPUs that the process may use, and to spin only if there are several. Two
 * threads are often on one of several CPUs, and what was in vain says so as well. */
#include "base/panic.h"
#include "base/spin.h"
#include "sched/worker.h"

#ifdef WF_SIM
enum { SPIN_TURNS_MIN = 5, SPIN_TURNS_MAX = 6, SPIN_TURNS_PROBE = 7, YIELDS_MAX = 2 };
#else
enum { SPIN_TURNS_MIN = 5, SPIN_TURNS_MAX = 20, SPIN_TURNS_PROBE = 32, YIELDS_MAX = 4 };
#endif
enum { PROBE_EVERY = 64, NO_YIELDS_MIN = 64, NO_YIELDS_MAX = 4096 };
enum { SPIN_LONG_NS = 100000, YIELD_SWITCHED_NS = 1000 };

/* A task has no such record: what lies there is its own. */
static struct wf_thread *spinner(struct wf_waiter *self)
{
    WF_CHECK(1, !self->is_task, "task \"%s\" spins as a plain thread does", self->name);
    return wf_thread_of(self);
}

static void note_spun_in_vain(struct wf_thread *thread)
{
    bool may_probe = ++thread->n_spun_in_vain % PROBE_EVERY == 0;
    thread->spin_turns = may_probe ? SPIN_TURNS_PROBE : SPIN_TURNS_MIN;
}

static void note_yielded(struct wf_thread *thread, bool is_in_vain, int64_t took_ns)
{
    bool has_switched = took_ns > (int64_t)thread->n_yielded * YIELD_SWITCHED_NS;
    thread->yields_first = !is_in_vain && has_switched && took_ns <= SPIN_LONG_NS;
    if (took_ns > SPIN_LONG_NS) {
        unsigned span = WF_MAX(4 * thread->no_yields_span, (unsigned)NO_YIELDS_MIN);
        thread->no_yields_span = WF_MIN(span, (unsigned)NO_YIELDS_MAX);
        thread->n_no_yields = thread->no_yields_span;
    } else if (thread->yields_first) {
        thread->no_yields_span -= thread->no_yields_span > 0;
    } else if (!is_in_vain) {
        thread->spin_turns = SPIN_TURNS_MAX;
    }
}

static bool spins_on(const struct wf_thread *thread, unsigned turn)
{
    return !thread->yields_first && turn < thread->spin_turns;
}

void wf_thread_spin_begin(struct wf_waiter *self)
{
    struct wf_thread *thread = spinner(self);
    if (thread->spin_turns == 0)
        thread->spin_turns = SPIN_TURNS_MAX;
    if (thread->n_no_yields > 0)
        thread->n_no_yields--;
    thread->n_yielded = 0;
    thread->spin_began_ns = wf_clock_now();
}

bool wf_thread_may_spin(struct wf_waiter *self, unsigned turn)
{
    struct wf_thread *thread = spinner(self);
    unsigned n_yields = thread->yields_first ? YIELDS_MAX : 1;
    if (spins_on(thread, turn) || (thread->n_no_yields == 0 && thread->n_yielded < n_yields))
        return true;
    note_spun_in_vain(thread);
    if (thread->n_yielded > 0)
        note_yielded(thread, true, wf_clock_now() - thread->spin_began_ns);
    return false;
}

static void yield(struct wf_thread *thread)
{
    if (thread->n_yielded++ == 0 && !thread->yields_first)
        thread->spin_began_ns = wf_clock_now();
    wf_thread_yield();
}

void wf_thread_spin(struct wf_waiter *self, unsigned turn)
{
    struct wf_thread *thread = spinner(self);
    if (spins_on(thread, turn))
        wf_spin(turn);
    else
        yield(thread);
}

void wf_thread_spin_for(struct wf_waiter *self, unsigned turn, const _Atomic uint32_t *word,
                        uint32_t value)
{
    struct wf_thread *thread = spinner(self);
    if (!spins_on(thread, turn)) {
        yield(thread);
        return;
    }
    for (unsigned n = wf_spin_pauses(turn); n > 0 && wf_load_rlx(word) != value; n--)
        wf_cpu_relax();
}

void wf_thread_has_spun(struct wf_waiter *self)
{
    struct wf_thread *thread = spinner(self);
    int64_t took_ns = wf_clock_now() - thread->spin_began_ns;
    if (thread->n_yielded > 0)
        note_yielded(thread, false, took_ns);
    else if (took_ns > SPIN_LONG_NS)
        note_spun_in_vain(thread);
    else
        thread->spin_turns = SPIN_TURNS_MAX;
}
