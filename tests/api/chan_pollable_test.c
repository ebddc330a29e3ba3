/* SPDX-License-Identifier: MIT
 * Pollable receivers: the descriptor is readable while a receive would not wait, whatever the source
 * is, and no edge is lost. */
#include "parties.h"
#include "token.h"
#include "wt_test.h"

#include <poll.h>
#include <weft.h>

static bool is_readable(int fd)
{
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    return poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;
}

static bool is_readable_at(void *arg) { return is_readable(*(int *)arg); }

/* What an event loop does until something is there. */
static void await_readable(int fd)
{
    if (wt_is_sim()) {
        wt_until(is_readable_at, &fd);
        return;
    }
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    ck_assert_int_eq(poll(&entry, 1, -1), 1);
}

/* ---- the level -------------------------------------------------------------------------------- */

static int level(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, polled);
    int fd = -1, value = 0;
    WEFT_TRY(weft_chan_open(&tx, &rx, 4));
    WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &polled, &fd));
    ck_assert(rx == NULL);
    for (int round = 0; round < 3; round++) {
        ck_assert(!is_readable(fd));
        for (int i = 0; i < 3; i++)
            WEFT_TRY(weft_send(tx, i));
        for (int i = 0; i < 3; i++) {
            ck_assert(is_readable(fd));
            ck_assert_int_eq(weft_try_recv(polled, &value), 1);
            ck_assert_int_eq(value, i);
        }
        ck_assert(!is_readable(fd));
        ck_assert_int_eq(weft_try_recv(polled, &value), WEFT_EAGAIN);
        ck_assert(!is_readable(fd));
    }
    WEFT_TRY(weft_send(tx, 7));
    ck_assert_int_eq(weft_end(tx, -EIO), 0);
    ck_assert_int_eq(weft_recv(polled, &value), 1);
    ck_assert(is_readable(fd));
    ck_assert_int_eq(weft_recv(polled, &value), -EIO);
    for (int i = 0; i < 3; i++) {
        ck_assert(is_readable(fd));
        ck_assert_int_eq(weft_try_recv(polled, &value), 0);
    }
    return 0;
}

WT_TEST(it_is_readable_exactly_while_there_is_an_item_an_error_or_the_end) { in_both(level); }

static int what_is_there_already(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, polled);
    int fd = -1, value = 0;
    WEFT_TRY(weft_chan_open(&tx, &rx, 4));
    WEFT_TRY(weft_send(tx, 1));
    WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &polled, &fd));
    ck_assert(is_readable(fd));
    ck_assert_int_eq(weft_try_recv(polled, &value), 1);
    ck_assert(!is_readable(fd));
    WEFT_DROP(polled);
    ck_assert(!is_readable(fd)); /* closed */
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    return 0;
}

WT_TEST(what_was_there_before_is_told_and_a_drop_closes) { in_both(what_is_there_already); }

/* ---- no edge is lost -------------------------------------------------------------------------- */

enum { MAX_SENDERS = 3 };

struct feed {
    weft_tx(struct token *) tx[MAX_SENDERS];
    int n_each;
};

static int feed_tokens(void *arg, unsigned index)
{
    struct feed *feed = arg;
    for (int i = 0; i < feed->n_each; i++) {
        struct token *token = token_new(i);
        int rc = weft_send(feed->tx[index], token);
        if (rc < 0)
            (void)token_end(token);
        if (rc < 0 && rc != WEFT_ECLOSED)
            return rc;
    }
    WEFT_DROP(feed->tx[index]);
    return 0;
}

struct loop {
    weft_rx(struct token *) polled;
    int fd, n_left; /* n_left: leaves after so many */
    int n, rc;
};

/* One receive each time it is readable. */
static void run_loop(void *arg)
{
    struct loop *loop = arg;
    struct token *token;
    loop->rc = WEFT_EAGAIN;
    while ((loop->rc > 0 || loop->rc == WEFT_EAGAIN) && loop->n < loop->n_left) {
        await_readable(loop->fd);
        loop->rc = weft_try_recv(loop->polled, &token);
        if (loop->rc > 0) {
            (void)token_end(token);
            loop->n++;
        }
    }
    WEFT_DROP(loop->polled);
}

