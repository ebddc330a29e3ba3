/* SPDX-License-Identifier: MIT */
/* weft-bench CASE N WORKERS: runs one case once and prints its figures, `metric value unit` a line.
 * weft-bench --list: the cases, `name n small_n flags` a line.
 * weft-bench --compiler: what it was compiled with, `name-version-processor`. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CASES(X)                                      \
    X(ctx_switch, 10000000, 2000, "-")                \
    X(spawn_join_b1000, 1000000, 3000, "-")           \
    X(spawn_join_b1000_batch, 1000000, 3000, "-")     \
    X(chan_pingpong_unbuf, 2000000, 500, "-")         \
    X(chan_pingpong_cap1, 2000000, 500, "-")          \
    X(chan_spsc8_cap128, 10000000, 3000, "-")         \
    X(chan_spsc8_cap128_batch64, 50000000, 3000, "-") \
    X(chan_spsc8_cap1024, 10000000, 3000, "-")        \
    X(chan_spsc64_cap128, 10000000, 3000, "-")        \
    X(chan_mpmc4x4_cap128, 10000000, 3000, "-")       \
    X(select4_unbuf, 2000000, 1000, "-")              \
    X(select4_cap128, 5000000, 1000, "-")             \
    X(select64_unbuf, 1000000, 1000, "-")             \
    X(select64_cap128, 2000000, 1000, "-")            \
    X(ring503, 5000000, 2000, "-")                    \
    X(skynet, 1000000, 1000, "-")                     \
    X(sieve2000, 2000, 50, "-")                       \
    X(parked_1M, 1000000, 200, "-")                   \
    X(timers_1M, 1000000, 50, "-")                    \
    X(timers_1M_after, 1000000, 50, "-")              \
    X(timer_cancel, 2000000, 50, "-")                 \
    X(memory_task_spawned, 100000, 200, "-")          \
    X(memory_task_parked, 100000, 200, "-")           \
    X(memory_task_finished, 100000, 200, "-")         \
    X(memory_chan, 100000, 200, "-")                  \
    X(memory_scope, 200, 200, "-")                    \
    X(memory_timer, 100000, 200, "-")                 \
    X(memory_generator, 100000, 200, "-")             \
    X(burst_1M, 1000000, 200, "-")                    \
    X(chan_spsc8_cap128_os, 10000000, 3000, "os")     \
    X(chan_pingpong_unbuf_os, 200000, 100, "os")      \
    X(generator, 10000000, 3000, "-")                 \
    X(generator_asend, 5000000, 3000, "-")            \
    X(stream_fused, 20000000, 3000, "-")              \
    X(pmap_alone, 200000, 300, "-")                   \
    X(pmap_ordered, 200000, 300, "-")                 \
    X(pmap_alone_25us, 10000, 50, "-")                \
    X(pmap_ordered_25us, 10000, 50, "-")              \
    X(pipeline_4stage, 5000000, 1000, "-")            \
    X(pipeline_4stage_api, 5000000, 1000, "-")        \
    X(pipeline_weighed, 4096, 20, "-")                \
    X(mutex_alone, 50000000, 3000, "-")               \
    X(mutex_contended4, 10000000, 3000, "-")          \
    X(semaphore_pingpong, 2000000, 500, "-")          \
    X(spread_125ns, 2000000, 1000, "-")               \
    X(spread_250ns, 1000000, 1000, "-")               \
    X(spread_500ns, 500000, 1000, "-")                \
    X(chan_try8, 20000000, 3000, "-")                 \
    X(scope_enter_leave, 10000000, 3000, "-")         \
    X(scope_spawn_join, 3000000, 1000, "-")           \
    X(scope_handle_join, 3000000, 1000, "-")          \
    X(deadline_scope, 10000000, 3000, "-")            \
    X(timer_start_cancel, 5000000, 3000, "-")         \
    X(to_thread, 5000000, 500, "-")                   \
    X(to_thread_c64, 5000000, 640, "-")               \
    X(to_thread_100us, 5000, 20, "-")                 \
    X(blocking_sleep1ms, 1024, 128, "-")              \
    X(blocking_sleep1ms_c1, 16, 4, "-")               \
    X(blocking_sleep1ms_c1000, 16000, 2000, "-")      \
    X(tcp_echo_c1, 100000, 50, "-")                   \
    X(tcp_echo_c64, 300000, 640, "-")                 \
    X(tcp_echo_c1000, 300000, 2000, "-")              \
    X(file_read_many_10k_c64, 10000, 100, "-")        \
    X(file_random_4k, 300000, 100, "-")               \
    X(file_random_4k_direct, 20000, 100, "-")         \
    X(file_pipeline_line_cap1024, 1024, 2, "-")       \
    X(scale_spawn, 1000000, 20, "curve")              \
    X(scale_parked_wake, 1000000, 20, "curve")        \
    X(scale_message, 1000000, 20, "curve")            \
    X(scale_chan, 1000000, 20, "curve")               \
    X(scale_select, 65535, 20, "curve")               \
    X(scale_timers, 1000000, 20, "curve")             \
    X(scale_fire, 1000000, 20, "curve")               \
    X(scale_scope, 1000000, 20, "curve")              \
    X(scale_cancel, 1000000, 20, "curve")             \
    X(scope_cancel, 1000000, 20, "curve")             \
    X(pinned_stream, 2000000, 1000, "-")              \
    X(pinned_latency, 100, 5, "-")

#define DECLARE(name, n, small_n, flags) int case_##name(struct bench *b);
CASES(DECLARE)

#define ENTRY(name, n, small_n, flags) { #name, case_##name, n, small_n, flags },
const struct bench_case bench_cases[] = { CASES(ENTRY){ NULL, NULL, 0, 0, NULL } };

/* ---- for the cases --------------------------------------------------------------------- */

