/* SPDX-License-Identifier: MIT
 * The deadlock report: each real deadlock is found, named and ended, and nothing else is one.
 *
 * That nothing is reported where something could still happen is in no_deadlock_test.c.
 * In the simulator most must be found before any time has passed: nobody waits for a second look.
 */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#include "token.h"

static int n_times(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

#define expect_deadlocks(n) ck_assert_int_eq(n_times(wt_reports(), "weft: deadlock: "), (n))
#define expect_word(word)   ck_assert_ptr_nonnull(strstr(wt_reports(), (word)))

/* The runtime serves as if nothing had been. */
static int send_and_receive(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(weft_send(tx, 42));
    WEFT_TRY(weft_recv(rx, &value));
    WEFT_TRY(weft_sleep(WEFT_US(10)));
    return value;
}

static void expect_usable(void)
{
    ck_assert_int_eq(weft_run(send_and_receive, NULL), 42);
    expect_deadlocks(1);
}

/* ---- tasks ----------------------------------------------------------------------------------- */

WEFT_TASK(pass_on, (rx, int, from), (tx, int, to))
{
    int value;
    int rc = weft_recv(from, &value);
    ck_assert(rc == WEFT_ECANCELED || rc == 0); /* 0: the other has unwound already */
    ck_assert_int_eq(weft_send(to, 1), WEFT_ECANCELED);
    return WEFT_ECANCELED;
}

static int wait_for_each_other(void *arg)
{
    WEFT_TX(int, tx_left);
    WEFT_RX(int, rx_left);
    WEFT_TX(int, tx_right);
    WEFT_RX(int, rx_right);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx_left, &rx_left, 1, .name = "left"));
    WEFT_TRY(weft_chan_open(&tx_right, &rx_right, 1, .name = "right"));
    WEFT_SCOPE(scope, .name = "pair");
    WEFT_TRY(weft_spawn(&scope, pass_on, WEFT_MOVE(rx_left), WEFT_MOVE(tx_right)));
    WEFT_TRY(weft_spawn(&scope, pass_on, WEFT_MOVE(rx_right), WEFT_MOVE(tx_left)));
    return weft_scope_wait(&scope);
}

WT_TEST(two_tasks_that_wait_for_each_other)
{
    wt_capture_reports();
    int64_t before_ns = weft_now_ns();
    ck_assert_int_eq(weft_run(wait_for_each_other, NULL), WEFT_EDEADLK);
    if (wt_is_sim())
        ck_assert_int_lt(weft_now_ns() - before_ns, WEFT_MS(1)); /* at once */
    expect_deadlocks(1);
    expect_word("\"pass_on\"");
    expect_word("\"left\"");
    expect_word("\"right\"");
    expect_word("receives from channel");
    expect_word("scope \"pair\"");
    expect_usable();
}

static int meet_nobody(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 0, .name = "meeting"));
    int rc = weft_send(tx, 1);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return rc;
}

WT_TEST(a_rendezvous_without_a_receiver)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(meet_nobody, NULL), WEFT_EDEADLK);
    expect_deadlocks(1);
    expect_word("sends to channel \"meeting\"");
    expect_word("held by task");
    expect_usable();
}

static int select_in_vain(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TX(int, tx_full);
    WEFT_RX(int, rx_full);
    int value, rc;
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(weft_chan_open(&tx_full, &rx_full, 1));
    WEFT_TRY(weft_send(tx_full, 1));
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &value), weft_on_send(tx_full, &value)),
                     WEFT_ECANCELED);
    return WEFT_ECANCELED;
}

WT_TEST(a_select_in_vain)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(select_in_vain, NULL), WEFT_EDEADLK);
    expect_deadlocks(1);
    expect_usable();
}

/* ---- unwinding ------------------------------------------------------------------------------- */

static _Atomic int n_closed;

typedef struct thing {
    int n;
} thing;

