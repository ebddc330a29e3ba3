/* SPDX-License-Identifier: MIT
 * Combinators as their users see them: each item is consumed or dropped once, whatever happens. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

static void run(int (*main_task)(void *))
{
    tokens_begin();
    ck_assert_int_eq(weft_run(main_task, NULL), 0);
    tokens_check();
}

static _Atomic int n_pulled, n_source_ended;

WEFT_GENERATOR(tokens, weft_rx(struct token *), (int, last), (int, code))
{
    int rc = 0;
    for (int n = 1; n <= last && rc >= 0; n++) {
        atomic_store(&n_pulled, n);
        rc = weft_yield(token_new(n));
    }
    atomic_fetch_add(&n_source_ended, 1);
    return rc < 0 ? rc : code;
}

static int open_tokens(int last, int code, weft_rx(struct token *) * out_rx)
{
    atomic_store(&n_pulled, 0);
    atomic_store(&n_source_ended, 0);
    return tokens_with(WEFT_OPTS(generator, .drop = token_drop), last, code, out_rx);
}

/* ---- map -------------------------------------------------------------------------------------- */

WEFT_MAP(number_of, int, out, struct token *, token, (int, factor), (int, fail_at))
{
    int n = token_end(token);
    *out = n * factor;
    return n == fail_at ? -EDOM : 0;
}

static int map_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    int expected = 0, untouched = 7;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(number_of(WEFT_MOVE(source), 3, 0, &numbers));
    ck_assert_ptr_null((void *)(uintptr_t)source);
    weft_each (n, numbers)
        ck_assert_int_eq(n, expected += 3);
    ck_assert_int_eq(expected, 60);
    ck_assert_int_eq(weft_recv(numbers, &untouched), 0);
    ck_assert_int_eq(untouched, 7);
    return weft_error(numbers);
}

WT_TEST(map_changes_each_item) { run(map_main); }

static int map_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    int n = 0;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(number_of(WEFT_MOVE(source), 1, 3, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_recv(numbers, &n), -EDOM);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_error(numbers), -EDOM);
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(atomic_load(&n_source_ended), 1);
    return 0;
}

WT_TEST(an_error_of_a_step_ends_the_stream_once) { run(map_error_main); }

static int upstream_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    int n, sum = 0;
    WEFT_TRY(open_tokens(3, -EIO, &source));
    WEFT_TRY(number_of(WEFT_MOVE(source), 1, 0, &numbers));
    weft_each (m, numbers)
        sum += m;
    ck_assert_int_eq(sum, 6);
    ck_assert_int_eq(weft_error(numbers), -EIO);
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    return 0;
}

WT_TEST(an_error_of_the_source_passes_through) { run(upstream_error_main); }

/* ---- filter ------------------------------------------------------------------------------------- */

WEFT_FILTER(multiples, struct token *, token, (int, of), (int, fail_at))
{
    return token->n == fail_at ? -EDOM : token->n % of == 0;
}

static int filter_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, kept);
    int expected = 0;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(multiples(WEFT_MOVE(source), 4, 0, &kept));
    weft_each (token, kept)
        ck_assert_int_eq(token_end(token), expected += 4);
    ck_assert_int_eq(expected, 20);
    return weft_error(kept);
}

WT_TEST(filter_drops_what_it_does_not_keep) { run(filter_main); }

static int filter_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, kept);
    struct token *token;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(multiples(WEFT_MOVE(source), 4, 3, &kept));
    ck_assert_int_eq(weft_recv(kept, &token), -EDOM);
    ck_assert_int_eq(weft_recv(kept, &token), 0);
    return 0;
}

WT_TEST(a_filter_that_fails_drops_the_item) { run(filter_error_main); }

static _Atomic int n_own_drops;

static void own_drop(void *item)
{
    atomic_fetch_add(&n_own_drops, 1);
    token_drop(item);
}

static int own_drop_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, kept);
    atomic_store(&n_own_drops, 0);
    WEFT_TRY(open_tokens(9, 0, &source));
    WEFT_TRY(multiples_with(WEFT_OPTS(stream, .drop = own_drop), WEFT_MOVE(source), 3, 0, &kept));
    weft_each (token, kept)
        (void)token_end(token);
    ck_assert_int_eq(atomic_load(&n_own_drops), 6);
    return 0;
}

