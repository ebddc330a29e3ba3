/* SPDX-License-Identifier: MIT
 * Broadcasts of values that own something: each is received once, as a clone or itself, or dropped
 * once, whatever gives way, leaves, fails or is cancelled meanwhile. */
#include "parties.h"
#include "token.h"
#include "wt_test.h"

#include <string.h>
#include <weft.h>

/* ---- one by one ------------------------------------------------------------------------------- */

static _Atomic int n_clones;

static int token_clone(void *copy, const void *item)
{
    const struct token *token = *(struct token *const *)item;
    struct token *other = token_new(token->n);
    *(struct token **)copy = other;
    atomic_fetch_add(&n_clones, 1);
    return 0;
}

#define OWNED .drop = token_drop, .clone = token_clone

static void begin_owned(void)
{
    tokens_begin();
    atomic_store(&n_clones, 0);
}

static int take_token(weft_rx(struct token *) rx)
{
    struct token *token;
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    return token_end(token);
}

WT_TEST(each_gets_a_clone_and_the_last_the_value_itself)
{
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    begin_owned();
    ck_assert_int_eq(weft_broadcast_open(&tx, &first, 4, OWNED), 0);
    ck_assert_int_eq(weft_send(tx, token_new(1)), 0);
    ck_assert_int_eq(take_token(first), 1);
    ck_assert_int_eq(atomic_load(&n_clones), 0);
    ck_assert_int_eq(weft_subscribe(tx, &second), 0);
    ck_assert_int_eq(weft_send(tx, token_new(2)), 0);
    ck_assert_int_eq(take_token(second), 2);
    ck_assert_int_eq(take_token(first), 2);
    ck_assert_int_eq(atomic_load(&n_clones), 1);
    tokens_check();
}

WT_TEST(a_value_that_gives_way_or_that_nobody_takes_is_dropped_once)
{
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    begin_owned();
    ck_assert_int_eq(weft_broadcast_open(&tx, &first, 3, OWNED), 0);
    ck_assert_int_eq(weft_subscribe(tx, &second), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(weft_send(tx, token_new(i)), 0);
    ck_assert_int_eq(atomic_load(&tokens_ended), 2);
    struct token *token;
    ck_assert_int_eq(weft_recv(first, &token), WEFT_ELAGGED);
    ck_assert_int_eq(take_token(first), 2);
    WEFT_DROP(first);
    ck_assert_int_eq(atomic_load(&tokens_ended), 3);
    WEFT_DROP(second);
    tokens_check();
    ck_assert_int_eq(weft_subscribe(tx, &second), 0);
    ck_assert_int_eq(weft_send(tx, token_new(9)), 0);
    WEFT_DROP(tx);
    ck_assert_int_eq(take_token(second), 9);
    tokens_check();
}

/* What others do while one that leaves has given up its first value, and not yet its second. */
static struct {
    weft_tx(struct token *) tx;
    weft_rx(struct token *) stays;
    bool is_due;
} meanwhile;

static void drop_and_go_on(void *item)
{
    token_drop(item);
    if (!meanwhile.is_due)
        return;
    meanwhile.is_due = false;
    ck_assert_int_eq(weft_send(meanwhile.tx, token_new(3)), 0);
    ck_assert_int_eq(take_token(meanwhile.stays), 2);
    ck_assert_int_eq(take_token(meanwhile.stays), 3); /* itself: nobody else wants it */
}

WT_TEST(while_one_leaves_others_take_what_comes_after_its_values)
{
    WEFT_RX(struct token *, leaves);
    begin_owned();
    ck_assert_int_eq(weft_broadcast_open(&meanwhile.tx, &leaves, 4, .drop = drop_and_go_on,
                                         .clone = token_clone),
                     0);
    ck_assert_int_eq(weft_subscribe(meanwhile.tx, &meanwhile.stays), 0);
    ck_assert_int_eq(weft_send(meanwhile.tx, token_new(1)), 0);
    ck_assert_int_eq(weft_send(meanwhile.tx, token_new(2)), 0);
    ck_assert_int_eq(take_token(meanwhile.stays), 1);
    meanwhile.is_due = true;
    WEFT_DROP(leaves);
    ck_assert(!meanwhile.is_due);
    tokens_check();
    WEFT_DROP(meanwhile.tx);
    WEFT_DROP(meanwhile.stays);
}

WT_TEST(an_abort_drops_what_is_kept)
{
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, rx);
    WEFT_RX(struct token *, behind);
    struct token *token;
    begin_owned();
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 3, OWNED), 0);
    ck_assert_int_eq(weft_subscribe(tx, &behind), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(weft_send(tx, token_new(i)), 0);
    ck_assert_int_eq(weft_abort(tx, -EIO), 0);
    tokens_check();
    ck_assert_int_eq(weft_recv(rx, &token), -EIO);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    ck_assert_int_eq(weft_recv(behind, &token), -EIO);
    ck_assert_int_eq(weft_abort(tx, -EIO), WEFT_ECLOSED);
}

