/* SPDX-License-Identifier: MIT
 * Select as its users see it: which case, with what result, and how fairly. */
#include "wt_test.h"

#include <weft.h>

struct pair {
    weft_tx(int) tx;
    weft_rx(int) rx;
};

static void open_pair(struct pair *pair, size_t capacity)
{
    *pair = (struct pair){ NULL, NULL };
    ck_assert_int_eq(weft_chan_open(&pair->tx, &pair->rx, capacity), 0);
}

static void drop_pair(struct pair *pair)
{
    WEFT_DROP(pair->tx);
    WEFT_DROP(pair->rx);
}

WT_TEST(the_case_that_is_ready_is_done)
{
    struct pair a, b;
    int in = 0, out = 3, rc = 99;
    open_pair(&a, 1);
    open_pair(&b, 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &in), weft_on_send(b.tx, &out)), 1);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(weft_send(a.tx, 4), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &in), weft_on_send(b.tx, &out)), 0);
    ck_assert_int_eq(rc, 1);
    ck_assert_int_eq(in, 4);
    ck_assert_int_eq(weft_recv(b.rx, &in), 1);
    ck_assert_int_eq(in, 3);
    ck_assert_int_eq(weft_try_recv(b.rx, &in), WEFT_EAGAIN);
    /* Nobody has to want to know how it went. */
    ck_assert_int_eq(weft_select(NULL, weft_on_recv(a.rx, &in), weft_on_send(b.tx, &out)), 1);
    drop_pair(&a);
    drop_pair(&b);
}

WT_TEST(disabled_cases_are_passed_over)
{
    struct pair a;
    weft_rx(int) no_rx = NULL;
    weft_tx(int) no_tx = NULL;
    int value = 1, rc = 99;
    enum { NO_RX, NO_TX = NO_RX + 2, REAL };
    open_pair(&a, 1);
    ck_assert_int_eq(
        weft_select(&rc, [NO_RX] = weft_on_recv(no_rx, &value),
                    [NO_TX] = weft_on_send(no_tx, &value), [REAL] = weft_on_send(a.tx, &value)),
        REAL);
    ck_assert_int_eq(
        weft_select(&rc, [NO_RX] = weft_on_recv(no_rx, &value), [REAL] = weft_on_nothing()), REAL);
    rc = 99;
    ck_assert_int_eq(
        weft_select(
            &rc, [NO_RX] = weft_on_recv(no_rx, &value), [NO_TX] = weft_on_send(no_tx, &value)),
        WEFT_EINVAL);
    ck_assert_int_eq(rc, 99);
    drop_pair(&a);
}

WT_TEST(a_closed_channel_is_ready)
{
    struct pair a, b, c;
    int value = 1, rc = 99;
    open_pair(&a, 1);
    open_pair(&b, 1);
    open_pair(&c, 1);
    ck_assert_int_eq(weft_end(a.tx, -5), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value), weft_on_recv(b.rx, &value)), 0);
    ck_assert_int_eq(rc, -5);
    ck_assert_int_eq(weft_error(a.rx), -5);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value), weft_on_recv(b.rx, &value)), 0);
    ck_assert_int_eq(rc, 0);
    WEFT_DROP(c.rx);
    ck_assert_int_eq(weft_select(&rc, weft_on_send(c.tx, &value), weft_on_recv(b.rx, &value)), 0);
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    /* A half that this holder has closed is ready too, for both. */
    ck_assert_int_eq(weft_close(a.tx), 0);
    ck_assert_int_eq(weft_close(a.rx), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_send(a.tx, &value)), 0);
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value)), 0);
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    drop_pair(&a);
    drop_pair(&b);
    drop_pair(&c);
}