void bench_begin(struct bench *b) { b->began_ns = weft_now_ns(); }

void bench_end(struct bench *b) { b->took_ns = weft_now_ns() - b->began_ns; }

int64_t bench_rounds(const struct bench *b)
{
    enum { N_OPERATIONS = 300000 }; /* some ms */
    return b->n < N_OPERATIONS ? N_OPERATIONS / b->n : 1;
}

int bench_report(const char *metric, double value, const char *unit)
{
    printf("%s %.6g %s\n", metric, value, unit);
    return 0;
}

int bench_time(const struct bench *b, int64_t n_ops, const char *unit)
{
    double value = (double)b->took_ns;
    if (strcmp(unit, "ns") == 0)
        value /= (double)n_ops;
    else
        value /= strcmp(unit, "ms") == 0 ? 1e6 : 1e9;
    return bench_report("time", value, unit);
}

int bench_check(const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return 0;
    fprintf(stderr, "weft-bench: %s: %" PRId64 " instead of %" PRId64 "\n", what, got, want);
    return -EBADMSG;
}

int64_t bench_resident_size(void)
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

/* ---- the program ------------------------------------------------------------------------ */

struct job {
    const struct bench_case *what;
    struct bench b;
};

static int main_task(void *arg)
{
    struct job *job = arg;
    return job->what->run(&job->b);
}

static int list(void)
{
    for (const struct bench_case *c = bench_cases; c->name != NULL; c++)
        printf("%s %" PRId64 " %" PRId64 " %s\n", c->name, c->n, c->small_n, c->flags);
    return 0;
}

static int tell_compiler(void)
{
#if defined(__clang__)
    printf("clang-%d.%d.%d", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    printf("gcc-%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
#if defined(__x86_64__)
    puts("-x86_64");
#elif defined(__aarch64__)
    puts("-aarch64");
#else
    puts("-other");
#endif
    return 0;
}

static int run(const struct bench_case *what, int64_t n, unsigned workers)
{
    struct job job = { .what = what, .b = { .n = n, .workers = workers } };
    /* The same choices each time, so that a run can be counted and compared. */
    int rc = weft_configure(WEFT_CONFIG(.workers = workers, .seed = 1));
    if (rc == 0)
        rc = strcmp(what->flags, "os") == 0 ? main_task(&job) : weft_run(main_task, &job);
    if (rc < 0)
        fprintf(stderr, "weft-bench: %s: %s\n", what->name, weft_strerror(rc));
    return rc < 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list();
    if (argc == 2 && strcmp(argv[1], "--compiler") == 0)
        return tell_compiler();
    if (argc != 4 || atoll(argv[2]) <= 0 || atoi(argv[3]) <= 0) {
        fprintf(stderr, "usage: weft-bench CASE N WORKERS | --list | --compiler\n");
        return 2;
    }
    for (const struct bench_case *c = bench_cases; c->name != NULL; c++)
        if (strcmp(c->name, argv[1]) == 0)
            return run(c, atoll(argv[2]), (unsigned)atoi(argv[3]));
    fprintf(stderr, "weft-bench: no case '%s'\n", argv[1]);
    return 2;
}
