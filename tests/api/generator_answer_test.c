/* SPDX-License-Identifier: MIT
 * Two-way generators: what an answer and a thrown code do, and when neither is heard. */
#include "generator_bodies.h"

#include <string.h>

/* ---- answers ----------------------------------------------------------------------------------- */

/* Yields the running mean of what it is sent; -EDOM begins anew, other codes end it. */
WEFT_GENERATOR(averager, weft_rx(double, int), (double, start))
{
    double sum = 0, mean = start;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 0;;) {
        int sample = -1;
        int rc = weft_yield_into(&sample, mean);
        if (rc == -EDOM) {
            sum = mean = 0, n = 0;
            continue;
        }
        if (rc < 0)
            return ended_with(rc);
        ck_assert_int_eq(sample == -1, rc == 0);
        if (rc > 0)
            mean = (sum += sample) / ++n;
    }
}

static int answers_main(void *arg)
{
    (void)arg;
    WEFT_RX(double, mean, int);
    double m = 0;
    WEFT_TRY(averager(7, &mean));
    ck_assert_int_eq(weft_recv(mean, &m), 1);
    ck_assert_double_eq(m, 7);
    ck_assert_int_eq(weft_resume(mean, &m, 10), 1);
    ck_assert_double_eq(m, 10);
    ck_assert_int_eq(weft_resume(mean, &m, 20), 1);
    ck_assert_double_eq(m, 15);
    ck_assert_int_eq(weft_error(mean), 0);
    return weft_close(mean);
}

WT_TEST(an_answer_is_what_the_yield_gives_back) { run(answers_main); }

static int plain_main(void *arg)
{
    (void)arg;
    WEFT_RX(double, mean, int);
    double m = 0;
    int n = 0, rc = 0;
    WEFT_TRY(averager(7, &mean));
    weft_each (item, mean) {
        ck_assert_double_eq(item, 7);
        if (++n == 3)
            break;
    }
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(mean, &m)), 0);
    ck_assert_int_eq(rc, 1);
    ck_assert_double_eq(m, 7);
    ck_assert_int_eq(weft_resume(mean, &m, 3), 1);
    ck_assert_double_eq(m, 3);
    return 0;
}

WT_TEST(a_plain_receive_is_no_answer) { run(plain_main); }

static int first_main(void *arg)
{
    (void)arg;
    WEFT_RX(double, mean, int);
    double m = 99;
    WEFT_TRY(averager(7, &mean));
    ck_assert_int_eq(weft_resume(mean, &m, 10), WEFT_ENOYIELD);
    ck_assert_int_eq(weft_error(mean), WEFT_ENOYIELD);
    ck_assert_double_eq(m, 99);
    ck_assert_int_eq(atomic_load(&n_begun), 0);
    ck_assert_int_eq(weft_recv(mean, &m), 1); /* as if nothing had been */
    ck_assert_int_eq(weft_resume(mean, &m, 10), 1);
    ck_assert_double_eq(m, 10);
    return 0;
}

WT_TEST(before_the_first_yield_there_is_nothing_to_answer) { run(first_main); }

WEFT_GENERATOR(two_items, weft_rx(int, int), (int, code))
{
    int answer;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 1; n <= 2; n++) {
        int rc = weft_yield_into(&answer, n);
        if (rc < 0)
            return ended_with(rc);
    }
    return ended_with(code);
}

static int end_main(void *arg)
{
    (void)arg;
    for (int code = 0; code >= -EIO; code -= EIO) {
        WEFT_RX(int, items, int);
        int item;
        WEFT_TRY(two_items(code, &items));
        ck_assert_int_eq(weft_recv(items, &item), 1);
        ck_assert_int_eq(weft_resume(items, &item, 5), 1);
        ck_assert_int_eq(item, 2);
        ck_assert_int_eq(weft_resume(items, &item, 5), code);
        for (int i = 0; i < 2; i++) {
            ck_assert_int_eq(weft_resume(items, &item, 5), 0);
            ck_assert_int_eq(weft_throw(items, &item, -EDOM), 0);
            ck_assert_int_eq(weft_recv(items, &item), 0);
        }
        ck_assert_int_eq(weft_close(items), 0);
        ck_assert_int_eq(weft_resume(items, &item, 5), WEFT_ECLOSED);
        ck_assert_int_eq(weft_throw(items, &item, -EDOM), WEFT_ECLOSED);
    }
    return 0;
}

