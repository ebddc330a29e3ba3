/* SPDX-License-Identifier: MIT
 * Opening, the limits, ending, what is dropped, and that the checks find what they are for. */
#include "chan_waiters.h"

#include "chan/registry.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <string.h>

static int open_with(size_t elem_size, const weft_chan_opts *opts)
{
    weft_sender *tx = NULL;
    weft_receiver *rx = NULL;
    int rc = weft_channel_open(elem_size, opts, &tx, &rx, "t", 1);
    ck_assert_int_eq(rc == 0, tx != NULL);
    ck_assert_int_eq(rc == 0, rx != NULL);
    weft_half_drop(&tx);
    weft_half_drop(&rx);
    return rc;
}

WT_TEST(sizes_have_limits)
{
    ck_assert_int_eq(open_with(0, NULL), WEFT_EINVAL);
    ck_assert_int_eq(open_with(1, NULL), 0);
    ck_assert_int_eq(open_with((size_t)1 << 20, NULL), 0);
    ck_assert_int_eq(open_with(((size_t)1 << 20) + 1, NULL), WEFT_EOVERFLOW);
    ck_assert_int_eq(open_with(SIZE_MAX, NULL), WEFT_EOVERFLOW);
    ck_assert_int_eq(open_with(1, WEFT_OPTS(chan, .capacity = SIZE_MAX)), WEFT_EOVERFLOW);
    ck_assert_int_eq(open_with(1, WEFT_OPTS(chan, .capacity = ((uint64_t)1 << 31) + 1)),
                     WEFT_EOVERFLOW);
    ck_assert_int_eq(open_with(1, WEFT_OPTS(chan, .capacity = 1000)), 0);
    ck_assert_int_eq(open_with(1, WEFT_OPTS(chan, .overflow = (enum weft_overflow)9)), WEFT_EINVAL);
    weft_sender *tx;
    weft_receiver *rx;
    ck_assert_int_eq(weft_channel_open(4, NULL, NULL, &rx, "t", 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_channel_open(4, NULL, &tx, NULL, "t", 1), WEFT_EINVAL);
}

static size_t asked_for;
static void *note_and_fail(size_t size)
{
    asked_for = size;
    return NULL;
}

WT_TEST(more_than_there_can_be_is_no_memory)
{
    ck_assert_int_eq(open_with(4, NULL), 0); /* this thread's record is made */
    wf_sys.alloc = note_and_fail;
    int rc = open_with((size_t)1 << 20, WEFT_OPTS(chan, .capacity = (size_t)1 << 31));
    wf_sys.alloc = wf_sys_real.alloc;
    ck_assert_int_eq(rc, WEFT_ENOMEM);
    if (sizeof(size_t) == 8)
        ck_assert_uint_ge(asked_for, (size_t)1 << 51);
}

WT_TEST(options_of_another_size_are_understood)
{
    struct {
        weft_chan_opts opts;
        void *later;
    } newer = { { .size_ = sizeof newer, .capacity = 3, .overflow = WEFT_FAIL }, &newer };
    weft_chan_opts older = { .size_ = offsetof(weft_chan_opts, name),
                             .capacity = 2,
                             .overflow = (enum weft_overflow)77 };
    weft_chan_opts first = { .size_ = 0, .capacity = 1, .overflow = WEFT_FAIL };
    const weft_chan_opts *all[] = { &newer.opts, &older, &first };
    size_t capacities[] = { 3, 2, 1 };
    for (size_t i = 0; i < 3; i++) {
        weft_sender *tx;
        weft_receiver *rx;
        ck_assert_int_eq(weft_channel_open(4, all[i], &tx, &rx, "t", 1), 0);
        ck_assert_uint_eq(tx->chan->ring.capacity, capacities[i]);
        ck_assert_int_eq(tx->chan->overflow, i == 1 ? WEFT_BLOCK : WEFT_FAIL);
        weft_half_drop(&tx);
        weft_half_drop(&rx);
    }
}

static unsigned n_allocs_left;
static void *fail_later(size_t size)
{
    return n_allocs_left-- == 0 ? NULL : wf_sys_real.alloc(size);
}

static void ignore_drop(void *item) { (void)item; }

WT_TEST(an_open_that_fails_leaves_nothing)
{
    int rc = WEFT_ENOMEM;
    unsigned n = 0;
    ck_assert_int_eq(open_with(4, NULL), 0); /* this thread's record is made */
    size_t n_live = wf_mem_live();
    for (; rc == WEFT_ENOMEM; n++) {
        n_allocs_left = n;
        wf_sys.alloc = fail_later;
        rc = open_with(4, WEFT_OPTS(chan, .overflow = WEFT_CONFLATE, .drop = ignore_drop));
        wf_sys.alloc = wf_sys_real.alloc;
        ck_assert_uint_eq(wf_mem_live(), n_live);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_uint_ge(n, 2);
}

static void *map_nothing(size_t size)
{
    (void)size;
    return NULL;
}

/* The halves' memory comes in blocks: no more than are free. */
WT_TEST(nor_one_without_room_for_its_halves)
{
    static void *halves[4096];
    size_t n = 0;
    ck_assert_int_eq(open_with(4, NULL), 0);
    wf_sys.map = map_nothing;
    while ((halves[n] = wf_half_make(WF_HALF_PERMIT, "t", 1)) != NULL)
        ck_assert_uint_lt(++n, WF_ARRAY_SIZE(halves));
    ck_assert_uint_ge(n, 3);
    for (int n_free = 0; n_free <= 2; n_free++) {
        size_t n_live = wf_mem_live();
        ck_assert_int_eq(open_with(4, NULL), n_free < 2 ? WEFT_ENOMEM : 0);
        ck_assert_uint_eq(wf_mem_live(), n_live);
        wf_half_free(halves[--n]);
    }
    wf_sys.map = wf_sys_real.map;
    while (n > 0)
        wf_half_free(halves[--n]);
}

/* ---- dropping -------------------------------------------------------------------------------- */

static int dropped[32], n_dropped;
static void note_drop(void *item) { dropped[n_dropped++] = *(int *)item; }

WT_TEST(what_nobody_receives_is_dropped_once_in_order)
{
    for (int way = 0; way < 3; way++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value;
        n_dropped = 0;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .drop = note_drop), 0);
        for (int i = 0; i < 5; i++) {
            ck_assert_int_eq(weft_send(tx, i), 0);
            if (i == 0)
                ck_assert_int_eq(weft_recv(rx, &value), 1);
        }
        if (way == 0)
            WEFT_DROP(rx);
        else if (way == 1)
            ck_assert_int_eq(weft_abort(tx, -2), 0);
        else
            WEFT_DROP(tx);
        if (way == 1) {
            ck_assert_int_eq(weft_recv(rx, &value), -2);
            ck_assert_int_eq(weft_recv(rx, &value), 0);
        }
        WEFT_DROP(rx);
        ck_assert_int_eq(n_dropped, 4);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(dropped[i], i + 1);
    }
}

