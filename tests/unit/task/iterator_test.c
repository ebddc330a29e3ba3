/* SPDX-License-Identifier: MIT
 * Iterators: next in the consumer's task, close once and shielded, .never_waits kept to. */
#include "wt_test.h"

#include <weft.h>

struct counter {
    int n, last, fail_with;
    int *n_closed;
};

static int next_number(struct counter *c, int *out)
{
    *out = -1; /* reaches nobody unless 1 is returned */
    if (c->n == c->last)
        return c->fail_with;
    *out = ++c->n;
    return 1;
}

static int close_counter(struct counter *c)
{
    ck_assert_int_eq(weft_sleep(1), 0); /* shielded: it may wait in a cancelled scope */
    ++*c->n_closed;
    return c->fail_with == -EBADF ? -EBADF : 0;
}

WEFT_ITERATOR(count, int, struct counter, next_number, close_counter);
WEFT_ITERATOR(count_open_ended, int, struct counter, next_number);

static void in_task(int (*main_task)(void *)) { ck_assert_int_eq(weft_run(main_task, NULL), 0); }

static int to_the_end(void *arg)
{
    (void)arg;
    int n_closed = 0, n = 0;
    {
        WEFT_RX(int, numbers);
        WEFT_TRY(count((struct counter){ .last = 10, .n_closed = &n_closed }, &numbers));
        weft_each (i, numbers)
            ck_assert_int_eq(i, ++n);
        ck_assert_int_eq(weft_error(numbers), 0);
        int untouched = 77;
        ck_assert_int_eq(weft_recv(numbers, &untouched), 0);
        ck_assert_int_eq(untouched, 77);
        ck_assert_int_eq(n_closed, 0);
    }
    ck_assert_int_eq(n, 10);
    ck_assert_int_eq(n_closed, 1);
    return 0;
}

WT_TEST(it_gives_what_next_gives_in_a_task) { in_task(to_the_end); }
WT_TEST(it_gives_what_next_gives_in_a_thread) { ck_assert_int_eq(to_the_end(NULL), 0); }

static int fails(void *arg)
{
    (void)arg;
    int n_closed = 0, n = 5;
    WEFT_RX(int, numbers);
    WEFT_TRY(
        count((struct counter){ .last = 1, .fail_with = -EIO, .n_closed = &n_closed }, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_recv(numbers, &n), -EIO);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(weft_error(numbers), -EIO);
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(n_closed, 1);
    return 0;
}

WT_TEST(an_error_ends_it_once) { in_task(fails); }

static int close_fails(void *arg)
{
    (void)arg;
    int n_closed = 0;
    WEFT_RX(int, numbers);
    WEFT_TRY(count((struct counter){ .fail_with = -EBADF, .n_closed = &n_closed }, &numbers));
    WEFT_SCOPE(scope, .timeout_ns = -1);
    int n;
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    ck_assert_int_eq(weft_close(numbers), -EBADF);
    ck_assert_int_eq(n_closed, 1);
    return 0;
}

static int n_closed_without_state;

static int close_nothing(void *state)
{
    (void)state;
    n_closed_without_state++;
    return 0;
}

WT_TEST(close_runs_when_the_open_fails_without_a_state_too)
{
    weft_receiver *rx = NULL;
    n_closed_without_state = 0;
    ck_assert_int_eq(
        weft_iterator_open(WEFT_OPTS(iterator, .close = close_nothing), NULL, 0, 4, &rx),
        WEFT_EINVAL);
    ck_assert_int_eq(n_closed_without_state, 1);
    ck_assert_ptr_null(rx);
}

WT_TEST(close_runs_shielded_and_its_error_is_told) { in_task(close_fails); }

static int refused(void *arg)
{
    (void)arg;
    int n_closed = 0, n, rc;
    WEFT_RX(int, numbers);
    WEFT_TRY(count((struct counter){ .last = 3, .n_closed = &n_closed }, &numbers));
    ck_assert_int_eq(weft_try_recv(numbers, &n), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(numbers, &n), weft_on_nothing()), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(n, 1);
    return 0;
}

WT_TEST(one_that_may_wait_is_no_case_of_select) { in_task(refused); }

static int selected(void *arg)
{
    (void)arg;
    int n_closed = 0, n, rc, sum = 0;
    WEFT_RX(int, numbers);
    WEFT_RX(int64_t, never);
    int64_t at_ns;
    WEFT_TRY(weft_after(WEFT_SEC(1000), &never));
    WEFT_TRY(count_with(WEFT_OPTS(iterator, .never_waits = true),
                        (struct counter){ .last = 3, .n_closed = &n_closed }, &numbers));
    for (;;) {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(numbers, &n), weft_on_recv(never, &at_ns)),
                         0);
        if (rc == 0)
            break;
        sum += n;
    }
    ck_assert_int_eq(sum, 6);
    return 0;
}

