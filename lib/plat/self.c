/* SPDX-License-Identifier: MIT
 * The one thread-local variable of weft that is read often, and its accessor where plat/self.h has
 * no asm for the CPU.
 *
 * noinline is not enough: gcc 12 proves such a function const and reuses its first result after
 * a call that moved the task to another thread. The asm in the body, which may touch any memory,
 * takes that proof away; a file of its own keeps the body out of sight without LTO.
 *
 * initial-exec: reading it never allocates, so that a fault handler may, and is what the asm takes
 * for granted. Eight bytes of static TLS are within what glibc keeps for libraries that are opened
 * late. `used`: link-time optimisation must not rename what only asm names.
 *
 * Rejected: `volatile`, which protects the value and not the address the compiler cached. */
#include "plat/self.h"

#include "plat/cc.h"

#include <pthread.h>

extern __thread void *wf_self_of_thread;
__thread void *wf_self_of_thread __attribute__((tls_model("initial-exec"), used));

static __thread struct wf_held_ranks ranks_of_thread;
static __thread void *host_of_thread;

WF_NOINLINE struct wf_held_ranks *wf_self_ranks(void)
{
    __asm__ volatile("" ::: "memory");
    return &ranks_of_thread;
}

/* Written by wf_self_on_exit() before there are threads, constant afterwards. */
static void (*on_exit_fn)(void *self);
static pthread_key_t exit_key;

#if (!defined(__x86_64__) && !defined(__aarch64__)) || defined(__ILP32__)
WF_WORKER_LOCAL WF_NOINLINE void *wf_self_get(void)
{
    __asm__ volatile("" ::: "memory");
    return wf_self_of_thread;
}
#endif

WF_WORKER_LOCAL WF_NOINLINE void wf_self_set(void *self)
{
    __asm__ volatile("" ::: "memory");
    wf_self_of_thread = self;
    /* A failure means no memory for a rarely used key: the thread then ends unannounced. */
    if (on_exit_fn != NULL)
        (void)pthread_setspecific(exit_key, self);
}

#if !defined(__x86_64__) || defined(__ILP32__)
WF_WORKER_LOCAL WF_NOINLINE void wf_self_set_meanwhile(void *self)
{
    __asm__ volatile("" ::: "memory");
    wf_self_of_thread = self;
}
#endif

WF_WORKER_LOCAL WF_NOINLINE void *wf_self_host_get(void)
{
    __asm__ volatile("" ::: "memory");
    return host_of_thread;
}

WF_WORKER_LOCAL WF_NOINLINE void wf_self_host_set(void *host)
{
    __asm__ volatile("" ::: "memory");
    host_of_thread = host;
}

/* Other destructors of the thread may call us yet: they get a new record, freed in the next round. */
static void thread_ends(void *self)
{
    wf_self_of_thread = NULL;
    on_exit_fn(self);
}

void wf_self_on_exit(void (*fn)(void *self))
{
    if (on_exit_fn == NULL && pthread_key_create(&exit_key, thread_ends) != 0)
        return;
    on_exit_fn = fn;
}