/* Whatever feeds it: senders in tasks and threads, the loop in a thread of its own. */
static int feed_loop(weft_rx(struct token *) * source, struct feed *feed, unsigned n_tasks,
                     unsigned n_threads, int n_left)
{
    struct loop loop = { .n_left = n_left };
    ck_assert_int_eq(weft_pollable(source, &loop.polled, &loop.fd), 0);
    wt_thread *thread = wt_thread_start(run_loop, &loop);
    run_parties(n_tasks, n_threads, feed_tokens, feed);
    wt_thread_join(thread);
    if (loop.n < n_left)
        ck_assert_int_eq(loop.rc, 0);
    tokens_check();
    return loop.n;
}

static void feed_through(size_t capacity, unsigned n_tasks, unsigned n_threads, int n_left)
{
    struct feed feed = { .n_each = wt_is_sim() ? 6 : (int)wt_scaled(300) };
    WEFT_RX(struct token *, rx);
    int n_all = feed.n_each * (int)(n_tasks + n_threads);
    tokens_begin();
    ck_assert_int_eq(weft_chan_open(&feed.tx[0], &rx, capacity, .drop = token_drop), 0);
    for (unsigned i = 1; i < n_tasks + n_threads; i++)
        feed.tx[i] = *weft_ref(feed.tx[0]);
    int n = feed_loop(WEFT_MOVE(rx), &feed, n_tasks, n_threads, n_left < 0 ? INT32_MAX : n_left);
    ck_assert_int_eq(n, n_left < 0 ? n_all : n_left);
}

WT_TEST(a_loop_gets_all_from_tasks_and_threads) { feed_through(3, 1, 2, -1); }
WT_TEST(a_loop_gets_all_through_a_rendezvous) { feed_through(0, 2, 1, -1); }
WT_TEST(a_loop_gets_all_from_a_thread) { feed_through(1, 0, 1, -1); }
WT_TEST(a_loop_that_leaves_in_the_middle_loses_nothing) { feed_through(2, 1, 1, 4); }
WT_TEST(a_loop_that_leaves_at_once_loses_nothing) { feed_through(2, 1, 2, 0); }

static int token_clone(void *copy, const void *item)
{
    *(struct token **)copy = token_new((*(struct token *const *)item)->n);
    return 0;
}

WT_TEST(a_loop_hears_of_a_watch)
{
    struct feed feed = { .n_each = wt_is_sim() ? 6 : (int)wt_scaled(300) };
    WEFT_RX(struct token *, rx);
    tokens_begin();
    ck_assert_int_eq(weft_watch_open(&feed.tx[0], &rx, .drop = token_drop, .clone = token_clone),
                     0);
    int n = feed_loop(WEFT_MOVE(rx), &feed, 0, 1, INT32_MAX);
    ck_assert_int_ge(n, 1);
    ck_assert_int_le(n, feed.n_each);
}

/* ---- whatever the source is ------------------------------------------------------------------- */

static void expect_and_end(weft_rx(int) * source, int n)
{
    WEFT_RX(int, polled);
    int fd, value, rc = WEFT_EAGAIN;
    ck_assert_int_eq(weft_pollable(source, &polled, &fd), 0);
    for (int i = 0; i < n;) {
        await_readable(fd);
        rc = weft_try_recv(polled, &value);
        if (rc != WEFT_EAGAIN) {
            ck_assert_int_eq(rc, 1);
            ck_assert_int_eq(value, i++);
        }
    }
    do {
        await_readable(fd);
        rc = weft_try_recv(polled, &value);
    } while (rc == WEFT_EAGAIN);
    ck_assert_int_eq(rc, 0);
    ck_assert(is_readable(fd));
}

WEFT_GENERATOR(count_to, weft_rx(int), (int, n))
{
    for (int i = 0; i < n; i++) {
        if (i % 2 == 1)
            WEFT_TRY(weft_sleep(WEFT_US(10)));
        WEFT_TRY(weft_yield(i));
    }
    return 0;
}

WEFT_MAP(half_of, int, out, int, in)
{
    *out = in / 2;
    return 0;
}
WEFT_FILTER(even, int, item) { return item % 2 == 0; }

