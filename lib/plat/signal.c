/* SPDX-License-Identifier: MIT
 * What a signal does by default: signal(7). */
#define _GNU_SOURCE 1
#include "plat/signal.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static bool does_nothing(int number)
{
    return number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH;
}

/* It comes again, to this thread, in which it is blocked until there is no handler. */
void wf_signal_do_default(int number)
{
    struct sigaction before, by_default = { .sa_handler = SIG_DFL };
    sigset_t alone, blocked;
    if (does_nothing(number))
        return;
    (void)sigemptyset(&by_default.sa_mask);
    (void)sigemptyset(&alone);
    (void)sigaddset(&alone, number);
    (void)pthread_sigmask(SIG_BLOCK, &alone, &blocked);
    (void)raise(number);
    (void)sigaction(number, &by_default, &before);
    (void)pthread_sigmask(SIG_UNBLOCK, &alone, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    (void)sigaction(number, &before, NULL);
}
