/* SPDX-License-Identifier: MIT
 * weft_dump: who there is, what each waits for, and that asking disturbs nobody. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

/* ---- reading a dump -------------------------------------------------------------------------- */

#define DUMP_SIZE ((size_t)1 << 20)

static int dump_file = -1;

static void begin_dumps(void)
{
    char path[] = "/tmp/weft-dump-XXXXXX";
    dump_file = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(dump_file, 0);
    ck_assert_int_eq(unlink(path), 0);
}

static void end_dumps(void)
{
    (void)close(dump_file);
    dump_file = -1;
}

/* A new dump; valid until the next. */
static const char *dump_now(void)
{
    static char text[DUMP_SIZE];
    ck_assert_int_eq(ftruncate(dump_file, 0), 0);
    ck_assert_int_eq(lseek(dump_file, 0, SEEK_SET), 0);
    ck_assert_int_eq(weft_dump(dump_file), 0);
    ssize_t n = pread(dump_file, text, sizeof text - 1, 0);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    return text;
}

static bool has_words(void *words) { return strstr(dump_now(), words) != NULL; }

/* Waits until a dump has these words in it. For plain threads. */
static void until_dump_says(const char *words) { wt_until(has_words, (void *)(uintptr_t)words); }

static bool has_line(const char *text, const char *start, const char *end)
{
    for (const char *at = text; (at = strstr(at, start)) != NULL; at++) {
        const char *line_end = strchr(at, '\n');
        const char *found = strstr(at, end);
        if (found != NULL && line_end != NULL && found < line_end)
            return true;
    }
    return false;
}

#define expect_line(start, end)                                                                \
    ck_assert_msg(has_line(dump_now(), (start), (end)), "no line '%s ... %s' in\n%s", (start), \
                  (end), dump_now())

/* ---- each state ------------------------------------------------------------------------------ */

struct show {
    weft_tx(int) tx; /* of "jobs", which has no values */
    weft_rx(int) rx;
    weft_tx(int) full_tx; /* of "full", which has no room */
    weft_rx(int) full_rx;
    weft_tx(int) go_tx; /* what ends them all */
    int pipe[2];
    atomic_bool may_end;
};

static bool may_end(void *arg) { return atomic_load(&((struct show *)arg)->may_end); }

WEFT_TASK(receives, (rx, int, from))
{
    int value;
    return weft_recv(from, &value);
}

WEFT_TASK(sends, (tx, int, to)) { return weft_send(to, 1); }

WEFT_TASK(reserves, (tx, int, to))
{
    WEFT_PERMIT(int, place);
    return weft_reserve(to, &place);
}

WEFT_TASK(selects, (rx, int, from))
{
    int value, rc;
    return weft_select(&rc, weft_on_recv(from, &value), weft_on_after(WEFT_SEC(1000)));
}

WEFT_TASK(sleeps) { return weft_sleep(WEFT_SEC(1000)); }
WEFT_TASK(waits_for_fd, (int, fd)) { return weft_fd_wait(fd, WEFT_READABLE); }

WEFT_TASK(job, (struct show *, show))
{
    wt_until(may_end, show);
    return 0;
}

/* Not on its worker: in the simulator nobody would lend that, for it takes no time. */
WEFT_TASK(blocks, (struct show *, show))
{
    return weft_blocking_with(WEFT_OPTS(blocking, .pooled = true), job, show);
}

WEFT_TASK(has_child)
{
    WEFT_SCOPE(inner, .name = "inner");
    WEFT_TRY(weft_spawn(&inner, sleeps));
    return weft_scope_wait(&inner);
}

WEFT_GENERATOR(yields, weft_rx(int), (int, first)) { return weft_yield(first); }

WEFT_TASK(consumes)
{
    WEFT_RX(int, rx);
    int value;
    WEFT_TRY(yields(7, &rx));
    WEFT_TRY(weft_recv(rx, &value));
    return weft_sleep(WEFT_SEC(1000));
}

static int show_main(void *arg)
{
    struct show *show = arg;
    WEFT_RX(int, go);
    int value;
    WEFT_TRY(weft_chan_open(&show->tx, &show->rx, 64, .name = "jobs"));
    WEFT_TRY(weft_chan_open(&show->full_tx, &show->full_rx, 1, .name = "full"));
    WEFT_TRY(weft_chan_open(&show->go_tx, &go, 1, .name = "go"));
    WEFT_TRY(weft_send(show->full_tx, 0));
    WEFT_SCOPE(scope, .name = "show");
    WEFT_TRY(weft_spawn(&scope, receives, weft_ref(show->rx)));
    WEFT_TRY(weft_spawn(&scope, sends, weft_ref(show->full_tx)));
    WEFT_TRY(weft_spawn(&scope, reserves, weft_ref(show->full_tx)));
    WEFT_TRY(weft_spawn(&scope, selects, weft_ref(show->rx)));
    WEFT_TRY(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "dormouse"), sleeps));
    if (!wt_is_sim())
        WEFT_TRY(weft_spawn(&scope, waits_for_fd, show->pipe[0]));
    WEFT_TRY(weft_spawn(&scope, blocks, show));
    WEFT_TRY(weft_spawn(&scope, has_child));
    WEFT_TRY(weft_spawn(&scope, consumes));
    WEFT_TRY(weft_recv(go, &value));
    weft_scope_cancel(&scope);
    return weft_scope_wait(&scope);
}

