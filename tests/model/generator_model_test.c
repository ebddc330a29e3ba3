/* SPDX-License-Identifier: MIT
 * Model of a generator's turn (task/generator.h, G6 and G7): while others cancel or close, items come
 * one by one and in order, and a body at rest is never forgotten. */
#include "model.h"

#include "task/generator.h"

#include <weft/cleanup.h>

enum { ITEMS = 3 };

struct meeting {
    weft_receiver *numbers;
    weft_scope *scope;
    struct pipe ended; /* closed by the body when it ends */
    int body_rc;       /* written before that */
};

static void meeting_init(struct meeting *meeting)
{
    *meeting = (struct meeting){ .numbers = NULL, .ended = model_open(NULL) };
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
}

WEFT_GENERATOR(count_up, weft_rx(int), (struct meeting *, meeting))
{
    for (int n = 0; meeting->body_rc == 0; n++)
        meeting->body_rc = weft_yield(n);
    weft_half_drop(&meeting->ended.tx);
    return meeting->body_rc;
}

/* Some items, and then no more for ever: why it stopped, or 1. */
static int receive_some(struct meeting *meeting)
{
    int rc = 1, value;
    for (int i = 0; i < ITEMS && rc == 1; i++) {
        rc = weft_receiver_recv(meeting->numbers, &value, sizeof value);
        ck_assert(rc != 1 || value == i + 1); /* the first has been received */
        model_dawdle(10);
    }
    return rc;
}

static void expect_end(struct meeting *meeting)
{
    int value;
    weft_shield shield;
    weft_shield_begin(&shield);
    ck_assert_int_eq(model_recv(meeting->ended.rx, &value), 0);
    weft_shield_end(&shield);
    weft_half_drop(&meeting->ended.rx);
}

/* ---- a cancel ---------------------------------------------------------------------------------- */

static void cancel(void *arg)
{
    struct meeting *meeting = arg;
    model_dawdle(200);
    wf_scope_cancel(meeting->scope, WF_REASON_ASKED);
}

/* A generator that was opened outside any scope: no other cancel ends a yield (G8). */
WEFT_TASK(meet_a_cancel, (struct meeting *, meeting))
{
    meeting->scope = &((struct wf_generator *)meeting->numbers->source)->scope;
    int rc = weft_receiver_recv(meeting->numbers, &(int){ 0 }, sizeof(int));
    ck_assert_int_eq(rc, 1); /* it has begun: who cancels it has somebody to reach */
    wt_thread *canceller = wt_thread_start(cancel, meeting);
    do
        rc = weft_receiver_recv(meeting->numbers, &(int){ 0 }, sizeof(int));
    while (rc == 1 && wt_random_below(3) != 0);
    ck_assert(rc == 1 || rc == WEFT_ECANCELED);
    expect_end(meeting);
    wt_thread_join(canceller);
    ck_assert_int_eq(meeting->body_rc, WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_cancel_reaches_a_body_at_rest)
{
    struct meeting meeting;
    WEFT_RX(int, numbers);
    meeting_init(&meeting);
    MUST(count_up(&meeting, &numbers));
    meeting.numbers = WEFT_RX_RAW_(numbers);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, meet_a_cancel, &meeting));
    MUST(weft_scope_wait(&scope));
}

/* ---- a close ----------------------------------------------------------------------------------- */

static void close_it(void *arg)
{
    struct meeting *meeting = arg;
    model_dawdle(200);
    MUST(weft_half_close(meeting->numbers));
}

WEFT_TASK(receive_until_closed, (struct meeting *, meeting))
{
    int rc = receive_some(meeting);
    ck_assert(rc == 1 || rc == WEFT_ECLOSED);
    return 0;
}

WT_TEST(a_close_meets_a_receive)
{
    struct meeting meeting;
    meeting_init(&meeting);
    WEFT_SCOPE(scope);
    WEFT_RX(int, numbers);
    MUST(count_up(&meeting, &numbers));
    meeting.numbers = WEFT_RX_RAW_(numbers);
    MUST(weft_receiver_recv(meeting.numbers, &(int){ 0 }, sizeof(int)) - 1);
    wt_thread *closer = wt_thread_start(close_it, &meeting);
    MUST(weft_spawn(&scope, receive_until_closed, &meeting));
    expect_end(&meeting);
    wt_thread_join(closer);
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(meeting.body_rc, WEFT_ECLOSED);
}

WT_MAIN("generator_model")
