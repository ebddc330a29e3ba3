/* SPDX-License-Identifier: MIT */
/* The line on the terminal that tells how far the reading is, ten times a second. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "logpipe.h"

/* A terminal may stop the flow at any time (Ctrl-S): writing to it is blocking work. */
WEFT_TASK(write_to_terminal, (const char *, text))
{
    return write(STDERR_FILENO, text, strlen(text)) < 0 ? -errno : 0;
}

int columns_of(int fd, int otherwise)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : otherwise;
}

static void describe(char *text, size_t room, const struct pipeline *p, int64_t ran_ns)
{
    char done[32], all[32], rate[32];
    uint64_t n_bytes = atomic_load_explicit(&p->n_bytes, memory_order_relaxed);
    double per_second = (double)n_bytes * 1e9 / (double)ran_ns;
    show_size(done, n_bytes);
    show_size(rate, (uint64_t)per_second);
    if (p->size <= n_bytes || n_bytes == 0) {
        snprintf(text, room, "%s, %s/s", done, rate);
        return;
    }
    uint64_t left = (uint64_t)((double)(p->size - n_bytes) / per_second) + 1;
    snprintf(text, room, "%3" PRIu64 "%%  %s of %s, %s/s, %" PRIu64 ":%02" PRIu64 " left",
             n_bytes * 100 / p->size, done, show_size(all, p->size), rate, left / 60, left % 60);
}

WEFT_TASK(show_progress, (struct pipeline *, p))
{
    int64_t began_ns = weft_now_ns();
    for (;;) {
        char text[160], line[200];
        WEFT_TRY(weft_sleep(WEFT_MS(100)));
        describe(text, sizeof text, p, weft_now_ns() - began_ns);
        /* One that is wider than the terminal could not be overwritten by the next. */
        snprintf(line, sizeof line, "\r\033[K%.*s", columns_of(STDERR_FILENO, 80) - 1, text);
        if (weft_blocking(write_to_terminal, line) < 0)
            return 0; /* a terminal that is gone is no reason to stop the reading */
    }
}

int start_progress(weft_scope *scope, struct pipeline *p)
{
    return weft_spawn(scope, show_progress, p);
}