static void run_show(void *arg) { ck_assert_int_eq(weft_run(show_main, arg), 0); }

static void expect_show(const struct show *show)
{
    char fd[32];
    (void)snprintf(fd, sizeof fd, "waits for fd %d,", show->pipe[0]);
    until_dump_says("waits for a blocking call");
    until_dump_says("has yielded to channel \"yields\"");
    until_dump_says("selects, among others from channel \"jobs\"");
    until_dump_says("reserves a place in channel \"full\"");
    until_dump_says("sends to channel \"full\"");
    until_dump_says("receives from channel \"jobs\"");
    until_dump_says("receives from channel \"go\"");
    if (!wt_is_sim())
        until_dump_says(fd);
    until_dump_says("\"dormouse\"");
    expect_line("\"receives\" (", "dump_test.c:");
    expect_line("\"receives\" (", "spawned at ");
    expect_line("\"receives\" (", "receives from channel \"jobs\" (");
    expect_line("\"receives\" (", " s");
    expect_line("\"dormouse\" (", "sleeps, ");
    expect_line("\"has_child\" (", "waits for its children");
    expect_line("\"blocks\" (", "waits for a blocking call");
    expect_line("scope \"show\"", "dump_test.c:");
    expect_line("scope \"inner\"", "dump_test.c:");
    expect_line("scope \"weft_run\"", "which waits for its children");
    expect_line("channel \"jobs\"", " 0/64, 1 sender (made at ");
    expect_line("channel \"jobs\"", ", 3 receivers (");
    expect_line("channel \"full\"", " 1/1, 3 senders (");
    expect_line("weft: ", " workers, ");
    expect_line("thread #", ": waits for its children");
}

WT_TEST(each_task_is_named_with_what_it_waits_for)
{
    struct show show = { .may_end = false };
    wt_seeds_at_most(20);
    begin_dumps();
    ck_assert_int_eq(pipe2(show.pipe, O_CLOEXEC | O_NONBLOCK), 0);
    wt_thread *thread = wt_thread_start(run_show, &show);
    expect_show(&show);
    ck_assert_int_eq(weft_send(show.go_tx, 1), 0);
    expect_line("thread #", ": runs, or is elsewhere"); /* known now: us */
    atomic_store(&show.may_end, true);
    wt_thread_join(thread);
    WEFT_DROP(show.tx);
    WEFT_DROP(show.rx);
    WEFT_DROP(show.full_tx);
    WEFT_DROP(show.full_rx);
    WEFT_DROP(show.go_tx);
    (void)close(show.pipe[0]);
    (void)close(show.pipe[1]);
    end_dumps();
}

/* Where it is called from does not matter, and what has not begun says so. */
WEFT_TASK(nothing) { return 0; }
WEFT_TASK(dump_from_job)
{
    until_dump_says("waits for a blocking call");
    return 0;
}

static int dump_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .name = "seen");
    WEFT_TRY(weft_spawn_n(&scope, 3, nothing));
    ck_assert(has_line(dump_now(), "\"main\" (", "runs or is ready"));
    ck_assert(has_line(dump_now(), "scope \"seen\"", "dump_test.c"));
    WEFT_TRY(weft_scope_wait(&scope));
    return weft_blocking(dump_from_job);
}

static int dump_fresh_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .name = "seen");
    WEFT_TRY(weft_spawn(&scope, nothing));
    ck_assert(has_line(dump_now(), "\"nothing\" (", "not started"));
    weft_scope_cancel(&scope);
    ck_assert(has_line(dump_now(), "scope \"seen\"", ", cancelled"));
    return weft_scope_wait(&scope);
}

WT_TEST(from_a_task_a_thread_and_a_job)
{
    begin_dumps();
    expect_line("weft: ", "0 workers, 0 tasks"); /* before anything was started */
    ck_assert_int_eq(weft_run(dump_main, NULL), 0);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    expect_line("weft: ", "0 workers, 0 tasks");
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 1)), 0);
    ck_assert_int_eq(weft_run(dump_fresh_main, NULL), 0);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 0)), 0);
    end_dumps();
}

WT_TEST(a_write_that_fails_is_told)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(full, 0);
    ck_assert_int_eq(weft_dump(full), -ENOSPC);
    (void)close(full);
    ck_assert_int_eq(weft_dump(full), -EBADF);
    ck_assert_int_eq(weft_dump(-1), -EBADF);
}

/* ---- when memory ends ------------------------------------------------------------------------ */

enum { CHANNELS = 30 };

