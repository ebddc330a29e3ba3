/* SPDX-License-Identifier: MIT */
/* What the C and C++ programs share: the command line, the clock, the checks. */
#ifndef COMMON_H
#define COMMON_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bench_case {
    const char *name;
    int divisor; /* it does one in so many of the operations */
    void (*run)(int64_t n, int workers);
};

static inline int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void fail(const char *text)
{
    fprintf(stderr, "bench: %s\n", text);
    _exit(1);
}

static inline void check(const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return;
    fprintf(stderr, "bench: %s: %" PRId64 " instead of %" PRId64 "\n", what, got, want);
    _exit(1);
}

static inline void per_op(int64_t took_ns, int64_t n)
{
    printf("time %.6g ns\n", (double)took_ns / (double)n);
}

static inline void in_ms(int64_t took_ns) { printf("time %.6g ms\n", (double)took_ns / 1e6); }

static inline int64_t sum_to(int64_t n) { return n % 2 == 0 ? n / 2 * (n - 1) : (n - 1) / 2 * n; }

/* 0 to 1 s, the same for the same index in every program that is compared. */
static inline int64_t delay_ns(int64_t index)
{
    uint32_t mixed = (uint32_t)index * 2654435761u;
    return (int64_t)(((uint64_t)mixed * 1000000000u) >> 32);
}

static inline int64_t resident_size(void)
{
    long long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld %lld", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static inline int64_t sum_of_primes(int64_t n)
{
    int64_t sum = 0;
    for (int64_t i = 2; n > 0; i++) {
        int64_t divisor = 2;
        while (divisor * divisor <= i && i % divisor != 0)
            divisor++;
        if (divisor * divisor > i) {
            sum += i;
            n--;
        }
    }
    return sum;
}

/* A multiplier and an increment the compiler can't see, so that every round is done. */
static volatile uint64_t lcg_a = 6364136223846793005u, lcg_c = 1442695040888963407u;

static inline uint64_t work(uint64_t x, int n_rounds, uint64_t a, uint64_t c)
{
    for (int i = 0; i < n_rounds; i++)
        x = x * a + c;
    return x;
}

/* What the work on 0 to n - 1 adds up to: the rounds make one such round. */
static inline uint64_t sum_of_work(int64_t n, int n_rounds)
{
    uint64_t a = 1, c = 0;
    for (int i = 0; i < n_rounds; i++) {
        a *= lcg_a;
        c = c * lcg_a + lcg_c;
    }
    return a * (uint64_t)sum_to(n) + c * (uint64_t)n;
}

/* PROGRAM CASE N WORKERS, or PROGRAM --list. */
static inline int run_cases(const struct bench_case *cases, const char *flags, int argc,
                            char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (; cases->name != NULL; cases++)
            printf("%s %d %s\n", cases->name, cases->divisor, flags);
        return 0;
    }
    if (argc == 4 && atoll(argv[2]) > 0 && atoi(argv[3]) > 0)
        for (; cases->name != NULL; cases++)
            if (strcmp(cases->name, argv[1]) == 0) {
                cases->run(atoll(argv[2]), atoi(argv[3]));
                return 0;
            }
    fprintf(stderr, "usage: PROGRAM CASE N WORKERS | --list\n");
    return 2;
}

#endif