WT_TEST(a_filter_may_have_a_drop_of_its_own) { run(own_drop_main); }

/* ---- take ------------------------------------------------------------------------------------- */

static int take_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, three);
    struct token *token;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(weft_take(WEFT_MOVE(source), 3, &three));
    for (int n = 1; n <= 3; n++) {
        ck_assert_int_eq(atomic_load(&n_source_ended), 0);
        ck_assert_int_eq(weft_recv(three, &token), 1);
        ck_assert_int_eq(token_end(token), n);
    }
    ck_assert_int_eq(atomic_load(&n_source_ended), 1); /* right after the third */
    ck_assert_int_eq(atomic_load(&n_pulled), 3);       /* the fourth was not asked for */
    ck_assert_int_eq(weft_recv(three, &token), 0);
    ck_assert_int_eq(weft_recv(three, &token), 0);
    return 0;
}

WT_TEST(take_closes_its_source_right_after_the_last) { run(take_main); }

static int take_none_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, none);
    struct token *token;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(weft_take(WEFT_MOVE(source), 0, &none));
    ck_assert_int_eq(weft_recv(none, &token), 0);
    ck_assert_int_eq(atomic_load(&n_pulled), 0);
    return 0;
}

WT_TEST(taking_none_pulls_none) { run(take_none_main); }

static int take_more_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, many);
    int n = 0;
    WEFT_TRY(open_tokens(3, -EIO, &source));
    WEFT_TRY(weft_take(WEFT_MOVE(source), 10, &many));
    weft_each (token, many)
        n += token_end(token);
    ck_assert_int_eq(n, 6);
    ck_assert_int_eq(weft_error(many), -EIO);
    return 0;
}

WT_TEST(take_ends_with_its_source) { run(take_more_main); }

WEFT_GENERATOR(bad_teardown, weft_rx(int)) { return weft_yield(1) == WEFT_ECLOSED ? -EBADF : 0; }

static int take_close_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, source);
    WEFT_RX(int, one);
    int n;
    WEFT_TRY(bad_teardown(&source));
    WEFT_TRY(weft_take(WEFT_MOVE(source), 1, &one));
    ck_assert_int_eq(weft_recv(one, &n), 1);
    ck_assert_int_eq(weft_recv(one, &n), 0);
    ck_assert_int_eq(weft_close(one), -EBADF);
    ck_assert_int_eq(weft_close(one), 0);
    return 0;
}

WT_TEST(take_tells_the_error_of_the_teardown_at_its_close) { run(take_close_main); }

/* ---- select and try --------------------------------------------------------------------------- */

WEFT_MAP(doubled, int, out, int, in)
{
    *out = in * 2;
    return 0;
}

WEFT_FILTER(odd, int, n) { return n % 2; }

static int refused_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, twice);
    WEFT_RX(int, first);
    int n, rc;
    WEFT_TRY(weft_chan_open(&tx, &rx, 4));
    WEFT_TRY(doubled(WEFT_MOVE(rx), &twice));
    ck_assert_int_eq(weft_try_recv(twice, &n), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(twice, &n), weft_on_nothing()), WEFT_ENOTSUP);
    WEFT_TRY(weft_take(WEFT_MOVE(twice), 1, &first));
    ck_assert_int_eq(weft_try_recv(first, &n), WEFT_ENOTSUP);
    WEFT_TRY(weft_send(tx, 3));
    ck_assert_int_eq(weft_recv(first, &n), 1);
    ck_assert_int_eq(n, 6);
    ck_assert_int_eq(weft_send(tx, 3), WEFT_ECLOSED);
    return 0;
}

WT_TEST(a_step_that_may_wait_is_no_case_of_select) { run(refused_main); }

WEFT_TASK(send_numbers, (tx, int, out), (int, last))
{
    for (int n = 1; n <= last; n++) {
        WEFT_TRY(weft_send(out, n));
        if (n % 4 == 0)
            WEFT_TRY(weft_sleep(WEFT_US(50)));
    }
    return 0;
}