WT_TEST(what_can_be_wrong_with_a_select)
{
    struct pair a;
    int value = 1, rc = 99;
    long wide = 1;
    open_pair(&a, 1);
    weft_case cases[3] = { weft_case_recv(WEFT_RX_RAW_(a.rx), &wide, sizeof wide) };
    ck_assert_int_eq(weft_select_from(cases, 1, &rc), WEFT_EMSGSIZE);
    cases[0] = weft_case_send(WEFT_TX_RAW_(a.tx), &wide, sizeof wide);
    ck_assert_int_eq(weft_select_from(cases, 1, &rc), WEFT_EMSGSIZE);
    /* All are looked at before any is done. */
    cases[1] = cases[0];
    cases[0] = weft_case_send(WEFT_TX_RAW_(a.tx), &value, sizeof value);
    ck_assert_int_eq(weft_select_from_ordered(cases, 2, &rc), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_try_recv(a.rx, &value), WEFT_EAGAIN);
    cases[0].value = NULL;
    ck_assert_int_eq(weft_select_from(cases, 1, &rc), WEFT_EINVAL);
    cases[0].kind = 99;
    ck_assert_int_eq(weft_select_from(cases, 1, &rc), WEFT_EINVAL);
    ck_assert_int_eq(weft_select_from(NULL, 1, &rc), WEFT_EINVAL);
    ck_assert_int_eq(weft_select_from(cases, 0, &rc), WEFT_EINVAL);
    ck_assert_int_eq(weft_select_from(cases, (size_t)1 << 20, &rc), WEFT_EOVERFLOW);
    ck_assert_int_eq(rc, 99);
    drop_pair(&a);
}

/* A fair one may be lucky and not come to it, but never does a case and reports another. */
WT_TEST(a_fair_select_reports_what_is_wrong_when_it_comes_to_it)
{
    struct pair a;
    int value = 1, rc, n_wrong = 0;
    long wide = 1;
    open_pair(&a, 1);
    weft_case cases[2] = { weft_case_send(WEFT_TX_RAW_(a.tx), &value, sizeof value),
                           weft_case_send(WEFT_TX_RAW_(a.tx), &wide, sizeof wide) };
    for (int i = 0; i < 100; i++) {
        rc = 99;
        int index = weft_select_from(cases, 2, &rc);
        n_wrong += index == WEFT_EMSGSIZE;
        ck_assert(index == 0 || index == WEFT_EMSGSIZE);
        ck_assert_int_eq(rc, index == 0 ? 0 : 99);
        ck_assert_int_eq(weft_try_recv(a.rx, &value), index == 0 ? 1 : WEFT_EAGAIN);
    }
    ck_assert_int_gt(n_wrong, 0);
    ck_assert_int_lt(n_wrong, 100);
    /* With nothing ready it comes to all of them. */
    ck_assert_int_eq(weft_send(a.tx, 1), 0);
    ck_assert_int_eq(weft_select_from(cases, 2, &rc), WEFT_EMSGSIZE);
    drop_pair(&a);
}

WT_TEST(a_select_passes_over_a_full_channel_that_fails)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 1, rc = 99;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1, .overflow = WEFT_FAIL), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_send(tx, &value), weft_on_nothing()), 1);
    ck_assert_int_eq(rc, 0);
}

/* ---- timers and the default ------------------------------------------------------------------ */

WT_TEST(a_timer_is_a_case_and_never_early)
{
    struct pair a;
    int value, rc = 99;
    open_pair(&a, 1);
    int64_t start_ns = weft_now_ns();
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value), weft_on_after(WEFT_SEC(1000)),
                                 weft_on_after(WEFT_MS(3))),
                     2);
    ck_assert_int_ge(weft_now_ns() - start_ns, WEFT_MS(3));
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value), weft_on_after(0)), 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value), weft_on_after(-5)), 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_after(WEFT_MS(1))), 0);
    drop_pair(&a);
}

WT_TEST(nothing_is_taken_only_when_nothing_is_ready)
{
    struct pair a, b;
    int value = 2, rc = 99;
    open_pair(&a, 1);
    open_pair(&b, 1);
    for (int i = 0; i < 50; i++) {
        ck_assert_int_eq(weft_select(&rc, weft_on_nothing(), weft_on_recv(a.rx, &value)), 0);
        ck_assert_int_eq(weft_send(a.tx, i), 0);
        ck_assert_int_eq(weft_select(&rc, weft_on_nothing(), weft_on_recv(a.rx, &value),
                                     weft_on_recv(b.rx, &value)),
                         1);
        ck_assert_int_eq(value, i);
    }
    ck_assert_int_eq(weft_select(&rc, weft_on_nothing()), 0);
    drop_pair(&a);
    drop_pair(&b);
}

/* One value is always in one of two channels: a thread moves it to and fro, filling the one before
 * it empties the other. A select that looked at them one after the other could miss it. */
struct mover {
    struct pair *a, *b;
    int n;
};