static _Atomic int clone_code;

static int token_clone_or_fail(void *copy, const void *item)
{
    int rc = atomic_load(&clone_code);
    *(struct token **)copy = NULL;
    return rc < 0 ? rc : token_clone(copy, item);
}

WT_TEST(a_clone_that_fails_consumed_nothing)
{
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    struct token *token = NULL, *const before = token;
    int rc;
    begin_owned();
    ck_assert_int_eq(
        weft_broadcast_open(&tx, &first, 3, .drop = token_drop, .clone = token_clone_or_fail), 0);
    ck_assert_int_eq(weft_subscribe(tx, &second), 0);
    ck_assert_int_eq(weft_send(tx, token_new(1)), 0);
    atomic_store(&clone_code, WEFT_ENOMEM);
    ck_assert_int_eq(weft_recv(first, &token), WEFT_ENOMEM);
    atomic_store(&clone_code, WEFT_EAGAIN);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(second, &token)), 0);
    ck_assert_int_eq(rc, WEFT_EAGAIN);
    ck_assert_ptr_eq(token, before);
    atomic_store(&clone_code, 0);
    ck_assert_int_eq(take_token(first), 1);
    ck_assert_int_eq(take_token(second), 1);
    tokens_check();
}

/* ---- a value that gives way while it is cloned ------------------------------------------------ */

static _Atomic int n_cloning, is_replaced;

static bool has_been_replaced(void *arg)
{
    (void)arg;
    return atomic_load(&is_replaced) != 0;
}

static bool are_cloning(void *arg) { return atomic_load(&n_cloning) == *(int *)arg; }

static int token_clone_late(void *copy, const void *item)
{
    atomic_fetch_add(&n_cloning, 1);
    wt_until(has_been_replaced, NULL);
    return token_clone(copy, item); /* reads the value */
}

static void receive_one(void *arg)
{
    weft_receiver *rx = arg;
    struct token *token;
    ck_assert_int_eq(weft_receiver_recv(rx, &token, sizeof token), 1);
    ck_assert_int_eq(token_end(token), 1);
}

static void replace_while_cloned(bool by_abort)
{
    enum { N = 3 };
    WEFT_TX(struct token *, tx);
    weft_rx(struct token *) rx[N] = { NULL };
    wt_thread *threads[N - 1];
    begin_owned();
    atomic_store(&n_cloning, 0);
    atomic_store(&is_replaced, 0);
    ck_assert_int_eq(
        weft_broadcast_open(&tx, &rx[0], 1, .drop = token_drop, .clone = token_clone_late), 0);
    for (int i = 1; i < N; i++)
        ck_assert_int_eq(weft_subscribe(tx, &rx[i]), 0);
    ck_assert_int_eq(weft_send(tx, token_new(1)), 0);
    for (int i = 0; i < N - 1; i++)
        threads[i] = wt_thread_start(receive_one, WEFT_RX_RAW_(rx[i]));
    wt_until(are_cloning, &(int){ N - 1 });
    if (by_abort)
        weft_abort(tx, 0);
    else
        ck_assert_int_eq(weft_send(tx, token_new(2)), 0);
    ck_assert_int_eq(atomic_load(&tokens_ended), 0);
    atomic_store(&is_replaced, 1);
    for (int i = 0; i < N - 1; i++)
        wt_thread_join(threads[i]);
    /* Two clones, and the value itself, dropped by the last of its readers. */
    ck_assert_int_eq(atomic_load(&tokens_ended), N);
    for (int i = 0; i < N; i++)
        WEFT_DROP(rx[i]);
    tokens_check();
}

