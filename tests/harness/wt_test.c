/* SPDX-License-Identifier: MIT
 * The runner: registers tests, reads arguments, hands the tests to Check, tells the result.
 *
 * Check forks for each test and learns from the child only whether it failed and where. All
 * else (skipped, with which seed) comes back through struct wt_status in shared memory, which
 * outlives a child however it ends. */
#include "wt_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct wt_options wt_opts;
struct wt_status *wt_status;

static struct wt_test *first_test;
static struct wt_test **last_link = &first_test;

/* The tests that were chosen, and what became of each. */
static const struct wt_test **chosen;
static struct wt_status *statuses;
static int n_chosen;

void wt_register(struct wt_test *test)
{
    *last_link = test;
    last_link = &test->next;
}

static void run_chosen(int i)
{
    wt_status = &statuses[i];
    wt_status->started = true;
    wt_run_body(chosen[i]);
}

static _Noreturn void usage(int code)
{
    FILE *out = code == 0 ? stdout : stderr;
    fprintf(out,
            "usage: %s [--list] [--seed N] [--seeds N] [--pct N] [--weak N] [--trace] [--timeout N]"
            " [test...]\n\n",
            wt_opts.program);
    fputs("  --list     print the names of the tests\n"
          "  --seed N   one run, with seed N (WEFT_SEED)\n"
          "  --seeds N  N runs in the simulator, from the first seed on (WEFT_SEEDS, else 200)\n"
          "  --pct N    by priorities, for bugs of depth N; 0: random switches (WEFT_PCT)\n"
          "  --weak N   1: loads may see older values; 0: they do not (WEFT_WEAK)\n"
          "             Without these two each seed has its own.\n"
          "  --trace    print each switch of the simulator\n"
          "  --timeout N  the limit of one test in seconds (WT_TIMEOUT, else 60)\n\n"
          "WT_SLOW says how many times slower than usual everything is (valgrind: 10); WT_FAULTS\n"
          "limits the runs with a failing call. Without names, all tests run.\n"
          "Ends with 0, 1 for a failure, 77 when all were skipped.\n",
          out);
    exit(code);
}

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 0);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "%s: '%s' is not a number\n", wt_opts.program, text);
        usage(2);
    }
    return value;
}

static uint64_t number_from_env(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL || *text == '\0' ? otherwise : number(text);
}

static void set_timeout(int usual_s)
{
    wt_opts.timeout_s = (int)number_from_env("WT_TIMEOUT", (uint64_t)usual_s) * (int)wt_opts.slow;
}

static void choose(const char *name)
{
    for (const struct wt_test *test = first_test; test != NULL; test = test->next)
        if (name == NULL || strcmp(test->name, name) == 0) {
            chosen[n_chosen++] = test;
            if (name != NULL)
                return;
        }
    if (name != NULL) {
        fprintf(stderr, "%s: no test '%s'\n", wt_opts.program, name);
        exit(2);
    }
}

static void list_tests(void)
{
    for (const struct wt_test *test = first_test; test != NULL; test = test->next)
        puts(test->name);
}

static void read_environment(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    wt_opts.slow = 4;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    wt_opts.slow = 4;
#endif
#endif
    unsigned slow = (unsigned)number_from_env("WT_SLOW", 0);
    if (slow > wt_opts.slow)
        wt_opts.slow = slow;
    if (wt_opts.slow == 0)
        wt_opts.slow = 1;
    wt_opts.first_seed = number_from_env("WEFT_SEED", 1);
    wt_opts.n_seeds = (unsigned)number_from_env("WEFT_SEEDS", 200 / wt_opts.slow);
    wt_opts.pct_depth = (unsigned)number_from_env("WEFT_PCT", WT_MIXED);
    wt_opts.weak = (unsigned)number_from_env("WEFT_WEAK", WT_MIXED);
    wt_opts.n_faults = (unsigned)number_from_env("WT_FAULTS", 0);
    set_timeout(60);
}

