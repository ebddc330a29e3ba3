/* SPDX-License-Identifier: MIT
 * Broadcasts and watches from inside: how reports name them, and what waits on them. */
#include "chan_waiters.h"

#include <string.h>

static void expect_described(struct wf_chan *chan, const char *begin, const char *halves)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_chan_describe(chan, &text);
    const char *found = memmem(text.data, text.size, begin, strlen(begin));
    if (found != text.data || memmem(text.data, text.size, halves, strlen(halves)) == NULL)
        ck_abort_msg("'%.*s'", (int)text.size, text.data);
    wf_text_free(&text);
}

WT_TEST(reports_name_a_broadcast_and_count_its_receivers)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, other);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4, .name = "events"), 0);
    ck_assert_int_eq(weft_subscribe(tx, &other), 0);
    expect_described(CHAN_OF_TX(tx), "broadcast \"events\" (", "2 receivers (made at ");
}

WT_TEST(reports_count_only_receivers_that_a_watch_really_has)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_watch_open(&tx, &rx, .name = "config"), 0);
    expect_described(CHAN_OF_TX(tx), "watch \"config\" (", "1 receiver (made at ");
    WEFT_DROP(rx);
    expect_described(CHAN_OF_TX(tx), "watch \"config\" (", "0 receivers");
}

WEFT_TASK(receive_two, (rx, int, rx))
{
    int value;
    for (int i = 0; i < 2; i++)
        WEFT_TRY(weft_recv(rx, &value));
    return 0;
}

/* All who wait are told of each value, and leave the list. */
WT_TEST(a_send_takes_all_who_wait_off_the_list)
{
    enum { N = 3 };
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4), 0);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(weft_spawn(&scope, receive_two, weft_ref(rx)), 0);
    for (int i = 0; i < 2; i++) {
        chan_until_waiting(CHAN_OF_TX(tx), 0, N);
        ck_assert_int_eq(weft_send(tx, i), 0);
    }
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    chan_until_waiting(CHAN_OF_TX(tx), 0, 0);
}

WT_MAIN("fanout")