WT_TEST(an_answer_may_be_the_last_and_after_the_end_is_none) { run(end_main); }

/* ---- codes that are thrown --------------------------------------------------------------------- */

static int throw_main(void *arg)
{
    (void)arg;
    WEFT_RX(double, mean, int);
    double m = 0;
    WEFT_TRY(averager(7, &mean));
    ck_assert_int_eq(weft_recv(mean, &m), 1);
    ck_assert_int_eq(weft_resume(mean, &m, 10), 1);
    ck_assert_int_eq(weft_throw(mean, &m, -EDOM), 1); /* handled: it yields again */
    ck_assert_double_eq(m, 0);
    ck_assert_int_eq(weft_resume(mean, &m, 4), 1);
    ck_assert_double_eq(m, 4);
    ck_assert_int_eq(weft_throw(mean, &m, -EIO), -EIO); /* not handled */
    ck_assert_int_eq(weft_error(mean), -EIO);
    ck_assert_int_eq(weft_recv(mean, &m), 0);
    return weft_close(mean);
}

WT_TEST(a_thrown_code_is_what_the_yield_returns)
{
    run(throw_main);
    ck_assert_int_eq(atomic_load(&last_code), -EIO);
}

static int throw_one_way_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(count_to(10, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_throw(numbers, &n, WEFT_EAGAIN), WEFT_EAGAIN);
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    return 0;
}

WT_TEST(one_without_answers_is_thrown_at_too) { run(throw_one_way_main); }

WEFT_GENERATOR(owns_sender, weft_rx(int, int), (tx, int, out))
{
    atomic_fetch_add(&n_begun, 1);
    return ended_with(!out);
}

static int throw_first_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, items, int);
    int item;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(owns_sender(WEFT_MOVE(tx), &items));
    ck_assert_int_eq(weft_throw(items, &item, -EIO), -EIO);
    ck_assert_int_eq(atomic_load(&n_begun), 0);
    ck_assert_int_eq(weft_recv(rx, &item), 0); /* its argument was dropped */
    ck_assert_int_eq(weft_recv(items, &item), 0);
    return weft_close(items);
}

WT_TEST(one_that_never_started_ends_with_the_code) { run(throw_first_main); }

static int refused_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, items, int);
    int item = 5;
    double wide = 0;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(two_items(0, &items));
    weft_receiver *raw = WEFT_RX_RAW_(items);
    ck_assert_int_eq(weft_recv(items, &item), 1);
    ck_assert_int_eq(weft_throw(items, &item, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_throw(items, &item, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_throw(items, &item, WEFT_ECLOSED), WEFT_EINVAL);
    ck_assert_int_eq(weft_throw(rx, &item, -EIO), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_receiver_resume(NULL, &item, sizeof item, &item, sizeof item),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_resume(raw, NULL, sizeof item, &item, sizeof item), WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_resume(raw, &item, sizeof item, NULL, sizeof item), WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_resume(raw, &wide, sizeof wide, &item, sizeof item),
                     WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_receiver_resume(raw, &item, sizeof item, &wide, sizeof wide),
                     WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_resume(items, &item, 1), 1); /* none of them was heard */
    ck_assert_int_eq(item, 2);
    return 0;
}

WT_TEST(mistakes_have_codes_and_change_nothing) { run(refused_main); }

/* ---- answers that own something ----------------------------------------------------------------- */

WEFT_GENERATOR(renewed, weft_rx(struct token *, struct token *), (bool, listens))
{
    struct token *answer = NULL;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 1;; n++) {
        int rc = listens ? weft_yield_into(&answer, token_new(n)) : weft_yield(token_new(n));
        if (rc < 0)
            return ended_with(rc);
        if (rc == 1)
            n = token_end(answer);
    }
}