/* It may wait, for all that weft knows. */
static int numbers_next(int *state, int *out)
{
    *out = ++*state;
    return 1;
}
WEFT_ITERATOR(next_numbers, int, int, numbers_next);

static weft_rx(int) broadcast_of(int n)
{
    WEFT_TX(int, tx);
    weft_rx(int) rx = NULL;
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 8), 0);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(weft_send(tx, i), 0);
    return rx;
}

/* The loop's thread is no task's: the sources work meanwhile. */
WT_TEST(a_loop_over_every_kind_of_source)
{
    const weft_stream_opts *at_once = WEFT_OPTS(stream, .never_waits = true);
    WEFT_RX(int, source);
    WEFT_RX(int, kept);
    WEFT_RX(int, mapped);
    ck_assert_int_eq(count_to(5, &source), 0);
    expect_and_end(&source, 5);
    ck_assert_int_eq(count_to(9, &source), 0);
    ck_assert_int_eq(even_with(at_once, WEFT_MOVE(source), &kept), 0);
    ck_assert_int_eq(half_of_with(at_once, WEFT_MOVE(kept), &mapped), 0);
    expect_and_end(&mapped, 5);
    ck_assert_int_eq(next_numbers(-1, &source), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(source), 2, &kept), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(kept), 6, &mapped), 0);
    expect_and_end(&mapped, 6);
    source = broadcast_of(8);
    expect_and_end(&source, 8);
    source = broadcast_of(8);
    ck_assert_int_eq(weft_take(WEFT_MOVE(source), 3, &kept), 0);
    expect_and_end(&kept, 3);
}

WT_TEST(a_loop_too_slow_for_a_broadcast_is_told_how_many_it_missed)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, polled);
    int fd, value = 0;
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(rx), &polled, &fd), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(weft_send(tx, i), 0);
    ck_assert(is_readable(fd));
    ck_assert_int_eq(weft_try_recv(polled, &value), WEFT_ELAGGED);
    ck_assert_uint_eq(weft_missed(polled), 3);
    for (int i = 3; i < 5; i++) {
        ck_assert(is_readable(fd));
        ck_assert_int_eq(weft_try_recv(polled, &value), 1);
        ck_assert_int_eq(value, i);
    }
    ck_assert(!is_readable(fd));
}

static void complete_late(void *arg)
{
    weft_completion(int) done = weft_completion_of(int, arg);
    ck_assert_int_eq(weft_complete(done, 0), 0);
}

WT_TEST(a_loop_over_a_completion)
{
    WEFT_COMPLETION(int, done);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_completion_open(&done, &rx), 0);
    wt_thread *thread = wt_thread_start(complete_late, weft_completion_arg(done));
    expect_and_end(&rx, 1);
    wt_thread_join(thread);
}

/* It takes the item before its sender has told of it, and with that the source lets the channel go. */
static void send_one_and_go(void *arg)
{
    weft_tx(int) *tx = arg;
    ck_assert_int_eq(weft_send(*tx, 1), 0);
    WEFT_DROP(*tx);
}

WT_TEST(a_source_may_let_its_channel_go_before_it_is_told_of)
{
    for (unsigned i = 0; i < wt_scaled(200); i++) {
        weft_tx(int) tx;
        WEFT_RX(int, rx);
        WEFT_RX(int, first);
        WEFT_RX(int, polled);
        int fd, value = 0, rc;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
        ck_assert_int_eq(weft_take(WEFT_MOVE(rx), 1, &first), 0);
        ck_assert_int_eq(weft_pollable(WEFT_MOVE(first), &polled, &fd), 0);
        wt_thread *thread = wt_thread_start(send_one_and_go, &tx);
        while ((rc = weft_try_recv(polled, &value)) == WEFT_EAGAIN)
            ;
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(weft_try_recv(polled, &value), 0);
        wt_thread_join(thread);
    }
}

WEFT_TASK(wants_a_place, (tx, int, tx))
{
    WEFT_PERMIT(int, place);
    return weft_reserve(tx, &place);
}

