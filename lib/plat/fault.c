/* SPDX-License-Identifier: MIT
 * SIGSEGV and SIGBUS handlers that chain.
 *
 * The handler runs with both signals blocked: a fault inside on_fault kills the process at once,
 * which is better than a loop. It changes no state but that of signals, so it may run on any
 * thread, weft's or not. */
#define _GNU_SOURCE 1
#include "plat/fault.h"

#include "plat/sys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ucontext.h>

enum { ALT_STACK_SIZE = 64 * 1024 };

static const int fault_signals[] = { SIGSEGV, SIGBUS };

/* Written by install and uninstall, which one thread does; read by the handler. */
static void (*report_fault)(void *address, void *pc);
static struct sigaction before[WF_ARRAY_SIZE(fault_signals)];

static void *pc_of(const void *opaque)
{
    const ucontext_t *context = opaque;
#if defined(__x86_64__)
    return (void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)context->uc_mcontext.pc;
#elif defined(__riscv)
    return (void *)(uintptr_t)context->uc_mcontext.__gregs[REG_PC];
#else
    (void)context;
    return NULL;
#endif
}

/* The faulting instruction runs again when the handler returns, and dies by the default action
 * with the registers it had. A signal that another process sent has no such instruction. */
static void die_by_default(int signal, const siginfo_t *info)
{
    struct sigaction by_default = { .sa_handler = SIG_DFL };
    sigaction(signal, &by_default, NULL);
    if (info->si_code <= 0)
        (void)raise(signal);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
    const struct sigaction *next = &before[signal == SIGSEGV ? 0 : 1];
    if (next->sa_flags & SA_SIGINFO)
        next->sa_sigaction(signal, info, context);
    else if (next->sa_handler == SIG_DFL)
        die_by_default(signal, info);
    else if (next->sa_handler != SIG_IGN)
        next->sa_handler(signal);
    else if (info->si_code > 0) /* the kernel does not let a real fault be ignored either */
        die_by_default(signal, info);
}

static void handle(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code > 0)
        report_fault(info->si_addr, pc_of(context));
    pass_on(signal, info, context);
    errno = saved;
}

/* A handler of somebody else's lies above ours, which it calls: so ours is in place for good, and
 * `before` has what was there first. */
static bool is_displaced[WF_ARRAY_SIZE(fault_signals)];

static bool is_ours(int signal)
{
    struct sigaction now;
    return sigaction(signal, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
           now.sa_sigaction == handle;
}

int wf_fault_install(void (*on_fault)(void *address, void *pc))
{
    struct sigaction ours = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&ours.sa_mask);
    report_fault = on_fault;
    for (size_t i = 0; i < WF_ARRAY_SIZE(fault_signals); i++)
        sigaddset(&ours.sa_mask, fault_signals[i]);
    for (size_t i = 0; i < WF_ARRAY_SIZE(fault_signals); i++) {
        /* Passed on to itself, a fault would go round for ever. */
        if (is_displaced[i] || is_ours(fault_signals[i]))
            continue;
        if (sigaction(fault_signals[i], &ours, &before[i]) < 0)
            return -errno;
    }
    return 0;
}

void wf_fault_uninstall(void)
{
    for (size_t i = 0; i < WF_ARRAY_SIZE(fault_signals); i++) {
        if (is_ours(fault_signals[i]))
            (void)sigaction(fault_signals[i], &before[i], NULL);
        else
            is_displaced[i] = true;
    }
}

int wf_fault_thread_begin(struct wf_fault_stack *stack)
{
    stack_t now;
    stack->base = NULL;
    stack->size = ALT_STACK_SIZE;
    if (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE))
        return 0;
    void *base = wf_sys.map(stack->size);
    if (base == NULL)
        return -ENOMEM;
    stack_t ours = { .ss_sp = base, .ss_size = stack->size };
    if (sigaltstack(&ours, NULL) < 0) {
        int rc = -errno;
        (void)wf_sys.unmap(base, stack->size);
        return rc;
    }
    stack->base = base;
    return 0;
}

void wf_fault_thread_end(struct wf_fault_stack *stack)
{
    stack_t none = { .ss_flags = SS_DISABLE }, now;
    if (stack->base == NULL)
        return;
    /* Whoever installed another since then has taken ours out of use already. */
    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == stack->base)
        (void)sigaltstack(&none, NULL);
    (void)wf_sys.unmap(stack->base, stack->size);
    stack->base = NULL;
}