static int pulled_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, numbers);
    WEFT_RX(int, odds);
    WEFT_RX(int, twice);
    WEFT_RX(int, five);
    WEFT_SCOPE(scope);
    const weft_stream_opts pulled = { .never_waits = true };
    int n, rc, sum = 0;
    WEFT_TRY(weft_chan_open(&tx, &numbers, 2));
    WEFT_TRY(weft_spawn(&scope, send_numbers, WEFT_MOVE(tx), 100));
    WEFT_TRY(odd_with(&pulled, WEFT_MOVE(numbers), &odds));
    WEFT_TRY(doubled_with(&pulled, WEFT_MOVE(odds), &twice));
    WEFT_TRY(weft_take(WEFT_MOVE(twice), 5, &five));
    for (;;) {
        int i = weft_select(&rc, weft_on_recv(five, &n), weft_on_after(WEFT_SEC(1000)));
        ck_assert_int_eq(i, 0);
        if (rc <= 0)
            break;
        sum += n;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(sum, 2 * (1 + 3 + 5 + 7 + 9));
    return weft_scope_wait(&scope); /* its consumer left: not an error */
}

WT_TEST(select_pulls_through_steps_that_never_wait) { run(pulled_main); }

WEFT_TASK(sends_until, (tx, int, out), (atomic_bool *, is_enough))
{
    for (int n = 1; !atomic_load(is_enough); n = n % 1000 + 1)
        WEFT_TRY(weft_send(out, n));
    return 0;
}

WEFT_TASK(counts_many, (rx, int, in), (int *, out_n))
{
    weft_each (n, in)
        *out_n += n > 0;
    return weft_error(in);
}

/* A select over a combinator and an ordinary receiver take from one channel, until the first has had
 * its share, however unfair the system and the simulator are. One that starves does so for ever. */
static int share(size_t capacity)
{
    enum { WANTED = 20 };
    atomic_bool is_enough = false;
    WEFT_TX(int, tx);
    WEFT_RX(int, numbers);
    WEFT_RX(int, odds);
    WEFT_RX(int, twice);
    WEFT_SCOPE(scope);
    const weft_stream_opts pulled = { .never_waits = true };
    int n, rc = 1, n_others = 0, n_odd = 0;
    WEFT_TRY(weft_chan_open(&tx, &numbers, capacity));
    WEFT_TRY(weft_spawn(&scope, counts_many, weft_ref(numbers), &n_others));
    WEFT_TRY(odd_with(&pulled, WEFT_MOVE(numbers), &odds));
    WEFT_TRY(doubled_with(&pulled, WEFT_MOVE(odds), &twice));
    WEFT_TRY(weft_spawn(&scope, sends_until, WEFT_MOVE(tx), &is_enough));
    for (;;) {
        int i = weft_select(&rc, weft_on_recv(twice, &n), weft_on_after(WEFT_SEC(1000)));
        if (i != 0 || rc <= 0)
            break;
        ck_assert_int_eq(n % 4, 2);
        atomic_store(&is_enough, ++n_odd >= WANTED);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_ge(n_odd, WANTED);
    return weft_scope_wait(&scope);
}

static int share_main(void *arg)
{
    (void)arg;
    WEFT_TRY(share(0));
    WEFT_TRY(share(1));
    return share(8);
}

WT_TEST(a_select_over_a_combinator_has_its_turn) { run(share_main); }

WEFT_TASK(sends_token_and_number, (tx, struct token *, token_tx), (tx, int, numbers))
{
    struct token *token = token_new(5);
    int rc = weft_send(token_tx, token);
    if (rc < 0)
        token_end(token);
    return rc < 0 ? rc : weft_send(numbers, 1);
}

/* What a sender put there for a case that another one was faster than is not lost. */
WEFT_FILTER(any_token, struct token *, token) { return token != NULL; }

static int kept_main(void *arg)
{
    (void)arg;
    for (int is_received = 0; is_received < 2; is_received++) {
        WEFT_TX(struct token *, tx);
        WEFT_TX(int, other_tx);
        WEFT_RX(struct token *, source);
        WEFT_RX(int, other);
        WEFT_RX(struct token *, any);
        const weft_stream_opts pulled = { .never_waits = true };
        struct token *token = NULL;
        int rc, n;
        WEFT_TRY(weft_chan_open(&tx, &source, 0, .drop = token_drop));
        WEFT_TRY(weft_chan_open(&other_tx, &other, 1));
        WEFT_TRY(any_token_with(&pulled, WEFT_MOVE(source), &any));
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, sends_token_and_number, WEFT_MOVE(tx), WEFT_MOVE(other_tx)));
        /* Woken by the token, it finds the number as well, and that comes first. */
        ck_assert_int_eq(
            weft_select_ordered(&rc, weft_on_recv(other, &n), weft_on_recv(any, &token)), 0);
        if (is_received) {
            ck_assert_int_eq(weft_recv(any, &token), 1);
            ck_assert_int_eq(token_end(token), 5);
            ck_assert_int_eq(weft_recv(any, &token), 0);
        }
        WEFT_TRY(weft_scope_wait(&scope));
    }
    return 0;
}

