/* SPDX-License-Identifier: MIT
 * Tickers: never early, without drift, and what becomes of ticks that were missed. The simulator's
 * clock is exact; on a real one a test says only what holds however late it runs. */
#include "parties.h"
#include "wt_test.h"

#include <weft.h>

#define INTERVAL WEFT_MS(2)

static int64_t next_tick(weft_rx(int64_t) ticks)
{
    int64_t due_ns;
    ck_assert_int_eq(weft_recv(ticks, &due_ns), 1);
    ck_assert_int_ge(weft_now_ns(), due_ns);
    return due_ns;
}

static void expect_none_due(weft_rx(int64_t) ticks)
{
    int64_t due_ns = -1;
    if (wt_is_sim())
        ck_assert_int_eq(weft_try_recv(ticks, &due_ns), WEFT_EAGAIN);
}

/* ---- on time ---------------------------------------------------------------------------------- */

static int no_drift(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, ticks);
    int64_t begin_ns = weft_now_ns();
    WEFT_TRY(weft_ticker(INTERVAL, &ticks));
    expect_none_due(ticks);
    int64_t first_ns = next_tick(ticks);
    ck_assert_int_ge(first_ns, begin_ns + INTERVAL);
    for (int i = 1; i < 10; i++) {
        WEFT_TRY(weft_sleep((int64_t)wt_random_below(INTERVAL)));
        ck_assert_int_eq(next_tick(ticks), first_ns + i * INTERVAL);
    }
    return 0;
}

WT_TEST(ticks_are_never_early_and_do_not_drift) { in_both(no_drift); }

static int first_ticks(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, now);
    WEFT_RX(int64_t, soon);
    int64_t begin_ns = weft_now_ns(), due_ns = 0;
    WEFT_TRY(weft_ticker(INTERVAL, &now, .first_ns = -1));
    WEFT_TRY(weft_ticker(INTERVAL, &soon, .first_ns = WEFT_US(10)));
    ck_assert_int_eq(weft_try_recv(now, &due_ns), 1);
    ck_assert_int_ge(due_ns, begin_ns);
    ck_assert_int_eq(next_tick(now), due_ns + INTERVAL);
    due_ns = next_tick(soon);
    ck_assert_int_ge(due_ns, begin_ns + WEFT_US(10));
    ck_assert_int_lt(due_ns, begin_ns + (wt_is_sim() ? INTERVAL : WEFT_SEC(1000)));
    ck_assert_int_eq(next_tick(soon), due_ns + INTERVAL);
    return 0;
}

WT_TEST(the_first_tick_is_due_when_it_was_asked_for) { in_both(first_ticks); }

/* ---- missed ----------------------------------------------------------------------------------- */

/* Three and a half intervals after the first tick was due: what is due then, and next. */
static int64_t be_late(weft_rx(int64_t) ticks, int64_t *out_now_ns)
{
    int64_t first_ns = next_tick(ticks);
    ck_assert_int_eq(weft_sleep_until(first_ns + 3 * INTERVAL + INTERVAL / 2), 0);
    int64_t second_ns = next_tick(ticks);
    ck_assert_int_ge(second_ns, first_ns + INTERVAL);
    if (wt_is_sim()) /* else the first may have been received late itself */
        ck_assert_int_eq(second_ns, first_ns + INTERVAL);
    *out_now_ns = weft_now_ns();
    return first_ns;
}

static int burst(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, ticks);
    int64_t now_ns, due_ns = 0;
    WEFT_TRY(weft_ticker(INTERVAL, &ticks, .missed = WEFT_TICKS_BURST));
    int64_t first_ns = be_late(ticks, &now_ns);
    for (int i = 2; i < 4; i++) {
        ck_assert_int_eq(weft_try_recv(ticks, &due_ns), 1);
        ck_assert_int_eq(due_ns, first_ns + i * INTERVAL);
    }
    expect_none_due(ticks);
    ck_assert_int_eq(next_tick(ticks), first_ns + 4 * INTERVAL);
    return 0;
}

WT_TEST(missed_ticks_come_in_a_burst) { in_both(burst); }

static int delay(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, ticks);
    int64_t now_ns;
    WEFT_TRY(weft_ticker(INTERVAL, &ticks, .missed = WEFT_TICKS_DELAY));
    int64_t first_ns = be_late(ticks, &now_ns);
    expect_none_due(ticks);
    int64_t due_ns = next_tick(ticks);
    ck_assert_int_ge(due_ns, first_ns + 2 * INTERVAL);
    ck_assert_int_le(due_ns, now_ns + INTERVAL);
    if (wt_is_sim()) {
        ck_assert_int_ge(due_ns, first_ns + 4 * INTERVAL + INTERVAL / 2);
        ck_assert_int_eq(next_tick(ticks), due_ns + INTERVAL);
    }
    return 0;
}

WT_TEST(missed_ticks_delay_the_next) { in_both(delay); }

static int skip(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, ticks);
    int64_t now_ns;
    WEFT_TRY(weft_ticker(INTERVAL, &ticks, .missed = WEFT_TICKS_SKIP));
    int64_t first_ns = be_late(ticks, &now_ns);
    expect_none_due(ticks);
    int64_t due_ns = next_tick(ticks);
    ck_assert_int_eq((due_ns - first_ns) % INTERVAL, 0);
    ck_assert_int_ge(due_ns, first_ns + 4 * INTERVAL);
    ck_assert_int_le(due_ns, now_ns + INTERVAL);
    if (wt_is_sim())
        ck_assert_int_eq(due_ns, first_ns + 4 * INTERVAL);
    return 0;
}