/* The drop function may use the channel: it runs without the lock. */
static weft_sender *used_by_drop;
static int drop_send_rc, drop_abort_rc;
static void use_the_channel(void *item)
{
    drop_send_rc = weft_sender_try_send(used_by_drop, item, sizeof(int));
    drop_abort_rc = weft_sender_abort(used_by_drop, -1);
}

WT_TEST(a_drop_function_may_use_the_channel)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .drop = use_the_channel), 0);
    used_by_drop = WEFT_TX_RAW_(tx);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    WEFT_DROP(rx);
    ck_assert_int_eq(drop_send_rc, WEFT_ECLOSED);
    ck_assert_int_eq(drop_abort_rc, 0);
}

struct over_aligned {
    _Alignas(64) int value;
};
static void check_alignment(void *item) { ck_assert_uint_eq((uintptr_t)item % 64, 0); }

WT_TEST(a_drop_function_gets_items_as_aligned_as_their_type)
{
    WEFT_TX(struct over_aligned, tx);
    WEFT_RX(struct over_aligned, rx);
    ck_assert_int_eq(
        weft_chan_open(&tx, &rx, 3, .overflow = WEFT_DROP_OLDEST, .drop = check_alignment), 0);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(weft_send(tx, (struct over_aligned){ i }), 0);
}

/* ---- ending ---------------------------------------------------------------------------------- */

WT_TEST(the_first_end_counts)
{
    for (int way = 0; way < 4; way++) {
        bool first_aborts = way % 2, second_aborts = way / 2;
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
        ck_assert_int_eq(weft_send(tx, 1), 0);
        ck_assert_int_eq(first_aborts ? weft_abort(tx, -1) : weft_end(tx, -1), 0);
        ck_assert_int_eq(second_aborts ? weft_abort(tx, -2) : weft_end(tx, -2), WEFT_ECLOSED);
        ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
        if (!first_aborts)
            ck_assert_int_eq(weft_recv(rx, &value), 1);
        ck_assert_int_eq(weft_recv(rx, &value), -1);
        ck_assert_int_eq(weft_recv(rx, &value), 0);
    }
}

WT_TEST(a_cause_may_be_any_code)
{
    int causes[] = { WEFT_EAGAIN, WEFT_ECLOSED, WEFT_ECANCELED, -99999, 0, 7 };
    for (size_t i = 0; i < 6; i++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value, rc = 99;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
        ck_assert_int_eq(weft_end(tx, causes[i]), 0);
        if (i % 2 == 0) {
            ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &value)), 0);
        } else {
            rc = weft_recv(rx, &value);
        }
        ck_assert_int_eq(rc, causes[i] < 0 ? causes[i] : 0);
        ck_assert_int_eq(weft_recv(rx, &value), 0);
    }
}

/* ---- reports --------------------------------------------------------------------------------- */