static int thing_close(thing *it)
{
    (void)it;
    /* Shielded: a closer may wait even now. */
    ck_assert_int_eq(weft_sleep(WEFT_US(10)), 0);
    atomic_fetch_add(&n_closed, 1);
    return 0;
}

WEFT_DEFINE_AUTO(thing, thing_close)

WEFT_TASK(hold_and_wait, (rx, struct token *, from), (tx, struct token *, to))
{
    static thing one;
    WEFT_AUTO(thing, held);
    held = &one;
    WEFT_TRY(weft_send(to, token_new(1))); /* never received: dropped */
    struct token *token;
    ck_assert_int_eq(weft_recv(from, &token), WEFT_ECANCELED);
    return WEFT_ECANCELED;
}

static int hold_and_wait_main(void *arg)
{
    WEFT_TX(struct token *, tx_a);
    WEFT_RX(struct token *, rx_a);
    WEFT_TX(struct token *, tx_b);
    WEFT_RX(struct token *, rx_b);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx_a, &rx_a, 4, .drop = token_drop));
    WEFT_TRY(weft_chan_open(&tx_b, &rx_b, 4, .drop = token_drop));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 2, hold_and_wait, WEFT_MOVE(rx_a), WEFT_MOVE(tx_b)));
    return weft_scope_wait(&scope);
}

WT_TEST(what_the_tasks_hold_is_given_back)
{
    wt_capture_reports();
    tokens_begin();
    atomic_store(&n_closed, 0);
    ck_assert_int_eq(weft_run(hold_and_wait_main, NULL), WEFT_EDEADLK);
    ck_assert_int_eq(atomic_load(&n_closed), 2);
    ck_assert_int_eq(atomic_load(&tokens_made), 2);
    tokens_check();
    expect_usable();
}

/* ---- plain threads --------------------------------------------------------------------------- */

struct pair {
    weft_tx(int) tx[2];
    weft_rx(int) rx[2];
    int rc[2];
};

static void open_pair(struct pair *pair)
{
    *pair = (struct pair){ .rc = { 1, 1 } };
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weft_chan_open(&pair->tx[i], &pair->rx[i], 1, .name = "between"), 0);
}

static void close_pair(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        WEFT_DROP(pair->tx[i]);
        WEFT_DROP(pair->rx[i]);
    }
}

static void receive_second(void *arg)
{
    struct pair *pair = arg;
    int value;
    pair->rc[1] = weft_recv(pair->rx[1], &value);
}

/* Two threads, and weft has never been started: there is nobody but themselves to find out. */
WT_TEST(threads_alone)
{
    struct pair pair;
    int value;
    wt_capture_reports();
    open_pair(&pair);
    wt_thread *thread = wt_thread_start(receive_second, &pair);
    pair.rc[0] = weft_recv(pair.rx[0], &value);
    if (pair.rc[0] == WEFT_EDEADLK)
        weft_end(pair.tx[1], 0); /* both at once, or the other sees the end */
    wt_thread_join(thread);
    ck_assert_int_eq(pair.rc[0], WEFT_EDEADLK);
    ck_assert(pair.rc[1] == WEFT_EDEADLK || pair.rc[1] == 0);
    expect_deadlocks(1);
    expect_word("thread");
    expect_word("receives from channel \"between\"");
    close_pair(&pair);
    expect_usable();
}

/* The same beside workers that have nothing to do. */
WT_TEST(threads_beside_idle_workers)
{
    struct pair pair;
    int value;
    wt_capture_reports();
    ck_assert_int_eq(weft_run(send_and_receive, NULL), 42);
    open_pair(&pair);
    wt_thread *thread = wt_thread_start(receive_second, &pair);
    pair.rc[0] = weft_recv(pair.rx[0], &value);
    wt_thread_join(thread);
    ck_assert_int_eq(pair.rc[0], WEFT_EDEADLK);
    ck_assert_int_eq(pair.rc[1], WEFT_EDEADLK);
    expect_deadlocks(1);
    close_pair(&pair);
    expect_usable();
}

