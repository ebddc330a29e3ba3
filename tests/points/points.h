/* SPDX-License-Identifier: MIT
 * What the programs here share: an example as a scenario of weft/testing.h, without what it prints,
 * and one line that tells how many points were tried. */
#ifndef POINTS_H
#define POINTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft/runtime.h>
#include <weft/testing.h>

/* Of the harness alone: an example may be about a report. */
static void pass_on(const char *text, size_t size, void *arg)
{
    (void)arg;
    if (strstr(text, "every point of") != NULL && write(STDERR_FILENO, text, size) < 0)
        abort();
}

/* argv[1]: max_runs. The exit status: how many runs failed, or 99. */
static inline int try_it(const weft_points_opts *user_opts, int (*scenario)(void *arg), void *arg,
                         int argc, char **argv)
{
    weft_points tried = { .size_ = sizeof tried };
    weft_points_opts opts = *user_opts;
    opts.max_runs = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    int out = dup(STDOUT_FILENO);
    if (out < 0 || freopen("/dev/null", "w", stdout) == NULL)
        return 99;
    weft_on_report(pass_on, NULL);
    int rc = weft_try_every_point(scenario, arg, &opts, &tried);
    dprintf(out, "%-14s %5u points to cancel, %5u tried; %5u calls to fail, %5u tried; %d FAILED\n",
            opts.name, tried.cancel_points, tried.cancel_runs, tried.fault_points, tried.fault_runs,
            rc);
    close(out);
    return rc >= 0 ? rc : 99;
}

#endif