static int owned_main(void *arg)
{
    (void)arg;
    for (int listens = 0; listens < 2; listens++) {
        WEFT_RX(struct token *, items, struct token *);
        struct token *item;
        WEFT_TRY(renewed_with(WEFT_OPTS(generator, .drop = token_drop, .drop_answer = token_drop),
                              listens, &items));
        ck_assert_int_eq(weft_resume(items, &item, token_new(0)), WEFT_ENOYIELD);
        ck_assert_int_eq(weft_recv(items, &item), 1);
        ck_assert_int_eq(token_end(item), 1);
        ck_assert_int_eq(weft_resume(items, &item, token_new(10)), 1);
        ck_assert_int_eq(token_end(item), listens ? 11 : 2);
        {
            WEFT_SCOPE(scope);
            weft_scope_cancel(&scope);
            ck_assert_int_eq(weft_resume(items, &item, token_new(20)), WEFT_ECANCELED);
        }
        ck_assert_int_eq(weft_throw(items, &item, -EIO), -EIO);
        ck_assert_int_eq(weft_resume(items, &item, token_new(30)), 0);
    }
    return 0;
}

WT_TEST(an_answer_is_ended_once_on_every_path) { run(owned_main); }

/* ---- a consumer that is cancelled ---------------------------------------------------------------- */

/* Takes its time with each answer. */
WEFT_GENERATOR(slow_echo, weft_rx(int, int), (int64_t, d_ns))
{
    int answer = 0;
    atomic_fetch_add(&n_begun, 1);
    for (;;) {
        int rc = weft_yield_into(&answer, answer);
        if (rc >= 0)
            rc = weft_sleep(d_ns);
        if (rc < 0)
            return ended_with(rc);
    }
}

static int resume_for(int64_t timeout_ns, weft_rx(int, int) items, int *item, int answer)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    return weft_resume(items, item, answer);
}

static int cancelled_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, items, int);
    int item = -1;
    WEFT_TRY(slow_echo(WEFT_MS(5), &items));
    ck_assert_int_eq(weft_recv(items, &item), 1);
    ck_assert_int_eq(resume_for(WEFT_US(1), items, &item, 1), WEFT_ECANCELED);
    int rc = weft_resume(items, &item, 2); /* the body has heard of 1, and is at work */
    ck_assert(rc == WEFT_EBUSY || (rc == 1 && item == 2));
    if (rc == WEFT_EBUSY) {
        ck_assert_int_eq(weft_throw(items, &item, -EIO), WEFT_EBUSY);
        ck_assert_int_eq(weft_recv(items, &item), 1);
        ck_assert_int_eq(item, 1);
    }
    ck_assert_int_eq(weft_resume(items, &item, 3), 1);
    ck_assert_int_eq(item, 3);
    return 0;
}

WT_TEST(the_item_of_a_cancelled_answer_is_for_the_next_receive) { run(cancelled_main); }

/* Behind its own deadline a body is not cancelled while it is in a yield, and its consumer never. */
WEFT_GENERATOR(in_a_hurry, weft_rx(int, int))
{
    int answer = 0, rc;
    atomic_fetch_add(&n_begun, 1);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(100));
        rc = weft_yield_into(&answer, 1);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(weft_sleep(WEFT_SEC(1000)), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    rc = weft_yield_into(&answer, answer);
    return ended_with(rc);
}

static int deadlines_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, items, int);
    int item;
    WEFT_TRY(in_a_hurry(&items));
    ck_assert_int_eq(weft_recv(items, &item), 1);
    ck_assert_int_eq(weft_sleep(WEFT_US(200)), 0); /* its deadline is not ours */
    ck_assert_int_eq(weft_checkpoint(), 0);
    ck_assert_int_eq(resume_for(WEFT_SEC(100), items, &item, 8), 1); /* nor ours its */
    ck_assert_int_eq(item, 8);
    return weft_close(items);
}

WT_TEST(deadlines_of_body_and_consumer_are_their_own) { run(deadlines_main); }

/* ---- close and others ---------------------------------------------------------------------------- */