static void dump_with_faults(void *arg)
{
    weft_tx(int) tx[CHANNELS];
    weft_rx(int) rx[CHANNELS];
    for (int i = 0; i < CHANNELS; i++)
        ck_assert_int_eq(weft_chan_open(&tx[i], &rx[i], 1, .name = "one of many"), 0);
    wt_fault_on(WT_FAULT_MEMORY | WT_FAULT_FILE);
    int rc = weft_dump(*(int *)arg);
    wt_fault_off();
    if (wt_fault_hit())
        ck_assert_int_lt(rc, 0);
    else
        ck_assert_int_eq(rc, 0);
    for (int i = 0; i < CHANNELS; i++) {
        WEFT_DROP(tx[i]);
        WEFT_DROP(rx[i]);
    }
}

WT_TEST(a_dump_that_has_to_be_cut_says_so)
{
    wt_seeds_at_most(1);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(nowhere, 0);
    ck_assert_uint_gt(wt_fault_run(dump_with_faults, &nowhere), 3);
    (void)close(nowhere);
}

/* ---- a storm --------------------------------------------------------------------------------- */

WEFT_TASK(one_of_many, (tx, int, to), (int, n))
{
    if (n % 3 == 0)
        WEFT_TRY(weft_sleep(WEFT_US(1)));
    if (n % 3 == 1)
        WEFT_TRY(weft_pause());
    return weft_send(to, n);
}

WEFT_GENERATOR(numbers, weft_rx(int), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield(i));
    return 0;
}

static int storm_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, wt_random_below(3), .name = "storm"));
    WEFT_SCOPE(scope, .name = "storm");
    for (int i = 0; i < 6; i++)
        WEFT_TRY(weft_spawn(&scope, one_of_many, weft_ref(tx), i));
    WEFT_DROP(tx);
    int sum = 0;
    weft_each (n, rx)
        sum += n;
    WEFT_RX(int, more);
    WEFT_TRY(numbers(3, &more));
    weft_each (n, more)
        sum += n;
    WEFT_TRY(weft_scope_wait(&scope));
    return sum;
}

struct storm {
    unsigned n;
    atomic_int n_left;
};

static void storm_thread(void *arg)
{
    struct storm *storm = arg;
    for (unsigned i = storm->n; i > 0; i--) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value;
        ck_assert_int_eq(weft_run(storm_main, NULL), 15 + 3);
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
        ck_assert_int_eq(weft_send(tx, 1), 0);
        ck_assert_int_eq(weft_recv(rx, &value), 1);
    }
    atomic_fetch_sub(&storm->n_left, 1);
}

/* It sleeps now and then, since in the simulator time does not pass for one that never waits. */
static void dump_until_over(struct storm *storm)
{
    while (atomic_load(&storm->n_left) > 0) {
        const char *text = dump_now();
        ck_assert_ptr_eq(strstr(text, "weft: "), text);
        if (wt_random_below(4) == 0)
            ck_assert_int_eq(weft_sleep(WEFT_US(1)), 0);
    }
}

WT_TEST(in_a_storm)
{
    enum { THREADS = 2 };
    struct storm storm = { .n = wt_scaled(200), .n_left = THREADS };
    wt_thread *threads[THREADS];
    wt_capture_reports();
    begin_dumps();
    for (int i = 0; i < THREADS; i++)
        threads[i] = wt_thread_start(storm_thread, &storm);
    dump_until_over(&storm);
    for (int i = 0; i < THREADS; i++)
        wt_thread_join(threads[i]);
    ck_assert_str_eq(wt_reports(), "");
    end_dumps();
}

/* The workers go while it counts what they did. */
static void come_and_go(void *arg)
{
    struct storm *storm = arg;
    for (unsigned i = storm->n; i > 0; i--) {
        int rc = weft_run(storm_main, NULL);
        ck_assert_int_eq(rc, 15 + 3);
        ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    }
    atomic_fetch_sub(&storm->n_left, 1);
}

WT_TEST(against_shutdowns)
{
    struct storm storm = { .n = wt_scaled(200), .n_left = 1 };
    begin_dumps();
    wt_thread *thread = wt_thread_start(come_and_go, &storm);
    dump_until_over(&storm);
    wt_thread_join(thread);
    end_dumps();
}

/* ---- a shutdown that gives up ---------------------------------------------------------------- */

static int deaf(void *arg)
{
    weft_shield shield;
    weft_shield_begin(&shield);
    while (!atomic_load((atomic_bool *)arg))
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    weft_shield_end(&shield);
    return 5;
}

static void run_deaf(void *arg)
{
    /* The shutdown's cancel came, and the task did its work all the same. */
    ck_assert_int_eq(weft_run(deaf, arg), 5);
}

WT_TEST(a_shutdown_that_gives_up_names_who)
{
    atomic_bool is_over = false;
    begin_dumps();
    wt_capture_reports();
    wt_thread *thread = wt_thread_start(run_deaf, &is_over);
    until_dump_says("\"main\" (weft_run");
    ck_assert_int_eq(weft_shutdown(0), WEFT_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "weft_shutdown gave up waiting for: "));
    ck_assert(has_line(wt_reports(), "\"main\" (", "spawned at weft_run"));
    ck_assert(has_line(wt_reports(), "scope \"weft_run\"", "cancelled"));
    atomic_store(&is_over, true);
    wt_thread_join(thread);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    end_dumps();
}

WT_MAIN("api_dump")