WT_TEST(an_item_that_came_for_a_case_that_lost_is_kept_or_dropped)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 1)), 0);
    run(kept_main);
}

WEFT_GENERATOR(numbers_from_1, weft_rx(int))
{
    int rc = 0;
    for (int n = 1; rc >= 0; n++)
        rc = weft_yield(n);
    weft_shield shield;
    weft_shield_begin(&shield);
    ck_assert_int_eq(weft_sleep(WEFT_US(100)), 0);
    weft_shield_end(&shield);
    atomic_store(&n_source_ended, 1);
    return rc;
}

static int try_take_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, source);
    WEFT_RX(int, two);
    int n, rc, sum = 0;
    atomic_store(&n_source_ended, 0);
    WEFT_TRY(numbers_from_1(&source));
    WEFT_TRY(weft_take(WEFT_MOVE(source), 2, &two));
    do {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(two, &n)), 0);
        sum += rc == 1 ? n : 0;
    } while (rc == 1);
    ck_assert_int_eq(sum, 3);
    ck_assert_int_eq(weft_close(two), 0);
    ck_assert_int_eq(atomic_load(&n_source_ended), 1);
    return 0;
}

WT_TEST(select_over_take_over_a_generator) { run(try_take_main); }

/* ---- opening ------------------------------------------------------------------------------------ */

static int mistakes_main(void *arg)
{
    (void)arg;
    weft_receiver *out = NULL;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    WEFT_RX(int, none);
    ck_assert_int_eq(weft_take_open(NULL, sizeof(int), 3, NULL, &out), WEFT_EINVAL);
    ck_assert_int_eq(doubled(WEFT_MOVE(none), &numbers), WEFT_EINVAL);
    WEFT_TRY(open_tokens(3, 0, &source));
    ck_assert_int_eq(weft_take_open((weft_receiver *)weft_slot_take(&source), 1, 3, NULL, &out),
                     WEFT_EMSGSIZE);
    WEFT_TRY(open_tokens(3, 0, &source));
    ck_assert_int_eq(weft_map_open(NULL, NULL, (weft_receiver *)weft_slot_take(&source),
                                   sizeof(struct token *), sizeof(int), NULL, &out),
                     WEFT_EINVAL);
    WEFT_TRY(open_tokens(3, 0, &source));
    ck_assert_int_eq(weft_filter_open(NULL, NULL, (weft_receiver *)weft_slot_take(&source),
                                      sizeof(struct token *), NULL, &out),
                     WEFT_EINVAL);
    ck_assert_ptr_null(out);
    return 0;
}

WT_TEST(mistakes_have_codes_and_consume_the_source) { run(mistakes_main); }

/* A step with an argument that it owns: the sender is dropped with the stream, and not before. */
WEFT_MAP(tap, int, out, int, in, (tx, int, copies))
{
    *out = in;
    return weft_send(copies, in);
}