/* And while they stop because of that. */
WT_TEST(threads_beside_workers_that_stop)
{
    struct pair pair;
    int value;
    wt_capture_reports();
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 2, .idle_stop_ns = WEFT_US(50))), 0);
    ck_assert_int_eq(weft_run(send_and_receive, NULL), 42);
    open_pair(&pair);
    ck_assert_int_eq(weft_sleep(WEFT_US(wt_random_below(100))), 0);
    wt_thread *thread = wt_thread_start(receive_second, &pair);
    pair.rc[0] = weft_recv(pair.rx[0], &value);
    wt_thread_join(thread);
    ck_assert_int_eq(pair.rc[0], WEFT_EDEADLK);
    ck_assert_int_eq(pair.rc[1], WEFT_EDEADLK);
    expect_deadlocks(1);
    close_pair(&pair);
    expect_usable();
}

WT_TEST(one_thread_alone)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    wt_capture_reports();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_EDEADLK);
    ck_assert_int_eq(weft_error(rx), WEFT_EDEADLK);
    ck_assert_int_eq(weft_send(tx, 1), WEFT_EDEADLK);
    expect_deadlocks(2);
}

/* In a scope it is the scope's, as for a task. */
WT_TEST(a_thread_in_its_scope)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    wt_capture_reports();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    {
        WEFT_SCOPE(scope, .name = "thread's");
        ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
        ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_EDEADLK);
    }
    expect_deadlocks(1);
    expect_word("scope \"thread's\"");
    expect_usable();
}

WEFT_TASK(receive_one, (rx, int, from))
{
    int value;
    return weft_recv(from, &value);
}

/* A task waits for a thread, and the thread for the task. */
WT_TEST(a_task_and_a_thread)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    wt_capture_reports();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, receive_one, WEFT_MOVE(rx)), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_EDEADLK);
    expect_deadlocks(1);
    expect_usable();
}

struct outsider {
    weft_rx(int) rx;
    int rc;
};

static void receive_outside(void *arg)
{
    struct outsider *it = arg;
    int value;
    it->rc = weft_recv(it->rx, &value);
}

static int wait_for_outsider(void *arg)
{
    struct outsider *it = arg;
    WEFT_TX(int, tx_to);
    WEFT_RX(int, rx);
    WEFT_TX(int, tx);
    int value;
    WEFT_TRY(weft_chan_open(&tx_to, &it->rx, 1, .name = "to thread"));
    WEFT_TRY(weft_chan_open(&tx, &rx, 1, .name = "from thread"));
    wt_thread *thread = wt_thread_start(receive_outside, it);
    int rc = weft_recv(rx, &value);
    weft_end(tx_to, 0); /* too late: it has been told as well */
    wt_thread_join(thread);
    WEFT_DROP(it->rx);
    return rc;
}

WT_TEST(a_thread_outside_beside_a_run)
{
    struct outsider it = { .rc = 1 };
    wt_capture_reports();
    ck_assert_int_eq(weft_run(wait_for_outsider, &it), WEFT_EDEADLK);
    ck_assert(it.rc == WEFT_EDEADLK || it.rc == 0);
    expect_deadlocks(1);
    expect_word("to thread");
    expect_word("from thread");
}

/* ---- several runs ---------------------------------------------------------------------------- */

static int receive_for_ever(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    return weft_recv(rx, &value);
}

static void run_in_vain(void *arg) { *(int *)arg = weft_run(receive_for_ever, NULL); }

WT_TEST(each_of_several_runs_is_told)
{
    enum { RUNS = 4 };
    int rc[RUNS];
    wt_thread *threads[RUNS];
    wt_capture_reports();
    for (int i = 0; i < RUNS; i++) {
        rc[i] = 1;
        threads[i] = wt_thread_start(run_in_vain, &rc[i]);
    }
    /* We are a thread that is elsewhere, until we wait in weft too. */
    int own_rc = weft_run(receive_for_ever, NULL);
    for (int i = 0; i < RUNS; i++)
        wt_thread_join(threads[i]);
    ck_assert_int_eq(own_rc, WEFT_EDEADLK);
    for (int i = 0; i < RUNS; i++)
        ck_assert_int_eq(rc[i], WEFT_EDEADLK);
    expect_deadlocks(1);
}

