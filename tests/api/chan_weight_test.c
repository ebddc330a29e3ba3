/* SPDX-License-Identifier: MIT
 * Channels whose values are weighed: single calls, those who wait, and cancels among them. The codes
 * of all calls are the model's business (tests/model/chan_model_test.c). */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#define MUST(call) ck_assert_int_eq(call, 0)

static size_t weigh(const void *item) { return (size_t) * (const int *)item; }

#define OPEN(tx, rx, places, most) \
    MUST(weft_chan_open(tx, rx, places, .weigh = weigh, .max_weight = (most)))

WT_TEST(what_is_too_heavy_passes_alone)
{
    int value = 0;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    OPEN(&tx, &rx, 8, 10);
    MUST(weft_try_send(tx, 1000));
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 1000);
    MUST(weft_try_send(tx, 1));
    ck_assert_int_eq(weft_try_send(tx, 1000), WEFT_EAGAIN);
    MUST(weft_try_send(tx, 9));
    MUST(weft_try_send(tx, 0));
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN);
}

WT_TEST(places_count_as_well)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    OPEN(&tx, &rx, 2, 10);
    MUST(weft_try_send(tx, 1));
    MUST(weft_try_send(tx, 1));
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN);
}

WT_TEST(options_that_contradict_are_refused)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0, .weigh = weigh, .max_weight = 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1, .weigh = weigh), WEFT_EINVAL);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1, .max_weight = 1), WEFT_EINVAL);
    ck_assert_int_eq(
        weft_chan_open(&tx, &rx, 1, .weigh = weigh, .max_weight = 1, .overflow = WEFT_CONFLATE),
        WEFT_EINVAL);
    ck_assert_int_eq(
        weft_chan_open(&tx, &rx, 1, .weigh = weigh, .max_weight = 1, .overflow = WEFT_DROP_OLDEST),
        WEFT_EINVAL);
}

/* ---- those who wait ---------------------------------------------------------------------------- */

/* With one worker a task that says it begins has parked when another one runs. */
WEFT_TASK(send_one, (tx, int, tx), (int, value), (_Atomic int *, n_begun))
{
    ++*n_begun;
    return weft_send(tx, value);
}

WEFT_TASK(send_batch, (tx, int, tx), (_Atomic int *, n_begun))
{
    const int values[] = { 4, 4, 4, 30, 1 };
    ++*n_begun;
    int rc = weft_send_many(tx, values, 5);
    return rc == 5 ? 0 : WEFT_EINVAL;
}

WEFT_TASK(select_one, (tx, int, tx), (int, value), (_Atomic int *, n_begun))
{
    int rc = 0;
    ++*n_begun;
    int index = weft_select(&rc, weft_on_send(tx, &value));
    return index < 0 ? index : rc;
}

WEFT_TASK(commit_one, (tx, int, tx), (size_t, weight), (int, value), (_Atomic int *, n_begun))
{
    WEFT_PERMIT(int, place);
    ++*n_begun;
    WEFT_TRY(weft_reserve_weight(tx, weight, &place));
    return weft_commit(place, value);
}

static _Atomic int n_begun;

static int until_begun(int n)
{
    while (n_begun < n)
        WEFT_TRY(weft_pause());
    return 0;
}

static int expect(weft_rx(int) rx, int want)
{
    int value = 0;
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, want);
    return 0;
}

static void run_with_one_worker(int (*body)(void *))
{
    n_begun = 0;
    MUST(weft_configure(WEFT_CONFIG(.workers = 1)));
    MUST(weft_run(body, NULL));
}

static int light_and_heavy(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    OPEN(&tx, &rx, 8, 10);
    WEFT_SCOPE(scope);
    MUST(weft_send(tx, 5));
    MUST(weft_spawn(&scope, send_one, weft_ref(tx), 8, &n_begun));
    WEFT_TRY(until_begun(1));
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN); /* there is room, but not its turn */
    WEFT_TRY(expect(rx, 5));
    MUST(weft_try_send(tx, 2));
    WEFT_TRY(expect(rx, 8));
    WEFT_TRY(expect(rx, 2));
    return weft_scope_wait(&scope);
}

WT_TEST(a_light_one_does_not_pass_a_heavy_one) { run_with_one_worker(light_and_heavy); }

/* Each way of waiting gives up once. */
static int spawn_heavy(weft_scope *scope, int way, weft_tx(int) tx)
{
    if (way == 0)
        return weft_spawn(scope, send_one, weft_ref(tx), 8, &n_begun);
    return way == 1 ? weft_spawn(scope, select_one, weft_ref(tx), 8, &n_begun)
                    : weft_spawn(scope, commit_one, weft_ref(tx), SIZE_MAX, 8, &n_begun);
}