static int owned_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, copies);
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    WEFT_RX(int, tapped);
    int n, copy;
    WEFT_TRY(weft_chan_open(&tx, &copies, 8));
    WEFT_TRY(open_tokens(2, 0, &source));
    WEFT_TRY(number_of(WEFT_MOVE(source), 1, 0, &numbers));
    WEFT_TRY(tap(WEFT_MOVE(numbers), WEFT_MOVE(tx), &tapped));
    for (int i = 1; i <= 2; i++) {
        ck_assert_int_eq(weft_recv(tapped, &n), 1);
        ck_assert_int_eq(weft_recv(copies, &copy), 1);
        ck_assert_int_eq(copy, i);
    }
    ck_assert_int_eq(weft_recv(tapped, &n), 0);
    ck_assert_int_eq(weft_try_recv(copies, &copy), WEFT_EAGAIN);
    WEFT_DROP(tapped);
    ck_assert_int_eq(weft_try_recv(copies, &copy), 0);
    return 0;
}

WT_TEST(what_a_step_owns_is_dropped_with_the_stream) { run(owned_main); }

/* As of any receiver that was closed, and its step does not run without what it had. */
static int closed_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, copies);
    WEFT_TRY(weft_chan_open(&tx, &copies, 8));
    for (int i = 0; i < 3; i++) {
        WEFT_RX(int, numbers);
        WEFT_RX(int, tapped);
        WEFT_RX(int, out);
        int n;
        WEFT_TRY(weft_array(((const int[]){ 1, 2, 3 }), 3, &numbers));
        WEFT_TRY(tap(WEFT_MOVE(numbers), weft_ref(tx), &tapped));
        ck_assert_int_eq(weft_recv(tapped, &n), 1);
        ck_assert_int_eq(weft_close(tapped), 0);
        WEFT_TRY(i == 0   ? weft_take(WEFT_MOVE(tapped), 2, &out)
                 : i == 1 ? weft_distinct(WEFT_MOVE(tapped), &out)
                          : weft_chain(&out, WEFT_MOVE(tapped)));
        ck_assert_int_eq(weft_recv(out, &n), WEFT_ECLOSED);
    }
    return 0;
}

WT_TEST(what_is_opened_over_a_closed_stream_hears_of_that) { run(closed_main); }

static int closed_merge_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    WEFT_RX(int, merged);
    WEFT_RX(int, out);
    int n;
    WEFT_TRY(weft_array(((const int[]){ 1, 2, 3 }), 3, &numbers));
    WEFT_TRY(weft_merge(&merged, WEFT_MOVE(numbers)));
    ck_assert_int_eq(weft_recv(merged, &n), 1);
    ck_assert_int_eq(weft_close(merged), 0);
    WEFT_TRY(weft_take(WEFT_MOVE(merged), 2, &out));
    ck_assert_int_eq(weft_recv(out, &n), WEFT_ECLOSED);
    return 0;
}

WT_TEST(so_it_does_where_that_had_several_sources) { run(closed_merge_main); }

/* ---- without memory --------------------------------------------------------------------------- */

static int chain_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, some);
    WEFT_RX(struct token *, few);
    WEFT_RX(int, numbers);
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(multiples(WEFT_MOVE(source), 2, 0, &some));
    WEFT_TRY(weft_take(WEFT_MOVE(some), 3, &few));
    WEFT_TRY(number_of(WEFT_MOVE(few), 1, 0, &numbers));
    int sum = 0;
    weft_each (n, numbers)
        sum += n;
    WEFT_TRY(weft_error(numbers));
    ck_assert_int_eq(sum, 12);
    return 0;
}

static void chain_with_faults(void *arg)
{
    (void)arg;
    tokens_begin();
    wt_fault_on(WT_FAULT_ALL);
    int rc = weft_run(chain_main, NULL);
    wt_fault_off();
    ck_assert(rc == 0 || wt_fault_hit());
    tokens_check();
}

WT_TEST(a_pipeline_fails_cleanly) { (void)wt_fault_run(chain_with_faults, NULL); }

WT_MAIN("api_stream")
