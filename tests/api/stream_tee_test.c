/* SPDX-License-Identifier: MIT
 * tee: several consumers, each of which gets every item. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

static const weft_tee_opts cloning = { .capacity = 2, .clone = token_clone };

WEFT_TASK(add_up, (rx, struct token *, rx), (int, n), (int *, sum), (int *, out_rc))
{
    struct token *token;
    int rc = 1;
    for (; n > 0 && (rc = weft_recv(rx, &token)) > 0; n--)
        *sum += token_end(token);
    *out_rc = rc;
    return 0;
}

/* The second leaves after two; the others get all, then the source's code. */
static int share(int code)
{
    int sums[3] = { 0 }, rcs[3] = { 0 };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct token *, c);
    WEFT_TRY(open_tokens(10, code, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), &cloning, &a, &b, &c));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(a), 99, &sums[0], &rcs[0]));
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(b), 2, &sums[1], &rcs[1]));
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(c), 99, &sums[2], &rcs[2]));
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(sums[0], 55);
    ck_assert_int_eq(sums[1], 3);
    ck_assert_int_eq(sums[2], 55);
    ck_assert_int_eq(rcs[0], code);
    ck_assert_int_eq(rcs[2], code);
    return 0;
}

static int share_to_the_end(void *arg)
{
    (void)arg;
    return share(0);
}

static int share_to_an_error(void *arg)
{
    (void)arg;
    return share(-EIO);
}

WT_TEST(each_gets_every_item_and_who_leaves_is_left_out) { run_tokens(share_to_the_end); }
WT_TEST(each_gets_the_error_after_the_items) { run_tokens(share_to_an_error); }

/* One takes nothing: the other gets what there is room for, and one that is in the task's hand. */
static int bounded(void *arg)
{
    (void)arg;
    struct token *token;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_tokens(100, 0, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), &cloning, &a, &b));
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(weft_recv(a, &token), 1);
        ck_assert_int_eq(token_end(token), i);
    }
    for (int i = 0; i < 20; i++)
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(weft_try_recv(a, &token), WEFT_EAGAIN);
    ck_assert_int_eq(weft_recv(b, &token), 1);
    ck_assert_int_eq(token_end(token), 1);
    ck_assert_int_eq(weft_recv(a, &token), 1);
    ck_assert_int_eq(token_end(token), 4);
    return 0;
}

WT_TEST(the_slowest_bounds_all) { run_tokens(bounded); }

static int lagging(void *arg)
{
    (void)arg;
    int sum = 0, want = 99;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, fast);
    WEFT_RX(struct token *, slow);
    WEFT_TRY(open_tokens(100, 0, &source));
    WEFT_TRY(
        weft_tee(WEFT_MOVE(source),
                 WEFT_OPTS(tee, .capacity = 2, .clone = token_clone, .overflow = WEFT_DROP_OLDEST),
                 &fast, &slow));
    weft_each (token, fast)
        sum += token_end(token);
    ck_assert_int_gt(sum, 0);
    weft_each (token, slow)
        ck_assert_int_eq(token_end(token), want++);
    ck_assert_int_eq(want, 101);
    return 0;
}

WT_TEST(one_that_lags_misses_items_where_that_was_chosen) { run_tokens(lagging); }

/* It gets what comes from then on; the first holds the task back until it is there. */
static int late(void *arg)
{
    int code = *(int *)arg, n = 0;
    struct token *token;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    WEFT_RX(struct token *, last);
    WEFT_TRY(open_tokens(20, code, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), &cloning, &first));
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(weft_recv(first, &token), 1);
        ck_assert_int_eq(token_end(token), i);
    }
    WEFT_TRY(weft_tee_join(first, &second));
    WEFT_SCOPE(scope);
    int sum = 0, rc = 1;
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(second), 99, &sum, &rc));
    weft_each (t, first)
        n = token_end(t);
    ck_assert_int_eq(n, 20);
    ck_assert_int_eq(weft_error(first), code);
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(rc, code);
    ck_assert_int_ge(sum, 210 - 6 * 7 / 2); /* three were given, two wait, one is in its hand */
    ck_assert_int_le(sum, 210 - 3 * 4 / 2);
    WEFT_TRY(weft_tee_join(first, &last));
    ck_assert_int_eq(weft_recv(last, &token), code);
    ck_assert_int_eq(weft_recv(last, &token), 0);
    return 0;
}