static void move_to_and_fro(void *arg)
{
    struct mover *mover = arg;
    int value, rc = 0;
    for (int i = 0; i < mover->n && rc == 0; i++) {
        struct pair *from = i % 2 == 0 ? mover->a : mover->b;
        struct pair *to = i % 2 == 0 ? mover->b : mover->a;
        rc = weft_send(to->tx, i);
        if (rc == 0 && weft_recv(from->rx, &value) != 1)
            rc = -1;
    }
    ck_assert_int_eq(rc, 0);
    (void)weft_end(mover->a->tx, 0);
}

WT_TEST(the_default_needs_one_instant_at_which_nothing_is_ready)
{
    struct pair a, b;
    open_pair(&a, 2);
    open_pair(&b, 2);
    ck_assert_int_eq(weft_send(a.tx, 0), 0);
    /* The observer puts back what it takes, the channels have room for that: never is neither
     * ready. It has references of its own. */
    weft_tx(int) back[2] = { *weft_ref(a.tx), *weft_ref(b.tx) };
    weft_rx(int) look[2] = { *weft_ref(a.rx), *weft_ref(b.rx) };
    struct mover mover = { &a, &b, (int)wt_scaled(2000) };
    wt_thread *thread = wt_thread_start(move_to_and_fro, &mover);
    for (;;) {
        int value, rc = 99;
        int index = weft_select(&rc, weft_on_recv(look[0], &value), weft_on_recv(look[1], &value),
                                weft_on_nothing());
        ck_assert_int_ne(index, 2);
        if (rc == 0 || weft_send(back[index], value) < 0)
            break;
    }
    wt_thread_join(thread);
    for (int i = 0; i < 2; i++) {
        WEFT_DROP(back[i]);
        WEFT_DROP(look[i]);
    }
    drop_pair(&a);
    drop_pair(&b);
}

WEFT_FILTER(any_number, int, item)
{
    (void)item;
    return true;
}

WEFT_TASK(wants_a_place, (tx, int, tx))
{
    WEFT_PERMIT(int, place);
    return weft_reserve(tx, &place);
}

/* Who is cancelled waits no more, and is still on the list. */
static int nothing_beside_a_cancelled_sender(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, kept);
    WEFT_PERMIT(int, place);
    int value, rc;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(any_number_with(WEFT_OPTS(stream, .never_waits = true), WEFT_MOVE(rx), &kept));
    WEFT_TRY(weft_reserve(tx, &place));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, wants_a_place, weft_ref(tx)));
    WEFT_TRY(weft_sleep(WEFT_US(10)));
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(kept, &value), weft_on_nothing()), 1);
    rc = weft_scope_wait(&scope);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    return 0;
}

WT_TEST(nothing_is_taken_beside_a_sender_that_was_cancelled)
{
    ck_assert_int_eq(weft_run(nothing_beside_a_cancelled_sender, NULL), 0);
}

/* ---- fairness -------------------------------------------------------------------------------- */

WT_TEST(ready_cases_are_chosen_fairly)
{
    enum { N_CASES = 5, ROUNDS = 10000 };
    wt_seeds_at_most(2);
    struct pair pairs[N_CASES];
    int n_chosen[N_CASES] = { 0 }, value, rc;
    weft_case cases[N_CASES + 1];
    for (int i = 0; i < N_CASES; i++) {
        open_pair(&pairs[i], 1);
        ck_assert_int_eq(weft_send(pairs[i].tx, i), 0);
        cases[i] = weft_on_recv(pairs[i].rx, &value);
    }
    /* One that is never ready must not tilt the choice among the others. */
    struct pair empty;
    open_pair(&empty, 1);
    cases[N_CASES] = weft_on_recv(empty.rx, &value);
    for (int i = 0; i < ROUNDS; i++) {
        int index = weft_select_from(cases, N_CASES + 1, &rc);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(value, index);
        n_chosen[index]++;
        ck_assert_int_eq(weft_send(pairs[index].tx, index), 0);
    }
    for (int i = 0; i < N_CASES; i++) {
        ck_assert_int_ge(n_chosen[i], ROUNDS / N_CASES * 9 / 10);
        ck_assert_int_le(n_chosen[i], ROUNDS / N_CASES * 11 / 10);
        drop_pair(&pairs[i]);
    }
    drop_pair(&empty);
}