WT_TEST(a_value_that_gives_way_while_it_is_cloned_lives_as_long) { replace_while_cloned(false); }
WT_TEST(a_value_that_is_aborted_while_it_is_cloned_lives_as_long) { replace_while_cloned(true); }

/* ---- many at once ----------------------------------------------------------------------------- */

enum { N_SENDERS = 3, MAX_RECEIVERS = 3 };

struct crowd {
    weft_tx(struct token *) tx[N_SENDERS];
    weft_rx(struct token *) rx[MAX_RECEIVERS];
    int n_each;
    bool must_cancel;
};

#define SEND_UNTIL(crowd) ((crowd)->n_each * N_SENDERS)

static int send_tokens(struct crowd *crowd, unsigned index)
{
    for (int i = 0; i < crowd->n_each; i++) {
        struct token *token = token_new((int)index << 16 | i);
        int rc = weft_send(crowd->tx[index], token);
        if (rc < 0) {
            (void)token_end(token);
            return rc == WEFT_ECLOSED ? 0 : rc;
        }
    }
    WEFT_DROP(crowd->tx[index]);
    return 0;
}

/* Values of each sender come in order, and with those that were missed they are all. */
static int receive_tokens(struct crowd *crowd, unsigned index)
{
    weft_rx(struct token *) rx = crowd->rx[index];
    int next[N_SENDERS] = { 0 };
    uint64_t n = 0;
    struct token *token;
    int rc;
    while ((rc = weft_recv(rx, &token)) != 0) {
        if (rc == WEFT_ELAGGED)
            n += weft_missed(rx);
        if (rc == WEFT_ELAGGED)
            continue;
        if (rc < 0)
            return rc;
        int number = token_end(token), sender = number >> 16;
        ck_assert_int_ge(number & 0xffff, next[sender]);
        next[sender] = (number & 0xffff) + 1;
        n++;
        if (crowd->must_cancel && n > 3 && index == 0)
            break; /* this one leaves in the middle */
    }
    if (rc == 0)
        ck_assert_uint_eq(n, (uint64_t)SEND_UNTIL(crowd));
    WEFT_DROP(crowd->rx[index]);
    return 0;
}

/* Whoever opened it does not hold it any more. */
static void forget_holder(weft_tx(struct token *) * tx)
{
    weft_sender *raw = weft_half_take(tx);
    memcpy(tx, &raw, sizeof raw);
}

static int one_of_crowd(void *arg, unsigned index)
{
    struct crowd *crowd = arg;
    bool is_sender = index % 2 == 0;
    return is_sender ? send_tokens(crowd, index / 2) : receive_tokens(crowd, index / 2);
}

static void crowd_of(size_t capacity, unsigned n_tasks, bool must_cancel)
{
    struct crowd crowd = { .n_each = wt_is_sim() ? 8 : (int)wt_scaled(400),
                           .must_cancel = must_cancel };
    begin_owned();
    ck_assert_int_eq(weft_broadcast_open(&crowd.tx[0], &crowd.rx[0], capacity, OWNED), 0);
    for (int i = 1; i < N_SENDERS; i++)
        crowd.tx[i] = *weft_ref(crowd.tx[0]);
    for (int i = 1; i < MAX_RECEIVERS; i++)
        ck_assert_int_eq(weft_subscribe(crowd.tx[0], &crowd.rx[i]), 0);
    forget_holder(&crowd.tx[0]);
    run_parties(n_tasks, N_SENDERS + MAX_RECEIVERS - n_tasks, one_of_crowd, &crowd);
    tokens_check();
}