/* ---- who completes it ------------------------------------------------------------------------ */

static void end_and_leave(void *arg)
{
    int n;
    weft_rx(int) rx = *(weft_rx(int) *)arg;
    ck_assert_int_eq(weft_try_recv(rx, &n), WEFT_EAGAIN);
}

static int outlive_a_thread(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    *(wt_thread **)arg = wt_thread_start(end_and_leave, &rx);
    return weft_recv(rx, &value);
}

/* The last one that could have done something ends. */
WT_TEST(a_thread_that_ends_completes_it)
{
    wt_thread *thread = NULL;
    wt_capture_reports();
    ck_assert_int_eq(weft_run(outlive_a_thread, &thread), WEFT_EDEADLK);
    wt_thread_join(thread);
    expect_deadlocks(1);
}

static bool has_lingered(void *arg) { return ++*(int *)arg > 500; }

static void linger(void *arg)
{
    int n_looks = 0;
    (void)arg;
    wt_until(has_lingered, &n_looks);
}

static int outlive_an_unknown(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    *(wt_thread **)arg = wt_thread_start(linger, NULL);
    return weft_recv(rx, &value);
}

/* Nobody tells us when a thread ends that has never called weft. */
WT_TEST(a_thread_that_weft_does_not_know_ends)
{
    wt_thread *thread = NULL;
    wt_capture_reports();
    ck_assert_int_eq(weft_run(outlive_an_unknown, &thread), WEFT_EDEADLK);
    wt_thread_join(thread);
    expect_deadlocks(1);
}

WEFT_TASK(be_short) { return 7; }

static int wait_after_blocking(void *arg)
{
    for (unsigned i = wt_random_below(3); i > 0; i--)
        ck_assert_int_eq(weft_blocking(be_short), 7);
    if (wt_random_below(2) == 0)
        WEFT_TRY(weft_sleep(WEFT_US(wt_random_below(50))));
    return receive_for_ever(arg);
}

/* Whatever ended last: a job, a timer, a task on either worker. */
WT_TEST(after_anything_at_all)
{
    wt_capture_reports();
    int n = (int)wt_scaled(100);
    unsigned n_workers = 1 + (unsigned)(wt_seed() % 3);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = n_workers)), 0);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(weft_run(wait_after_blocking, NULL), WEFT_EDEADLK);
    expect_deadlocks(n);
}

/* ---- what no cancel reaches ------------------------------------------------------------------ */

struct shielded {
    weft_tx(int) tx;
    int rc;
};

static int wait_shielded(void *arg)
{
    struct shielded *it = arg;
    WEFT_RX(int, rx);
    weft_shield shield;
    int value;
    WEFT_TRY(weft_chan_open(&it->tx, &rx, 1));
    weft_shield_begin(&shield);
    int rc = weft_recv(rx, &value);
    weft_shield_end(&shield);
    return rc;
}

static void run_shielded(void *arg)
{
    struct shielded *it = arg;
    it->rc = weft_run(wait_shielded, it);
}

/* A thread outside every scope hears of it; the shielded task waits on until that one has done
 * what it waits for. */
WT_TEST(a_shielded_wait_goes_on)
{
    struct shielded it = { .rc = 1 };
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    wt_capture_reports();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    wt_thread *thread = wt_thread_start(run_shielded, &it);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_EDEADLK);
    ck_assert_int_eq(weft_send(it.tx, 1), 0);
    wt_thread_join(thread);
    ck_assert_int_eq(it.rc, WEFT_EDEADLK);
    expect_deadlocks(1);
    WEFT_DROP(it.tx);
}

WT_MAIN("api_deadlock")