/* Of many, few ready: what is remembered of them must not tilt the choice, nor hide another. */
enum { N_MANY = 64 };

static void open_many(struct pair *pairs, weft_case *cases, int *value)
{
    for (int i = 0; i < N_MANY; i++) {
        open_pair(&pairs[i], 1);
        cases[i] = weft_on_recv(pairs[i].rx, value);
    }
}

static void drop_many(struct pair *pairs)
{
    for (int i = 0; i < N_MANY; i++)
        drop_pair(&pairs[i]);
}

WT_TEST(few_of_many_are_chosen_fairly)
{
    enum { ROUNDS = 9000, N_READY = 3 };
    static const int ready[N_READY] = { 5, 6, 63 };
    wt_seeds_at_most(2);
    struct pair pairs[N_MANY];
    weft_case cases[N_MANY];
    int n_chosen[N_MANY] = { 0 }, value, rc;
    open_many(pairs, cases, &value);
    for (int i = 0; i < N_READY; i++)
        ck_assert_int_eq(weft_send(pairs[ready[i]].tx, ready[i]), 0);
    for (int i = 0; i < ROUNDS; i++) {
        int index = weft_select_from(cases, N_MANY, &rc);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(value, index);
        n_chosen[index]++;
        ck_assert_int_eq(weft_send(pairs[index].tx, index), 0);
    }
    for (int i = 0; i < N_READY; i++) {
        ck_assert_int_ge(n_chosen[ready[i]], ROUNDS / N_READY * 9 / 10);
        ck_assert_int_le(n_chosen[ready[i]], ROUNDS / N_READY * 11 / 10);
    }
    drop_many(pairs);
}

/* Each time another becomes ready: passed over in at most 8 calls, then it is one of two. */
WT_TEST(one_of_many_that_becomes_ready_is_found)
{
    enum { ROUNDS = 500 };
    wt_seeds_at_most(2);
    struct pair pairs[N_MANY];
    weft_case cases[N_MANY];
    int value, rc, n_calls = 0;
    open_many(pairs, cases, &value);
    ck_assert_int_eq(weft_send(pairs[0].tx, 0), 0);
    for (int i = 0; i < ROUNDS; i++) {
        int other = 1 + i % (N_MANY - 1), index;
        ck_assert_int_eq(weft_send(pairs[other].tx, other), 0);
        do {
            index = weft_select_from(cases, N_MANY, &rc);
            ck_assert_int_eq(value, index);
            n_calls++;
            ck_assert(index == 0 || index == other);
            if (index == 0)
                ck_assert_int_eq(weft_send(pairs[0].tx, 0), 0);
        } while (index != other);
    }
    ck_assert_int_le(n_calls, ROUNDS * 10);
    drop_many(pairs);
}

/* A set that was seen says nothing about another at the same place in the code. */
WT_TEST(what_was_seen_is_no_more_than_a_hint)
{
    wt_seeds_at_most(2);
    struct pair pairs[N_MANY];
    weft_case cases[N_MANY];
    int value, rc;
    open_many(pairs, cases, &value);
    for (int i = 0; i < 300; i++) {
        int at = i % 7 * 9;
        if (i % 3 == 0)
            cases[(at + 9) % N_MANY] = (weft_case){ .kind = WEFT_CASE_NONE };
        cases[at] = weft_on_recv(pairs[at].rx, &value);
        ck_assert_int_eq(weft_send(pairs[at].tx, at), 0);
        ck_assert_int_eq(weft_select_from(cases, N_MANY, &rc), at);
        ck_assert_int_eq(value, at);
    }
    drop_many(pairs);
}

WT_TEST(an_ordered_select_takes_the_first)
{
    struct pair a, b;
    int value, rc;
    open_pair(&a, 2);
    open_pair(&b, 2);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(weft_send(a.tx, 1), 0);
        ck_assert_int_eq(weft_try_send(b.tx, 2) == 0, i < 2);
        ck_assert_int_eq(
            weft_select_ordered(&rc, weft_on_recv(a.rx, &value), weft_on_recv(b.rx, &value)), 0);
        ck_assert_int_eq(value, 1);
    }
    ck_assert_int_eq(
        weft_select_ordered(&rc, weft_on_recv(a.rx, &value), weft_on_recv(b.rx, &value)), 1);
    drop_pair(&a);
    drop_pair(&b);
}