WT_TEST(one_that_never_waits_is) { in_task(selected); }

static int next_waits(struct counter *c, int *out)
{
    (void)c;
    *out = 1;
    return WEFT_TRY(weft_sleep(WEFT_MS(1))) == 0;
}

WEFT_ITERATOR(waits, int, struct counter, next_waits);

static int break_promise(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(waits_with(WEFT_OPTS(iterator, .never_waits = true, .name = "liar"),
                        (struct counter){ 0 }, &numbers));
    return weft_recv(numbers, &n);
}

static void run_liar(void *arg)
{
    (void)arg;
    (void)weft_run(break_promise, NULL);
}

WT_TEST(a_broken_promise_is_fatal_by_name)
{
    if (wt_is_sim())
        wt_skip("a death test");
    wt_expect_abort(run_liar, NULL, "\"liar\" was opened with .never_waits, and waits");
}

static int waits_in_cancelled(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(waits((struct counter){ 0 }, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    }
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    return 0;
}

WT_TEST(a_cancelled_receive_is_not_the_end) { in_task(waits_in_cancelled); }

static void open_badly(void *arg)
{
    int *n_closed = arg;
    struct counter state = { .last = 1, .n_closed = n_closed };
    weft_receiver *rx = NULL;
    const weft_iterator_opts no_next = { .close = (int (*)(void *))(void *)close_counter };
    ck_assert_int_eq(weft_iterator_open(&no_next, &state, sizeof state, sizeof(int), &rx),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_iterator_open(NULL, &state, sizeof state, sizeof(int), &rx), WEFT_EINVAL);
    const weft_iterator_opts whole = {
        .next = (int (*)(void *, void *))(void *)next_number,
        .close = no_next.close,
    };
    ck_assert_int_eq(weft_iterator_open(&whole, NULL, sizeof state, sizeof(int), &rx), WEFT_EINVAL);
    ck_assert_ptr_null(rx);
}

WT_TEST(the_state_is_closed_when_the_open_fails)
{
    int n_closed = 0;
    open_badly(&n_closed);
    ck_assert_int_eq(n_closed, 1);
}

static void open_with_faults(void *arg)
{
    (void)arg;
    int n_closed = 0;
    weft_rx(int) numbers = NULL;
    wt_fault_on(WT_FAULT_MEMORY);
    int rc = count((struct counter){ .last = 1, .n_closed = &n_closed }, &numbers);
    wt_fault_off();
    ck_assert(rc == 0 || (rc == WEFT_ENOMEM && wt_fault_hit()));
    WEFT_DROP(numbers);
    ck_assert_int_eq(n_closed, 1);
}

WT_TEST(it_fails_cleanly_without_memory) { (void)wt_fault_run(open_with_faults, NULL); }

static int without_close(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(count_open_ended((struct counter){ .last = 2 }, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    int many[4];
    ck_assert_int_eq(weft_recv_many(numbers, many, 4), 1);
    ck_assert_int_eq(many[0], 2);
    return 0;
}

WT_TEST(close_may_be_left_out) { in_task(without_close); }

WT_MAIN("task_iterator")