static int give_up(int way)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    OPEN(&tx, &rx, 8, 10);
    WEFT_SCOPE(light);
    WEFT_SCOPE(heavy);
    n_begun = 0;
    MUST(weft_send(tx, 5));
    MUST(spawn_heavy(&heavy, way, tx));
    WEFT_TRY(until_begun(1));
    MUST(weft_spawn(&light, select_one, weft_ref(tx), 2, &n_begun));
    MUST(weft_spawn(&light, commit_one, weft_ref(tx), 3, 3, &n_begun));
    WEFT_TRY(until_begun(3));
    weft_scope_cancel(&heavy);
    WEFT_TRY(weft_scope_wait(&heavy));
    WEFT_TRY(weft_scope_wait(&light)); /* though nothing was taken out */
    WEFT_TRY(expect(rx, 5));
    int first = 0, second = 0;
    ck_assert_int_eq(weft_try_recv(rx, &first), 1);
    ck_assert_int_eq(weft_try_recv(rx, &second), 1);
    ck_assert_int_eq(first + second, 5);
    return 0;
}

static int heavy_gives_up(void *arg)
{
    (void)arg;
    for (int way = 0; way < 3; way++)
        WEFT_TRY(give_up(way));
    return 0;
}

WT_TEST(who_gives_up_lets_in_those_behind_it) { run_with_one_worker(heavy_gives_up); }

static int batches(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    OPEN(&tx, &rx, 8, 10);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, send_batch, WEFT_MOVE(tx), &n_begun));
    WEFT_TRY(until_begun(1));
    for (int i = 0; i < 3; i++)
        WEFT_TRY(expect(rx, 4));
    WEFT_TRY(expect(rx, 30)); /* alone */
    int values[2] = { 0, 0 };
    ck_assert_int_eq(weft_recv_many(rx, values, 2), 1);
    ck_assert_int_eq(values[0], 1);
    return weft_scope_wait(&scope);
}

WT_TEST(a_batch_goes_in_by_weight) { run_with_one_worker(batches); }

static int permits(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, some);
    WEFT_PERMIT(int, all);
    OPEN(&tx, &rx, 8, 10);
    MUST(weft_reserve_weight(tx, 6, &some));
    ck_assert_int_eq(weft_try_send(tx, 5), WEFT_EAGAIN);
    MUST(weft_try_send(tx, 4));
    MUST(weft_commit(some, 3));
    MUST(weft_try_send(tx, 3));
    WEFT_TRY(expect(rx, 4));
    WEFT_TRY(expect(rx, 3));
    WEFT_TRY(expect(rx, 3));
    MUST(weft_reserve_weight(tx, 6, &some));
    ck_assert_int_eq(weft_commit(some, 7), WEFT_EMSGSIZE);
    MUST(weft_reserve(tx, &all));
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN);
    MUST(weft_commit(all, 100));
    return expect(rx, 100);
}

WT_TEST(a_permit_keeps_weight) { run_with_one_worker(permits); }

/* ---- many at once ------------------------------------------------------------------------------ */

enum { N_SENDERS = 4, N_EACH = 12 };

struct traffic {
    _Atomic int n_sent, n_received;
};

WEFT_TASK(send_some, (tx, int, tx), (struct traffic *, t), (int, seed))
{
    for (int i = 0; i < N_EACH; i++) {
        int value = (seed * 7 + i * 5) % 14, rc = 0;
        int index = i % 2 == 0 ? weft_select(&rc, weft_on_send(tx, &value)) : 0;
        if (i % 2 == 1)
            rc = weft_send(tx, value);
        WEFT_TRY(index);
        WEFT_TRY(rc);
        atomic_fetch_add(&t->n_sent, 1);
    }
    return 0;
}

WEFT_TASK(receive_some, (rx, int, rx), (struct traffic *, t))
{
    weft_each (value, rx)
        atomic_fetch_add(&t->n_received, 1);
    return weft_error(rx);
}

static int exchange(void *arg)
{
    struct traffic *t = arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    OPEN(&tx, &rx, 4, 10);
    WEFT_SCOPE(all);
    WEFT_SCOPE(cut_short, .supervisor = true);
    for (int i = 0; i < N_SENDERS; i++)
        WEFT_TRY(weft_spawn(i == 0 ? &cut_short : &all, send_some, weft_ref(tx), t, i));
    WEFT_TRY(weft_spawn_n(&all, 2, receive_some, WEFT_MOVE(rx), t));
    WEFT_DROP(tx);
    for (uint64_t i = wt_random_below(6); i > 0; i--)
        WEFT_TRY(weft_pause());
    weft_scope_cancel(&cut_short);
    WEFT_TRY(weft_scope_wait(&cut_short));
    return weft_scope_wait(&all);
}

/* wf_chan_check looks at the bound and at who waits, after each operation. */
WT_TEST(many_send_what_is_weighed_and_some_give_up)
{
    for (unsigned i = wt_scaled(wt_is_sim() ? 1 : 200); i > 0; i--) {
        struct traffic t = { 0 };
        MUST(weft_run(exchange, &t));
        ck_assert_int_eq(atomic_load(&t.n_sent), atomic_load(&t.n_received));
        ck_assert_int_ge(atomic_load(&t.n_sent), (N_SENDERS - 1) * N_EACH);
    }
}

WT_MAIN("chan_weight")