WT_TEST(many_tasks_and_threads_lose_nothing) { crowd_of(7, 3, false); }
WT_TEST(many_with_one_place_lose_nothing) { crowd_of(1, 3, false); }
WT_TEST(many_tasks_lose_nothing) { crowd_of(4, 6, false); }
WT_TEST(many_threads_of_whom_one_leaves_lose_nothing) { crowd_of(3, 0, true); }

static int come_and_go(void *arg, unsigned index)
{
    struct crowd *crowd = arg;
    for (int i = 0; index < 2 && i < crowd->n_each; i++) {
        struct token *token = token_new(i);
        if (weft_send(crowd->tx[index], token) < 0)
            (void)token_end(token);
    }
    for (int i = 0; index >= 2 && i < crowd->n_each; i++) {
        WEFT_RX(struct token *, rx);
        WEFT_RX(struct token *, copy);
        struct token *token;
        WEFT_TRY(weft_subscribe(crowd->tx[0], &rx));
        if (weft_try_recv(rx, &token) > 0)
            (void)token_end(token);
        copy = *weft_ref(rx);
        if (weft_try_recv(copy, &token) > 0)
            (void)token_end(token);
    }
    return 0;
}

WT_TEST(receivers_that_come_and_go_lose_nothing)
{
    struct crowd crowd = { .n_each = wt_is_sim() ? 4 : (int)wt_scaled(200) };
    begin_owned();
    ck_assert_int_eq(weft_broadcast_open(&crowd.tx[0], &crowd.rx[0], 2, OWNED), 0);
    crowd.tx[1] = *weft_ref(crowd.tx[0]);
    WEFT_DROP(crowd.rx[0]);
    forget_holder(&crowd.tx[0]);
    run_parties(2, 2, come_and_go, &crowd);
    WEFT_DROP(crowd.tx[0]);
    WEFT_DROP(crowd.tx[1]);
    tokens_check();
}

/* A cancel that meets a value: received, or still there. */
WEFT_TASK(receive_until_cancelled, (rx, struct token *, rx), (_Atomic int *, n))
{
    struct token *token;
    int rc;
    while ((rc = weft_recv(rx, &token)) > 0) {
        (void)token_end(token);
        atomic_fetch_add(n, 1);
    }
    return rc;
}

static int cancel_meets_values(void *arg)
{
    _Atomic int n = 0;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, rx);
    WEFT_RX(struct token *, stays);
    (void)arg;
    WEFT_TRY(weft_broadcast_open(&tx, &rx, 8, OWNED));
    stays = *weft_ref(rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, receive_until_cancelled, WEFT_MOVE(rx), &n));
    for (int i = 0; i < 4; i++) {
        WEFT_TRY(weft_send(tx, token_new(i)));
        if (wt_random_below(2) == 0)
            WEFT_TRY(weft_pause());
    }
    weft_scope_cancel(&scope);
    ignored(weft_scope_wait(&scope));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(take_token(stays), i);
    return 0;
}

WT_TEST(a_cancel_that_meets_a_broadcast_loses_nothing)
{
    begin_owned();
    ck_assert_int_eq(weft_run(cancel_meets_values, NULL), 0);
    tokens_check();
}

/* ---- no memory --------------------------------------------------------------------------------- */

static void open_without_memory(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, rx);
    WEFT_RX(struct token *, other);
    wt_fault_on(WT_FAULT_MEMORY);
    int rc = weft_broadcast_open(&tx, &rx, 4, OWNED);
    int other_rc = rc < 0 ? rc : weft_subscribe(tx, &other);
    weft_rx(struct token *) copy = rx != NULL ? *weft_ref(rx) : NULL;
    wt_fault_off();
    ck_assert(rc == 0 || (rc == WEFT_ENOMEM && tx == NULL && rx == NULL));
    ck_assert(other_rc == 0 ? other != NULL : other_rc == WEFT_ENOMEM && other == NULL);
    ck_assert(wt_fault_hit() || copy != NULL);
    WEFT_DROP(copy);
}

WT_TEST(a_broadcast_without_memory_leaves_nothing)
{
    ck_assert_uint_ge(wt_fault_run(open_without_memory, NULL), 6);
}

WT_MAIN("broadcast_owned")