static void totals(uint64_t out[3]) { wf_chan_totals(&out[0], &out[1], &out[2]); }

WT_TEST(totals_count_channels_that_are_and_were)
{
    uint64_t before[3], now[3];
    totals(before);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(weft_send(tx, i), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    totals(now);
    ck_assert_uint_eq(now[0] - before[0], 4);
    ck_assert_uint_eq(now[1] - before[1], 1);
    ck_assert_uint_eq(now[2] - before[2], 0);
    WEFT_DROP(rx);
    WEFT_DROP(tx);
    totals(now);
    ck_assert_uint_eq(now[0] - before[0], 4);
    ck_assert_uint_eq(now[1] - before[1], 1);
    ck_assert_uint_eq(now[2] - before[2], 3);
}

static bool says(struct wf_chan *ch, const char *part)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_chan_describe(ch, &text);
    bool found = memmem(text.data, text.size, part, strlen(part)) != NULL;
    if (!found)
        ck_abort_msg("'%s' is not in '%.*s'", part, (int)text.size, text.data);
    wf_text_free(&text);
    return found;
}

WT_TEST(a_description_names_the_halves)
{
    weft_sender *tx, *refs[9];
    weft_receiver *rx;
    weft_permit_half *permit;
    ck_assert_int_eq(weft_channel_open(4, WEFT_OPTS(chan, .capacity = 64, .name = "jobs"), &tx, &rx,
                                       "main.c", 12),
                     0);
    ck_assert(says(tx->chan, "channel \"jobs\" (main.c:12) 0/64, 1 sender (made at main.c:12, "
                             "held by thread #"));
    ck_assert(says(tx->chan, "), 1 receiver (made at main.c:12, held by thread #"));
    for (int i = 0; i < 9; i++)
        refs[i] = weft_half_ref(tx, "other.c", i);
    ck_assert_int_eq(weft_sender_reserve(tx, &permit), 0);
    ck_assert(says(tx->chan, "0/64 and 1 reserved, 11 senders (made at main.c:12"));
    ck_assert(says(tx->chan, "; made at other.c:5; made at other.c:6; and 3 more), 1 receiver"));
    for (int i = 0; i < 9; i++)
        weft_half_drop(&refs[i]);
    ck_assert(says(tx->chan, "permit of a sender made at main.c:12"));
    weft_permit_drop(&permit);
    ck_assert_int_eq(weft_sender_end(tx, 0), 0);
    ck_assert(says(tx->chan, "), ended"));
    weft_half_drop(&tx);
    ck_assert(says(rx->source, ", 0 senders, 1 receiver ("));
    weft_half_drop(&rx);
}

/* ---- the checks ------------------------------------------------------------------------------ */

static struct wf_chan *checked;
static struct wf_node fake_receiver, fake_sender;

static void check(void *arg)
{
    (void)arg;
    wf_chan_lock(checked);
    wf_chan_unlock(checked);
}

WT_TEST(checks_find_what_they_are_for)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .name = "checked"), 0);
    checked = CHAN_OF_TX(tx);
    check(NULL);

    checked->n_reserved = 5;
    wt_expect_abort(check, NULL, "channel \"checked\": C1");
    checked->n_reserved = 0;

    fake_receiver.waiter = wf_waiter_self();
    fake_sender.waiter = NULL;
    wf_list_push_back(&checked->receivers, &fake_receiver.link);
    check(NULL);
    wf_ring_set_n_full(&checked->ring, 1);
    wt_expect_abort(check, NULL, "C2: a receiver waits beside 1 values");
    wf_ring_set_n_full(&checked->ring, 0);
    checked->has_ended = true;
    wt_expect_abort(check, NULL, "C3: a receiver waits after the end");
    checked->has_ended = false;

    wf_list_push_back(&checked->senders, &fake_sender.link);
    wf_chan_mark_locked(checked);
    wt_expect_abort(check, NULL, "C2: a sender waits beside a free place");
    checked->n_reserved = 4;
    wt_expect_abort(check, NULL, "C2: a sender and a receiver wait for each other");
    fake_sender.waiter = wf_waiter_self();
    check(NULL);
    checked->n_receivers = 0;
    wt_expect_abort(check, NULL, "C3: a sender waits on a closed channel");
    checked->n_receivers = 1;
    wf_list_remove(&fake_sender.link);
    wf_list_remove(&fake_receiver.link);
    checked->n_reserved = 0;
    wt_expect_abort(check, NULL, "C6: the mark is 1");
    wf_chan_mark_locked(checked);

    checked->n_senders = 0;
    wt_expect_abort(check, NULL, "C3: no sender, no end");
    checked->n_senders = 1;
    checked->refuses_values = true;
    wt_expect_abort(check, NULL, "C3: values are refused");
    checked->refuses_values = false;
    checked->n_sent = 1;
    wt_expect_abort(check, NULL, "C5: a value was lost or made up");
    checked->n_sent = 0;
    check(NULL);
}

WT_MAIN("chan")
