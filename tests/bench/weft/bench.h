/* SPDX-License-Identifier: MIT */
/* What the cases share: a clock around the timed part, checks, and the table of all cases.
 *
 * A case is one function, run once in a process of its own. It does n operations, checks what came
 * out of them and reports figures:
 *
 *     int case_ctx_switch(struct bench *b)
 *     {
 *         bench_begin(b);
 *         ...
 *         bench_end(b);
 *         WEFT_TRY(bench_check("yields", n_yields, b->n));
 *         return bench_time(b, b->n, "ns");
 *     }
 *
 * Cases use the public API alone, as a program would.
 */
#ifndef BENCH_H
#define BENCH_H

#include <weft.h>

struct bench {
    int64_t n; /* operations to do */
    unsigned workers;
    int64_t began_ns;
    int64_t took_ns; /* of the timed part */
};

struct bench_case {
    const char *name;
    int (*run)(struct bench *b);
    int64_t n;       /* operations in a run that measures */
    int64_t small_n; /* operations in a run that only has to end */
    /* "-": tasks; "os": two plain threads, no worker; "curve": n is how many there are at once, and
     * the largest that is measured. */
    const char *flags;
};

extern const struct bench_case bench_cases[];

void bench_begin(struct bench *b);
void bench_end(struct bench *b);

/* How often a case does its n operations, so that few of them take long enough to be measured. */
int64_t bench_rounds(const struct bench *b);

/* Prints one figure; its metric is a name of the case's own. Returns 0. */
int bench_report(const char *metric, double value, const char *unit);

/* The timed part for each of n_ops in ns, or as a whole in ms or s. Returns 0. */
int bench_time(const struct bench *b, int64_t n_ops, const char *unit);

/* Returns 0, or an error after saying what differs. */
WEFT_MUST_CHECK int bench_check(const char *what, int64_t got, int64_t want);

/* 0 + 1 + ... + (n - 1) */
static inline int64_t bench_sum_to(int64_t n)
{
    return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n;
}

/* 0 to 1 s, the same for the same index in every program that is compared. */
static inline int64_t bench_delay_ns(int64_t index)
{
    uint32_t mixed = (uint32_t)index * 2654435761u;
    return (int64_t)(((uint64_t)mixed * 1000000000u) >> 32);
}

/* Bytes of this process that lie in memory now. */
int64_t bench_resident_size(void);

#endif