/* Who is cancelled waits no more, and is still on the list. */
static int beside_a_cancelled_sender(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, polled);
    WEFT_PERMIT(int, place);
    int fd, value;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(weft_reserve(tx, &place));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, wants_a_place, weft_ref(tx)));
    WEFT_TRY(weft_sleep(WEFT_US(10)));
    weft_scope_cancel(&scope);
    WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &polled, &fd));
    ck_assert(!is_readable(fd));
    ck_assert_int_eq(weft_try_recv(polled, &value), WEFT_EAGAIN);
    ignored(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(it_waits_beside_a_sender_that_was_cancelled) { in_both(beside_a_cancelled_sender); }

/* ---- besides the loop ------------------------------------------------------------------------- */

WEFT_TASK(send_some, (tx, int, tx), (int, n))
{
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_sleep(WEFT_US(10)));
        WEFT_TRY(weft_send(tx, i));
    }
    return 0;
}

static int received_otherwise(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, polled);
    int fd, value, rc;
    WEFT_TRY(weft_chan_open(&tx, &rx, 2));
    WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &polled, &fd));
    {
        WEFT_SCOPE(expired, .timeout_ns = WEFT_US(10));
        ck_assert_int_eq(weft_recv(polled, &value), WEFT_ECANCELED);
    }
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, send_some, WEFT_MOVE(tx), 6));
    for (int i = 0; i < 6; i += 2) {
        ck_assert_int_eq(weft_recv(polled, &value), 1);
        ck_assert_int_eq(value, i);
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(polled, &value)), 0);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(value, i + 1);
    }
    ck_assert_int_eq(weft_recv(polled, &value), 0);
    ck_assert(is_readable(fd));
    return weft_scope_wait(&scope);
}

WT_TEST(receives_and_selects_go_on_as_ever) { in_both(received_otherwise); }

WT_TEST(the_item_held_ahead_is_dropped_with_the_rest)
{
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, rx);
    WEFT_RX(struct token *, polled);
    int fd;
    tokens_begin();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .drop = token_drop), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(weft_send(tx, token_new(i)), 0);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(rx), &polled, &fd), 0);
    WEFT_DROP(polled);
    tokens_check();
}

/* ---- what can't be polled --------------------------------------------------------------------- */

WT_TEST(sources_that_wait_inside_or_for_time_or_lend_are_refused)
{
    WEFT_RX(int64_t, timer);
    WEFT_RX(int64_t, polled_timer);
    WEFT_RX(int, source);
    WEFT_RX(int, polled);
    WEFT_TX(weft_line, lines_tx);
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, polled_lines);
    weft_receiver *rx;
    int fd = -7;
    ck_assert_int_eq(weft_after(WEFT_SEC(1000), &timer), 0);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(timer), &polled_timer, &fd), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_ticker(WEFT_SEC(1000), &timer), 0);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(timer), &polled_timer, &fd), WEFT_ENOTSUP);
    ck_assert(timer == NULL);
    ck_assert_int_eq(next_numbers(0, &source), 0);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(source), &polled, &fd), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_chan_open(&lines_tx, &lines, 1), 0);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(lines), &polled_lines, &fd), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_pollable(WEFT_MOVE(source), &polled, &fd), WEFT_EINVAL);
    source = broadcast_of(1);
    weft_receiver *raw = weft_slot_take(&source);
    ck_assert_int_eq(weft_pollable_open(raw, 3, NULL, &rx, &fd), WEFT_EMSGSIZE);
    ck_assert_int_eq(fd, -7);
}

static void open_without(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, polled);
    int fd = -1;
    tokens_begin();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2, .drop = token_drop), 0);
    ck_assert_int_eq(weft_send(tx, token_new(1)), 0);
    wt_fault_on(WT_FAULT_MEMORY | WT_FAULT_POLL);
    int rc = weft_pollable(WEFT_MOVE(rx), &polled, &fd);
    wt_fault_off();
    ck_assert(rc == 0 ? wt_fault_hit() == false && is_readable(fd)
                      : (rc == WEFT_ENOMEM || rc == -EMFILE) && polled == NULL && fd == -1);
    WEFT_DROP(polled);
    tokens_check();
}

WT_TEST(without_memory_or_descriptors_the_source_is_closed)
{
    ck_assert_uint_ge(wt_fault_run(open_without, NULL), 3);
}

WT_MAIN("pollable")
