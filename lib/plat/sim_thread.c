/* SPDX-License-Identifier: MIT
 * Virtual threads: their stacks, their start and their end.
 *
 * A mapping holds, from low to high: the guard, the stack, struct wf_sim_thread. It comes from
 * mmap and not from plat/sys.h: a test that lets mappings fail means weft's, not the simulator's.
 * Stacks are as large as a worker's native one may be taken for, since weft_blocking runs its
 * functions there, and cost only what is touched. */
#define _GNU_SOURCE 1
#include "plat/thread.h"

#include "plat/clock.h"
#include "plat/sanitizer.h"
#include "plat/sim_core.h"
#include "plat/sys.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define STACK_SIZE ((size_t)1024 * 1024)
#define GUARD_SIZE ((size_t)64 * 1024)

struct wf_sim_thread *wf_sim_thread_map(const char *name, void (*fn)(void *), void *arg)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    char *base = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    if (mprotect(base, GUARD_SIZE, PROT_NONE) < 0) {
        munmap(base, GUARD_SIZE + STACK_SIZE);
        return NULL;
    }
    char *low = base + GUARD_SIZE;
    size_t head_size = (sizeof(struct wf_sim_thread) + 63) & ~(size_t)63;
    struct wf_sim_thread *thread = (void *)(low + STACK_SIZE - head_size);
    wf_san_stack_used(low, STACK_SIZE);
    thread->mapping = base;
    thread->stack_low = low;
    thread->stack_size = STACK_SIZE - head_size;
    thread->stack_id = wf_san_stack_new(low, thread->stack_size);
    thread->fn = fn;
    thread->arg = arg;
    strncpy(thread->name, name, sizeof(thread->name) - 1);
    return thread;
}

void wf_sim_thread_unmap(struct wf_sim_thread *thread)
{
    char *base = thread->mapping;
    wf_sim_view_end(thread);
    wf_san_stack_gone(thread->stack_id);
    wf_san_stack_unused(base + GUARD_SIZE, STACK_SIZE);
    munmap(base, GUARD_SIZE + STACK_SIZE);
}

int wf_sys_thread_create(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    if (!wf_sim.is_running)
        wf_sim_refuse("a thread was started");
    wf_sim_point();
    struct wf_sim_thread *thread = wf_sim_thread_map(name, fn, arg);
    if (thread == NULL)
        return -EAGAIN;
    wf_sim_add(thread);
    *out = (uintptr_t)thread;
    wf_sim_point();
    return 0;
}

int wf_thread_create(struct wf_os_thread *out, const char *name, void (*fn)(void *), void *arg)
{
    return wf_sys.thread_create(&out->handle, name, fn, arg);
}

static struct wf_sim_thread *of_handle(const struct wf_os_thread *thread)
{
    return (struct wf_sim_thread *)thread->handle;
}

/* The joined one has switched away for good before a joiner can run: arrive() came between. */
/* In reports a virtual thread is who it was made as. */
void wf_thread_rename(const char *name) { (void)name; }

void wf_thread_join(struct wf_os_thread *thread)
{
    struct wf_sim_thread *joined = of_handle(thread);
    wf_sim_point();
    while (!joined->has_ended)
        (void)wf_sim_wait(WF_SIM_ON_END, joined, WF_NEVER);
    wf_sim_happens_after(joined);
    wf_sim_learn_from(joined);
    wf_sim_remove(joined);
    wf_sim_thread_unmap(joined);
}

void wf_thread_detach(struct wf_os_thread *thread)
{
    struct wf_sim_thread *detached = of_handle(thread);
    wf_sim_point();
    detached->is_detached = true;
    if (detached->has_ended) {
        wf_sim_remove(detached);
        wf_sim_thread_unmap(detached);
    }
}

void wf_thread_yield(void) { wf_sim_spin(); }

unsigned wf_cpu_count(void) { return wf_sim.n_cpus; }

int wf_thread_count(void) { return wf_sim.is_running ? (int)wf_sim.n_live : 1; }

int wf_thread_id(void) { return wf_sim.current != NULL ? (int)wf_sim.current->id : 0; }