static int close_main(void *arg)
{
    (void)arg;
    WEFT_RX(double, mean, int);
    double m;
    WEFT_TRY(averager(7, &mean));
    ck_assert_int_eq(weft_recv(mean, &m), 1);
    ck_assert_int_eq(weft_resume(mean, &m, 1), 1);
    ck_assert_int_eq(weft_close(mean), 0);
    ck_assert_int_eq(atomic_load(&last_code), WEFT_ECLOSED);
    return 0;
}

WT_TEST(a_close_is_no_answer) { run(close_main); }

typedef weft_rx(struct token *, struct token *) token_exchange;

WEFT_GENERATOR(never_answers, weft_rx(struct token *, struct token *), (atomic_bool *, is_asked))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = weft_yield(token_new(1));
    atomic_store(is_asked, true);
    if (rc == 0)
        rc = weft_sleep(WEFT_SEC(1000000));
    return ended_with(rc);
}

WEFT_TASK(ask_first, (token_exchange, items))
{
    struct token *item;
    ck_assert_int_eq(weft_resume(items, &item, token_new(5)), WEFT_ECANCELED);
    return 0;
}

static int busy_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items, struct token *);
    struct token *item, *answer = token_new(9);
    atomic_bool is_asked = false;
    WEFT_SCOPE(scope);
    WEFT_TRY(never_answers_with(WEFT_OPTS(generator, .drop = token_drop, .drop_answer = token_drop),
                                &is_asked, &items));
    ck_assert_int_eq(weft_recv(items, &item), 1);
    (void)token_end(item);
    WEFT_TRY(weft_spawn(&scope, ask_first, items));
    while (!atomic_load(&is_asked))
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(weft_resume(items, &item, token_new(6)), WEFT_EBUSY);
    ck_assert_int_eq(weft_throw(items, &item, -EIO), WEFT_EBUSY);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    token_exchange second = *weft_ref(items);
    ck_assert_int_eq(weft_resume(second, &item, answer), WEFT_EBUSY);
    ck_assert_int_eq(token_end(answer), 9); /* nobody knows how to drop it */
    WEFT_DROP(second);
    return 0;
}

WT_TEST(two_at_a_time_are_told_so) { run(busy_main); }

static void answer_on_thread(void *arg)
{
    (void)arg;
    weft_rx(double, int) mean = NULL;
    double m;
    ck_assert_int_eq(averager(0, &mean), 0);
    ck_assert_int_eq(weft_recv(mean, &m), 1);
    for (int i = 1; i <= 10; i++)
        ck_assert_int_eq(weft_resume(mean, &m, i), 1);
    ck_assert_double_eq(m, 5.5);
    ck_assert_int_eq(weft_throw(mean, &m, -EDOM), 1);
    WEFT_DROP(mean);
}

WT_TEST(a_plain_thread_answers)
{
    reset();
    wt_thread_join(wt_thread_start(answer_on_thread, NULL));
    ck_assert_int_eq(atomic_load(&n_ended), 1);
}

/* A body answers the one below it: the worker is lent on. */
WEFT_GENERATOR(passes_on, weft_rx(double, int))
{
    WEFT_RX(double, below, int);
    double mean;
    int sample, rc;
    atomic_fetch_add(&n_begun, 1);
    WEFT_TRY(averager(0, &below));
    rc = weft_recv(below, &mean);
    while (rc == 1) {
        rc = weft_yield_into(&sample, mean);
        if (rc >= 0)
            rc = rc == 1 ? weft_resume(below, &mean, sample) : weft_recv(below, &mean);
    }
    WEFT_DROP(below);
    return ended_with(rc);
}

static int nested_main(void *arg)
{
    (void)arg;
    WEFT_RX(double, mean, int);
    double m;
    WEFT_TRY(passes_on(&mean));
    ck_assert_int_eq(weft_recv(mean, &m), 1);
    for (int i = 1; i <= 50; i++)
        ck_assert_int_eq(weft_resume(mean, &m, i), 1);
    ck_assert_double_eq(m, 25.5);
    return 0;
}

WT_TEST(one_below_another) { run(nested_main); }

WT_MAIN("api_generator_answer")
