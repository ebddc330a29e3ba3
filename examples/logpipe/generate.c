/* SPDX-License-Identifier: MIT */
/* An example log: one day of eight services, one line in twenty an ERROR, more in the daytime. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "logpipe.h"

enum { MEAN_LINE = 99, MAX_LINE = 160, BLOCK = 1 << 20 };

/* How much of the day's traffic each hour has. */
static const uint64_t weights[N_HOURS] = { 4,  3,  2,  2,  2,  3,  5,  9,  14, 18, 20, 21,
                                           19, 20, 22, 21, 19, 17, 15, 14, 12, 10, 8,  6 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The millisecond of the day in which the i-th of n lines is written. */
static uint64_t time_of(uint64_t i, uint64_t n)
{
    uint64_t all = 0, hour = 0;
    for (int h = 0; h < N_HOURS; h++)
        all += weights[h];
    double share = (double)(i < n ? i : n - 1) * (double)all / (double)n;
    while (share >= (double)weights[hour])
        share -= (double)weights[hour++];
    return (hour * 3600000) + (uint64_t)(share * 3600000 / (double)weights[hour]);
}

static int make_line(char *to, uint64_t ms, uint64_t random)
{
    static const char *const levels[] = { "INFO", "DEBUG", "INFO", "WARN" };
    bool is_error = random % 20 == 0;
    uint64_t one = random >> 8 & 7, other = random >> 11 & 7;
    return snprintf(
        to, MAX_LINE,
        "2026-11-22T%02u:%02u:%02u.%03u %s [svc-%u] request %08x from client %u: "
        "answered %u after %u ms\n",
        (unsigned)(ms / 3600000), (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
        (unsigned)(ms % 1000), is_error ? "ERROR" : levels[random >> 14 & 3],
        (unsigned)(one < other ? one : other), (unsigned)(random >> 32),
        (unsigned)(random >> 16 & 0xffff), is_error ? 503 : 200, (unsigned)(random >> 24 & 0xfff));
}

static int write_lines(weft_file *file, char *block, uint64_t size)
{
    uint64_t n_lines = size / MEAN_LINE + 1, state = 20261122;
    for (uint64_t done = 0, i = 0; done < size;) {
        size_t used = 0;
        for (; used < BLOCK - MAX_LINE && done + used < size; i++)
            used += (size_t)make_line(block + used, time_of(i, n_lines), next_random(&state));
        WEFT_TRY(weft_file_write(file, block, used));
        done += used;
    }
    return 0;
}

struct generation {
    const char *path;
    uint64_t size;
};

static int write_log(void *arg)
{
    const struct generation *job = arg;
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(job->path, "w", &file));
    char *block = malloc(BLOCK);
    int rc = block != NULL ? write_lines(file, block, job->size) : WEFT_ENOMEM;
    free(block);
    return weft_close_with(file, rc);
}

int generate_log(const char *path, uint64_t size)
{
    return weft_run(write_log, &(struct generation){ path, size });
}
