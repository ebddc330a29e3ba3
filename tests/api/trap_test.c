/* SPDX-License-Identifier: MIT
 * The classic trap of counted halves: who waits in weft_scope_wait holds the senders that those it
 * waits for receive from. It is named, and what only looks like it is not. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

static int n_times(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

#define expect_traps(n)   ck_assert_int_eq(n_times(wt_reports(), "weft: trap: "), (n))
#define expect_word(word) ck_assert_ptr_nonnull(strstr(wt_reports(), (word)))

WEFT_TASK(consumer, (rx, int, from))
{
    weft_each (value, from)
        ck_assert_int_ge(value, 0);
    return weft_error(from);
}

WEFT_TASK(producer, (tx, int, to), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_send(to, i));
    return 0;
}

/* Keeps things going, so that it is no deadlock until it has been said. */
WEFT_TASK(fail_when_said)
{
    while (!wt_has_report())
        WEFT_TRY(weft_sleep(WEFT_US(100)));
    return -EINTR;
}

/* ---- what is one ----------------------------------------------------------------------------- */

static int own_sender(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 4, .name = "jobs"));
    WEFT_SCOPE(scope, .name = "crew");
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    for (int i = *(int *)arg; i > 0; i--)
        WEFT_TRY(weft_pause()); /* the receiver may park before we wait, or after */
    return weft_scope_wait(&scope);
}

WT_TEST(an_owner_that_keeps_its_sender)
{
    wt_capture_reports();
    for (int n_pauses = 0; n_pauses < 4; n_pauses++) {
        ck_assert_int_eq(weft_run(own_sender, &n_pauses), WEFT_EDEADLK);
        expect_traps(n_pauses + 1);
    }
    expect_word("\"consumer\" receives");
    expect_word("task #");
    expect_word("\"main\" waits in weft_scope_wait");
    expect_word("channel \"jobs\"");
    expect_word("held by task");
}

static int owned_by_thread(void)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 4, .name = "jobs"));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    for (uint64_t i = wt_random_below(3); i > 0; i--)
        WEFT_TRY(weft_sleep(WEFT_US(10)));
    return weft_scope_wait(&scope);
}

WT_TEST(an_owner_that_is_a_thread)
{
    wt_capture_reports();
    ck_assert_int_eq(owned_by_thread(), WEFT_EDEADLK);
    expect_traps(1);
    expect_word("thread #");
}

/* All but the owner's own are dropped in the end: the last event may be that drop, too. */
static int ref_and_keep(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    WEFT_TRY(weft_spawn(&scope, producer, weft_ref(tx), 3));
    return weft_scope_wait(&scope);
}

WT_TEST(the_other_senders_go)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(ref_and_keep, NULL), WEFT_EDEADLK);
    expect_traps(1);
}

/* The same while others go on, so that no deadlock is seen. */
static int keep_while_awake(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    WEFT_TRY(weft_spawn(&scope, producer, weft_ref(tx), 3));
    WEFT_TRY(weft_spawn(&scope, fail_when_said));
    (void)arg;
    return weft_scope_wait(&scope);
}

WT_TEST(it_is_said_while_others_go_on)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(keep_while_awake, NULL), -EINTR);
    expect_traps(1);
    ck_assert_int_eq(n_times(wt_reports(), "deadlock"), 0);
}

static int several_channels(void *arg)
{
    WEFT_TX(int, tx_a);
    WEFT_RX(int, rx_a);
    WEFT_TX(int, tx_b);
    WEFT_RX(int, rx_b);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx_a, &rx_a, 1, .name = "a"));
    WEFT_TRY(weft_chan_open(&tx_b, &rx_b, 1, .name = "b"));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 3, consumer, WEFT_MOVE(rx_a)));
    WEFT_TRY(weft_spawn_n(&scope, 2, consumer, WEFT_MOVE(rx_b)));
    return weft_scope_wait(&scope);
}

WT_TEST(once_for_each_channel)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(several_channels, NULL), WEFT_EDEADLK);
    expect_traps(2);
    expect_word("channel \"a\"");
    expect_word("channel \"b\"");
}

WEFT_TASK(foreman, (rx, int, from))
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, weft_ref(from)));
    return weft_scope_wait(&scope);
}

WEFT_TASK(chief, (rx, int, from))
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, foreman, weft_ref(from)));
    return weft_scope_wait(&scope);
}

static int own_from_above(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, chief, WEFT_MOVE(rx)));
    for (uint64_t i = wt_random_below(10); i > 0; i--)
        WEFT_TRY(weft_pause());
    return weft_scope_wait(&scope);
}

WT_TEST(an_owner_further_above)
{
    wt_capture_reports();
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(weft_run(own_from_above, NULL), WEFT_EDEADLK);
    expect_traps(10);
}

static int keep_permit(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, place);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(weft_reserve(tx, &place));
    WEFT_DROP(tx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    return weft_scope_wait(&scope);
}

WT_TEST(a_permit_counts_as_a_sender)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(keep_permit, NULL), WEFT_EDEADLK);
    expect_traps(1);
    expect_word("permit");
}