static void read_arguments(int argc, char **argv)
{
    int n_tests = 0;
    for (const struct wt_test *test = first_test; test != NULL; test = test->next)
        n_tests++;
    chosen = calloc((size_t)(n_tests + argc), sizeof *chosen);

    bool seeds_given = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        bool has_value = i + 1 < argc;
        if (strcmp(arg, "--list") == 0) {
            list_tests();
            exit(0);
        } else if (strcmp(arg, "--help") == 0) {
            usage(0);
        } else if (strcmp(arg, "--trace") == 0) {
            wt_opts.trace = true;
        } else if (strcmp(arg, "--seed") == 0 && has_value) {
            wt_opts.first_seed = number(argv[++i]);
            if (!seeds_given)
                wt_opts.n_seeds = 1;
        } else if (strcmp(arg, "--seeds") == 0 && has_value) {
            wt_opts.n_seeds = (unsigned)number(argv[++i]);
            seeds_given = true;
        } else if (strcmp(arg, "--timeout") == 0 && has_value) {
            set_timeout((int)number(argv[++i]));
        } else if (strcmp(arg, "--pct") == 0 && has_value) {
            wt_opts.pct_depth = (unsigned)number(argv[++i]);
        } else if (strcmp(arg, "--weak") == 0 && has_value) {
            wt_opts.weak = (unsigned)number(argv[++i]);
        } else if (arg[0] == '-') {
            usage(2);
        } else {
            choose(arg);
        }
    }
    if (n_chosen == 0)
        choose(NULL);
    if (wt_opts.n_seeds == 0)
        wt_opts.n_seeds = 1;
}

static void print_rerun(const char *name, uint64_t seed)
{
    printf("seed %llu: rerun with  %s %s --seed %llu", (unsigned long long)seed, wt_opts.program,
           name, (unsigned long long)seed);
    if (wt_is_sim() && wt_opts.pct_depth != WT_MIXED)
        printf(" --pct %u", wt_opts.pct_depth);
    if (wt_is_sim() && wt_opts.weak != WT_MIXED)
        printf(" --weak %u", wt_opts.weak);
    puts(wt_is_sim() ? " --trace" : "");
}

/* Says how to have a failure again. Check has printed where it was. */
static void explain_failure(const char *name)
{
    for (int i = 0; i < n_chosen; i++) {
        const struct wt_status *status = &statuses[i];
        if (strcmp(chosen[i]->name, name) != 0 || !status->started)
            continue;
        if (status->fault[0] != '\0')
            printf("%s: with %s\n", name, status->fault);
        if (status->seed_is_set)
            print_rerun(name, status->seed);
    }
}

static int tell_results(SRunner *runner)
{
    int n_failed = srunner_ntests_failed(runner), n_skipped = 0;
    for (int i = 0; i < n_chosen; i++)
        if (statuses[i].skipped) {
            n_skipped++;
            printf("%s: skipped: %s\n", chosen[i]->name, statuses[i].reason);
        }
    if (n_failed > 0) {
        TestResult **results = srunner_failures(runner);
        for (int i = 0; i < n_failed; i++)
            explain_failure(tr_tcname(results[i]));
        free(results);
        return 1;
    }
    return n_skipped == n_chosen ? 77 : 0;
}

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

#ifdef UNDER_TSAN
static void *do_nothing(void *arg) { return arg; }

/* TSan makes its background thread with the first thread of a process, and for a forked child at
 * once. A child of a parent that had none gets two, and the deadlock check expects one. */
static void make_a_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
}
#else
static void make_a_thread(void) {}
#endif

int wt_main(const char *suite_name, bool bare, int argc, char **argv)
{
    wt_opts.program = argv[0];
    make_a_thread();
    wt_opts.bare = bare;
    read_environment();
    read_arguments(argc, argv);
    if (n_chosen == 0) {
        fprintf(stderr, "%s: there is no test in it\n", argv[0]);
        return 2;
    }
    statuses = mmap(NULL, (size_t)n_chosen * sizeof *statuses, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (statuses == MAP_FAILED) {
        perror("mmap");
        return 2;
    }

    Suite *suite = suite_create(suite_name);
    TTest *entries = calloc((size_t)n_chosen, sizeof *entries);
    for (int i = 0; i < n_chosen; i++) {
        const struct wt_test *test = chosen[i];
        TCase *tcase = tcase_create(test->name);
        entries[i] = (TTest){ test->name, run_chosen, test->file, test->line };
        tcase_set_timeout(tcase, wt_opts.timeout_s);
        tcase_add_loop_test(tcase, &entries[i], i, i + 1);
        suite_add_tcase(suite, tcase);
    }
    SRunner *runner = srunner_create(suite);
    /* Not CK_NOFORK, whatever the environment says: there a failed assertion jumps to the stack
     * of the runner, from whichever thread it is on. */
    srunner_set_fork_status(runner, CK_FORK);
    fflush(NULL);
    srunner_run_all(runner, CK_ENV);
    int code = tell_results(runner);
    srunner_free(runner);
    free(entries);
    free(chosen);
    munmap(statuses, (size_t)n_chosen * sizeof *statuses);
    return code;
}