/* ---- one channel in several cases ------------------------------------------------------------ */

WT_TEST(a_select_over_both_ends_does_not_meet_itself)
{
    struct pair a;
    int in = 0, out = 5, rc;
    open_pair(&a, 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(
            weft_select(&rc, weft_on_recv(a.rx, &in), weft_on_send(a.tx, &out), weft_on_nothing()),
            2);
    ck_assert_int_eq(in, 0);
    /* With a place in between it may do both, one after the other. */
    drop_pair(&a);
    open_pair(&a, 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &in), weft_on_send(a.tx, &out)), 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &in), weft_on_send(a.tx, &out)), 0);
    ck_assert_int_eq(in, 5);
    drop_pair(&a);
}

/* ---- tasks and threads that select against each other ---------------------------------------- */

/* Receives from either until both have ended; the sum of what came. */
static int sum_of_both(weft_receiver *a, weft_receiver *b, long *out_sum)
{
    while (a != NULL || b != NULL) {
        int value, rc;
        weft_case cases[] = { weft_case_recv(a, &value, sizeof value),
                              weft_case_recv(b, &value, sizeof value) };
        int index = weft_select_from(cases, 2, &rc);
        if (index < 0)
            return index;
        if (rc == 1)
            *out_sum += value;
        else if (index == 0)
            a = NULL;
        else
            b = NULL;
    }
    return 0;
}

WEFT_TASK(sums, (rx, int, a), (rx, int, b), (long *, out_sum))
{
    return sum_of_both(WEFT_RX_RAW_(a), WEFT_RX_RAW_(b), out_sum);
}

/* Sends 1 to n, each to whichever takes it first. */
WEFT_TASK(spreads, (tx, int, a), (tx, int, b), (int, n))
{
    for (int i = 1; i <= n; i++) {
        int rc;
        int index = weft_select(&rc, weft_on_send(a, &i), weft_on_send(b, &i));
        if (index < 0 || rc < 0)
            return index < 0 ? index : rc;
    }
    return 0;
}

struct summing {
    weft_receiver *a, *b;
    long sum;
    int rc;
};

static void sum_in_thread(void *arg)
{
    struct summing *it = arg;
    it->rc = sum_of_both(it->a, it->b, &it->sum);
    weft_half_drop(&it->a);
    weft_half_drop(&it->b);
}

WT_TEST(selects_on_both_sides_lose_nothing)
{
    for (size_t capacity = 0; capacity < 3; capacity++) {
        int n = (int)wt_scaled(1000);
        struct pair a, b;
        long sums_of_tasks[2] = { 0 };
        struct summing summing = { NULL, NULL, 0, 99 };
        open_pair(&a, capacity);
        open_pair(&b, capacity);
        summing.a = weft_half_ref(WEFT_HALF_RAW_(a.rx), __FILE__, __LINE__);
        summing.b = weft_half_ref(WEFT_HALF_RAW_(b.rx), __FILE__, __LINE__);
        wt_thread *thread = wt_thread_start(sum_in_thread, &summing);
        {
            WEFT_SCOPE(scope);
            for (int i = 0; i < 3; i++)
                ck_assert_int_eq(weft_spawn(&scope, spreads, weft_ref(a.tx), weft_ref(b.tx), n), 0);
            for (int i = 0; i < 2; i++)
                ck_assert_int_eq(
                    weft_spawn(&scope, sums, weft_ref(b.rx), weft_ref(a.rx), &sums_of_tasks[i]), 0);
            drop_pair(&a);
            drop_pair(&b);
            ck_assert_int_eq(weft_scope_wait(&scope), 0);
        }
        wt_thread_join(thread);
        ck_assert_int_eq(summing.rc, 0);
        ck_assert_int_eq(summing.sum + sums_of_tasks[0] + sums_of_tasks[1], 3L * n * (n + 1) / 2);
    }
}

WT_TEST(a_cancelled_caller_selects_nothing_but_the_default)
{
    struct pair a;
    int value = 1, rc = 99;
    open_pair(&a, 1);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_select(&rc, weft_on_send(a.tx, &value)), WEFT_ECANCELED);
    ck_assert_int_eq(rc, 99);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(a.rx, &value), weft_on_nothing()), 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_send(a.tx, &value), weft_on_nothing()), 0);
    drop_pair(&a);
}

WT_MAIN("select")