WT_TEST(missed_ticks_are_skipped) { in_both(skip); }

/* ---- reset and stop --------------------------------------------------------------------------- */

static int no_stale_tick(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, ticks);
    int64_t due_ns = 0;
    int rc;
    WEFT_TRY(weft_ticker(INTERVAL, &ticks));
    WEFT_TRY(weft_sleep(3 * INTERVAL)); /* ticks are due that nobody has received */
    int64_t now_ns = weft_now_ns();
    WEFT_TRY(weft_ticker_reset(ticks, 2 * INTERVAL));
    expect_none_due(ticks);
    due_ns = next_tick(ticks);
    ck_assert_int_ge(due_ns, now_ns + 2 * INTERVAL);
    ck_assert_int_eq(next_tick(ticks), due_ns + 2 * INTERVAL);
    WEFT_TRY(weft_sleep(5 * INTERVAL));
    WEFT_TRY(weft_ticker_stop(ticks));
    ck_assert_int_eq(weft_recv(ticks, &due_ns), 0);
    ck_assert_int_eq(weft_try_recv(ticks, &due_ns), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(ticks, &due_ns)), 0);
    ck_assert_int_eq(rc, 0);
    now_ns = weft_now_ns();
    WEFT_TRY(weft_ticker_reset(ticks, INTERVAL));
    ck_assert_int_ge(next_tick(ticks), now_ns + INTERVAL);
    return 0;
}

WT_TEST(a_stopped_or_reset_ticker_gives_no_old_tick) { in_both(no_stale_tick); }

/* ---- as any receiver -------------------------------------------------------------------------- */

WEFT_MAP(to_intervals, int, out, int64_t, due_ns, (int64_t, begin_ns))
{
    *out = (int)((due_ns - begin_ns) / INTERVAL);
    return 0;
}

/* Two tickers and a combinator above one, in one select, without a task. */
static int in_a_select(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, fast);
    WEFT_RX(int64_t, slow);
    WEFT_RX(int64_t, source);
    WEFT_RX(int, mapped);
    int64_t due_ns = 0, begin_ns = weft_now_ns();
    int n_fast = 0, n_slow = 0, n_mapped = 0, rc, number, index;
    WEFT_TRY(weft_ticker(INTERVAL, &fast));
    WEFT_TRY(weft_ticker(3 * INTERVAL, &slow));
    WEFT_TRY(weft_ticker(INTERVAL, &source));
    WEFT_TRY(to_intervals_with(WEFT_OPTS(stream, .never_waits = true), WEFT_MOVE(source), begin_ns,
                               &mapped));
    while (n_slow < 3) {
        index = weft_select(&rc, weft_on_recv(fast, &due_ns), weft_on_recv(slow, &due_ns),
                            weft_on_recv(mapped, &number));
        ck_assert_int_eq(rc, 1);
        if (index == 2)
            ck_assert_int_ge(number, ++n_mapped);
        else
            ck_assert_int_ge(weft_now_ns(), due_ns);
        n_fast += index == 0;
        n_slow += index == 1;
    }
    if (wt_is_sim()) {
        ck_assert_int_ge(n_fast, 8);
        ck_assert_int_le(n_fast, 9);
        ck_assert_int_ge(n_mapped, 8);
        ck_assert_int_le(n_mapped, 9);
    }
    return 0;
}

WT_TEST(tickers_in_a_select) { in_both(in_a_select); }

static int cancelled(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, ticks);
    int64_t due_ns = -1;
    WEFT_TRY(weft_ticker(WEFT_SEC(1000000), &ticks));
    WEFT_SCOPE(scope, .timeout_ns = INTERVAL);
    ck_assert_int_eq(weft_recv(ticks, &due_ns), WEFT_ECANCELED);
    ck_assert_int_eq(due_ns, -1);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    return 0;
}

WT_TEST(waiting_for_a_tick_can_be_cancelled) { in_both(cancelled); }

WT_TEST(mistakes_with_tickers_are_codes)
{
    WEFT_RX(int64_t, ticks);
    WEFT_RX(int64_t, timer);
    weft_receiver *rx;
    int64_t due_ns;
    ck_assert_int_eq(weft_ticker(0, &ticks), WEFT_EINVAL);
    ck_assert_int_eq(weft_ticker(-1, &ticks), WEFT_EINVAL);
    ck_assert_int_eq(weft_ticker(1, &ticks, .missed = (enum weft_missed_ticks)3), WEFT_EINVAL);
    ck_assert_int_eq(weft_ticker_open(1, NULL, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_ticker_open(1, NULL, &rx), 0);
    weft_half_drop(&rx);
    ck_assert_int_eq(weft_ticker(INT64_MAX, &ticks), 0);
    ck_assert_int_eq(weft_try_recv(ticks, &due_ns), WEFT_EAGAIN);
    ck_assert_int_eq(weft_ticker_reset(ticks, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_stop_ticks(NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_after(1, &timer), 0);
    ck_assert_int_eq(weft_ticker_stop(timer), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_close(ticks), 0);
    ck_assert_int_eq(weft_ticker_reset(ticks, 1), WEFT_ECLOSED);
}

WT_MAIN("ticker")
