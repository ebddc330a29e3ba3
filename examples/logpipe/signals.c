/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM as something a task can wait for: the handler, which may do next to nothing,
 * writes to an eventfd, and a task waits for that without holding a thread. */
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "logpipe.h"

static int event_fd = -1;
static volatile sig_atomic_t caught;

static void on_signal(int signo)
{
    int saved = errno;
    uint64_t one = 1;
    caught = signo;
    if (write(event_fd, &one, sizeof one) < 0)
        caught = signo; /* the counter is full: whoever waits is awake already */
    errno = saved;
}

int catch_signals(void)
{
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return -errno;
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
        return -errno;
    return 0;
}

int caught_signal(void) { return caught; }

WEFT_TASK(stop_on_signal, (weft_scope *, scope))
{
    WEFT_TRY(weft_fd_wait(event_fd, WEFT_READABLE));
    weft_scope_cancel(scope);
    return 0;
}

int start_stop_on_signal(weft_scope *scope) { return weft_spawn(scope, stop_on_signal, scope); }