static int late_to_the_end(void *arg)
{
    (void)arg;
    return late(&(int){ 0 });
}

static int late_to_an_error(void *arg)
{
    (void)arg;
    return late(&(int){ -EIO });
}

WT_TEST(who_joins_later_gets_what_comes_from_then_on) { run_tokens(late_to_the_end); }
WT_TEST(who_joins_gets_the_error_too_and_after_the_end_alone) { run_tokens(late_to_an_error); }

/* The one it joined by leaves at once: the rest is its own. */
static int heir(void *arg)
{
    (void)arg;
    struct token *token;
    int n = 0;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), &cloning, &first));
    ck_assert_int_eq(weft_recv(first, &token), 1);
    (void)token_end(token);
    WEFT_TRY(weft_tee_join(first, &second));
    WEFT_TRY(weft_close(first));
    ck_assert_int_eq(weft_tee_join(first, &source), WEFT_ECLOSED);
    ck_assert_ptr_null(source);
    weft_each (t, second)
        n = token_end(t);
    ck_assert_int_eq(weft_error(second), 0);
    ck_assert_int_eq(n, 20);
    return 0;
}

WT_TEST(who_joined_may_outlive_all_others) { run_tokens(heir); }

static int no_joins(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, only);
    WEFT_RX(struct token *, more);
    WEFT_TRY(open_tokens(3, 0, &source));
    ck_assert_int_eq(weft_tee_join(source, &more), WEFT_ENOTSUP);
    WEFT_TRY(weft_tee(WEFT_MOVE(source), NULL, &only)); /* no clone: for one alone */
    ck_assert_int_eq(weft_tee_join(only, &more), WEFT_EINVAL);
    ck_assert_int_eq(weft_tee_join_open(NULL, sizeof(void *), NULL), WEFT_EINVAL);
    ck_assert_ptr_null(more);
    return 0;
}

WT_TEST(what_cannot_be_joined_says_so) { run_tokens(no_joins); }

static int refusals(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    ck_assert_int_eq(weft_tee(WEFT_MOVE(source), &cloning, &a, &b), WEFT_EINVAL);
    WEFT_TRY(open_tokens(3, 0, &source));
    ck_assert_int_eq(weft_tee(WEFT_MOVE(source), NULL, &a, &b), WEFT_EINVAL);
    ck_assert_ptr_null(source);
    WEFT_TRY(open_tokens(3, 0, &source));
    ck_assert_int_eq(weft_tee(WEFT_MOVE(source),
                              WEFT_OPTS(tee, .clone = token_clone, .overflow = WEFT_FAIL), &a, &b),
                     WEFT_EINVAL);
    ck_assert_ptr_null(a);
    return 0;
}

WT_TEST(what_makes_no_tee_is_refused) { run_tokens(refusals); }

static int no_copy(void *to, const void *from)
{
    return (*(struct token *const *)from)->n < 3 ? token_clone(to, from) : -ENOSPC;
}

static int clone_fails(void *arg)
{
    (void)arg;
    int sums[2] = { 0 }, rcs[2] = { 0 };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_tokens(10, 0, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), WEFT_OPTS(tee, .clone = no_copy), &a, &b));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(a), 99, &sums[0], &rcs[0]));
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(b), 99, &sums[1], &rcs[1]));
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(sums[0] + sums[1], 6);
    ck_assert_int_eq(rcs[0], -ENOSPC);
    ck_assert_int_eq(rcs[1], -ENOSPC);
    return 0;
}

WT_TEST(a_clone_that_fails_ends_all) { run_tokens(clone_fails); }

WT_MAIN("stream_tee")
