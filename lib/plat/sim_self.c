/* SPDX-License-Identifier: MIT
 * What belongs to a virtual thread, and to the real one while no simulation runs. */
#include "plat/self.h"

#include "plat/sim_core.h"

static void *outside_self, *outside_host;
static struct wf_held_ranks outside_ranks;
static void (*exit_fn)(void *self);

struct wf_held_ranks *wf_self_ranks(void)
{
    return wf_sim.current != NULL ? &wf_sim.current->ranks : &outside_ranks;
}

static void **self_slot(void)
{
    return wf_sim.current != NULL ? &wf_sim.current->self : &outside_self;
}

/* noinline, with a barrier: plat/self.h says why. */
WF_NOINLINE void *wf_self_get(void)
{
    __asm__ volatile("" ::: "memory");
    return *self_slot();
}

WF_NOINLINE void wf_self_set(void *self)
{
    __asm__ volatile("" ::: "memory");
    *self_slot() = self;
}

void wf_self_set_meanwhile(void *self) { wf_self_set(self); }

static void **host_slot(void)
{
    return wf_sim.current != NULL ? &wf_sim.current->host : &outside_host;
}

WF_WORKER_LOCAL WF_NOINLINE void *wf_self_host_get(void)
{
    __asm__ volatile("" ::: "memory");
    return *host_slot();
}

WF_WORKER_LOCAL WF_NOINLINE void wf_self_host_set(void *host)
{
    __asm__ volatile("" ::: "memory");
    *host_slot() = host;
}

void wf_self_on_exit(void (*fn)(void *self)) { exit_fn = fn; }

void wf_sim_self_end(void)
{
    void *self = wf_self_get();
    if (self != NULL && exit_fn != NULL)
        exit_fn(self);
}
