/* SPDX-License-Identifier: MIT
 * The test harness: Check, in two flavours of one source.
 *
 *     WT_TEST(values_arrive_in_order)
 *     {
 *         ck_assert_int_eq(first(), 1);
 *     }
 *
 *     WT_MAIN("chan")
 *
 * par  the body runs once, on real threads.
 * sim  the body runs once for each seed, as the first virtual thread of a simulated process
 *      (lib/plat/sim.h): a seed is a schedule, and time is virtual.
 *
 * Each test is a process of its own (Check forks), so a failed assertion may come from any thread
 * or task: it ends that process. After each run of a body the leak gate ends the runtime and
 * finds blocks and file descriptors that are still there. `--help` tells what a binary takes. */
#ifndef WT_TEST_H
#define WT_TEST_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wt_test {
    const char *name;
    const char *file;
    int line;
    void (*body)(void);
    struct wt_test *next;
};

/* WT_TEST stands at the start of a line: the build reads the names from there. */
#define WT_TEST(test_name)                                                 \
    static void wt_body_##test_name(void);                                 \
    static struct wt_test wt_entry_##test_name = {                         \
        .name = #test_name,                                                \
        .file = __FILE__,                                                  \
        .line = __LINE__,                                                  \
        .body = wt_body_##test_name,                                       \
    };                                                                     \
    __attribute__((constructor)) static void wt_register_##test_name(void) \
    {                                                                      \
        wt_register(&wt_entry_##test_name);                                \
    }                                                                      \
    static void wt_body_##test_name(void)

/* The main function. BARE: bodies run once and outside the simulator in both flavours, for tests
 * of the simulator and of the harness. */
#define WT_MAIN(suite) \
    int main(int argc, char **argv) { return wt_main(suite, false, argc, argv); }
#define WT_MAIN_BARE(suite) \
    int main(int argc, char **argv) { return wt_main(suite, true, argc, argv); }

void wt_register(struct wt_test *test);
int wt_main(const char *suite, bool bare, int argc, char **argv);

/* ---- what a body may call ------------------------------------------------------------------- */

/* Whether the schedule and the time are simulated. */
bool wt_is_sim(void);

/* The seed of this run, and numbers drawn from it; also from several threads at once. */
uint64_t wt_seed(void);
uint64_t wt_random(void);
uint64_t wt_random_below(uint64_t limit);

/* A heavy body runs for at most n seeds here, whatever was asked for. First call in the body. */
void wt_seeds_at_most(unsigned n);

/* n in a usual run; fewer, but at least 1, where everything is slow (sanitizers, valgrind) or in
 * the simulator: for loops that only add weight. */
unsigned wt_scaled(unsigned n);

/* Ends the test: not run here, and why. */
__attribute__((noreturn)) void wt_skip(const char *reason);

/* Waits until cond(arg), without sleeping: yields the CPU and asks again. For plain threads. It
 * has a limit of 30 s of real time (in the simulator the limit of points), only against hangs. */
void wt_until_at(const char *file, int line, bool (*cond)(void *arg), void *arg);
#define wt_until(cond, arg) wt_until_at(__FILE__, __LINE__, (cond), (arg))

/* ---- threads that are not weft's: a pthread, a virtual thread in the simulator --------------- */

typedef struct wt_thread wt_thread;

wt_thread *wt_thread_start(void (*fn)(void *arg), void *arg);
void wt_thread_join(wt_thread *thread);

/* ---- faults: calls of plat/sys.h that fail --------------------------------------------------- */

enum {
    WT_FAULT_MEMORY = 1, /* alloc, realloc */
    WT_FAULT_MAP = 2,    /* map, protect_none */
    WT_FAULT_THREAD = 4, /* thread_create */
    WT_FAULT_FILE = 8,   /* open, close, read, write, seek, stat_fd, sync, flags_of_fd */
    WT_FAULT_POLL = 16,  /* epoll_create, epoll_arm, event_create */
    WT_FAULT_ALL = 31,
    WT_FAULT_ADVISE = 32, /* not in ALL: a guard that can't be had is fatal by contract */
    WT_FAULT_NET = 64,    /* not in ALL: sockets */
};

/* Runs body(arg) with the first call failing that counts, then with the second, and so on until a
 * run has none left to fail, or WT_FAULTS times. Calls count from wt_fault_on(kinds) in the body
 * to wt_fault_off() or its end. After each run the runtime is ended and the leak gate looks, so
 * the body must not leave anything behind, failed or not. Returns the number of runs. */
unsigned wt_fault_run(void (*body)(void *arg), void *arg);
void wt_fault_on(unsigned kinds);
void wt_fault_off(void);

/* Whether the call that this run has to fail has come: if not, nothing may go wrong. */
bool wt_fault_hit(void);

/* From here to the end of the run reads and writes of files move at most 16 bytes each. Called
 * before anything starts the runtime. */
void wt_short_io(void);

/* ---- death ---------------------------------------------------------------------------------- */

/* fn(arg), in a forked process, ends by SIGABRT with `text` somewhere in what it said on stderr. */
void wt_expect_abort_at(const char *file, int line, void (*fn)(void *arg), void *arg,
                        const char *text);
#define wt_expect_abort(fn, arg, text) wt_expect_abort_at(__FILE__, __LINE__, (fn), (arg), (text))

/* ---- reports -------------------------------------------------------------------------------- */

/* From here to the end of the run weft's reports go to a buffer instead of stderr. */
void wt_capture_reports(void);

/* What was reported since; valid until the next call. */
const char *wt_reports(void);

/* Whether anything was, or is just being; for bodies that go on until they are complained about. */
bool wt_has_report(void);

#endif