/* A cancel may come while somebody looks at who waits. */
WEFT_TASK(cancel_soon, (weft_scope *, scope), (uint64_t, n_pauses))
{
    for (uint64_t i = n_pauses; i > 0; i--)
        WEFT_TRY(weft_pause());
    weft_scope_cancel(scope);
    return 0;
}

static int keep_for_a_moment(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    WEFT_TRY(weft_spawn(&scope, cancel_soon, &scope, wt_random_below(6)));
    return weft_scope_wait(&scope);
}

WT_TEST(an_owner_that_is_cancelled_meanwhile)
{
    wt_capture_reports();
    for (unsigned i = wt_scaled(300); i > 0; i--)
        ck_assert_int_eq(weft_run(keep_for_a_moment, NULL), 0);
    ck_assert_ptr_null(strstr(wt_reports(), "deadlock"));
}

/* ---- what is none ---------------------------------------------------------------------------- */

static int pipeline(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, *(size_t *)arg));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    WEFT_TRY(weft_spawn(&scope, producer, WEFT_MOVE(tx), 10));
    return weft_scope_wait(&scope);
}

static int pipeline_of_refs(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, *(size_t *)arg));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, weft_ref(rx)));
    WEFT_TRY(weft_spawn(&scope, producer, weft_ref(tx), 10));
    WEFT_DROP(tx);
    return weft_scope_wait(&scope);
}

WT_TEST(senders_on_their_way)
{
    wt_capture_reports();
    for (unsigned i = wt_scaled(500); i > 0; i--) {
        size_t capacity = wt_random_below(3);
        ck_assert_int_eq(weft_run(pipeline, &capacity), 0);
        ck_assert_int_eq(weft_run(pipeline_of_refs, &capacity), 0);
    }
    ck_assert_str_eq(wt_reports(), "");
}

/* The owner does not wait for its children yet, or no more. */
static int send_first(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    for (int i = 0; i < 5; i++)
        WEFT_TRY(weft_send(tx, i));
    WEFT_TRY(weft_sleep(WEFT_US(20)));
    WEFT_DROP(tx);
    return weft_scope_wait(&scope);
}

/* Left by an error: the children are cancelled, and need no sender to end. */
static int leave_early(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    if (wt_random_below(2) == 0)
        WEFT_TRY(weft_pause());
    return 4;
}

/* Values are there, or it has ended. */
static int leave_values(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    (void)arg;
    WEFT_TRY(weft_chan_open(&tx, &rx, 2));
    WEFT_TRY(weft_send(tx, 1));
    WEFT_TRY(weft_end(tx, 0));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
    return weft_scope_wait(&scope);
}

WT_TEST(owners_that_do_right)
{
    wt_capture_reports();
    for (unsigned i = wt_scaled(300); i > 0; i--) {
        ck_assert_int_eq(weft_run(send_first, NULL), 0);
        ck_assert_int_eq(weft_run(leave_early, NULL), 4);
        ck_assert_int_eq(weft_run(leave_values, NULL), 0);
    }
    ck_assert_str_eq(wt_reports(), "");
}

/* Behind a timer is a channel that nobody sends to but the time. */
WEFT_TASK(await_timer, (rx, int64_t, timer))
{
    int64_t at_ns;
    return weft_recv(timer, &at_ns) == 1 ? 0 : -EPROTO;
}

static int hand_a_timer_over(void *arg)
{
    WEFT_RX(int64_t, timer);
    (void)arg;
    WEFT_TRY(weft_after(WEFT_US(50), &timer));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, await_timer, WEFT_MOVE(timer)));
    return weft_scope_wait(&scope);
}

WT_TEST(a_timer_has_no_holder)
{
    wt_capture_reports();
    for (unsigned i = wt_scaled(50); i > 0; i--)
        ck_assert_int_eq(weft_run(hand_a_timer_over, NULL), 0);
    ck_assert_str_eq(wt_reports(), "");
}

/* A handle that was lent: a thread of the program's own uses it, whatever its owner does. */
struct loan {
    weft_tx(int) tx;
    atomic_bool may_send;
};

static bool may_send(void *arg) { return atomic_load(&((struct loan *)arg)->may_send); }

static void send_borrowed(void *arg)
{
    struct loan *loan = arg;
    wt_until(may_send, loan);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(weft_send(loan->tx, i), 0);
    ck_assert_int_eq(weft_end(loan->tx, 0), 0);
}

WEFT_TASK(allow, (atomic_bool *, may))
{
    atomic_store(may, true);
    return 0;
}

static int lend(void *arg)
{
    struct loan *loan = arg;
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&loan->tx, &rx, 8));
    wt_thread *thread = wt_thread_start(send_borrowed, loan);
    int rc;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, consumer, WEFT_MOVE(rx)));
        WEFT_TRY(weft_spawn(&scope, allow, &loan->may_send));
        rc = weft_scope_wait(&scope);
    }
    wt_thread_join(thread);
    WEFT_DROP(loan->tx);
    return rc;
}

WT_TEST(a_sender_that_is_lent)
{
    struct loan loan = { .may_send = false };
    wt_capture_reports();
    ck_assert_int_eq(weft_run(lend, &loan), 0);
    ck_assert_str_eq(wt_reports(), "");
}

WT_MAIN("api_trap")
