/* SPDX-License-Identifier: MIT
 * A source that several workers share (stream/shared_source.h): who pulls serves those who wait before it
 * goes to work itself, in their order; the end and an error are told once. */
#include "stream/shared_source.h"
#include "wt_test.h"

#include <weft.h>

enum { N_FOLLOWERS = 3 };

struct source {
    struct wf_shared_source shared;
    int last; /* of its items 1, 2, ... */
    int end;  /* what comes after that */
    int n_made;
    unsigned n_expected; /* who are to follow before there is an item */
};

/* What a pull gave. */
struct pulled {
    struct source *source;
    int rc, value;
    uint64_t number;
    bool is_end;
};

static bool has_followers(void *arg)
{
    struct source *it = arg;
    unsigned n = 0;
    wf_lock_acquire(&it->shared.lock);
    wf_list_each (link, &it->shared.followers)
        n++;
    wf_lock_release(&it->shared.lock);
    return n == it->n_expected;
}

static int next(void *state, void *out)
{
    struct source *it = *(struct source **)state;
    if (it->n_made == 0)
        wt_until(has_followers, it);
    *(int *)out = ++it->n_made;
    return it->n_made <= it->last ? 1 : it->end;
}

static void pull(struct pulled *it)
{
    it->rc = wf_shared_pull(&it->source->shared, &it->value, &it->number, &it->is_end);
}

WEFT_TASK(pull_once, (struct pulled *, it))
{
    pull(it);
    return 0;
}

static bool is_led(void *arg) { return wf_load_seq(&((struct source *)arg)->shared.word) != 0; }

/* One that leads, `own`, and those who come one after the other while it does. */
static int run(struct source *it, struct pulled *own, struct pulled *followers)
{
    WEFT_SCOPE(scope);
    weft_receiver *rx = NULL;
    WEFT_TRY(weft_iterator_open(&(weft_iterator_opts){ .next = next }, &it, sizeof it, sizeof(int),
                                &rx));
    wf_shared_init(&it->shared, rx, "shared");
    it->n_expected = N_FOLLOWERS;
    *own = (struct pulled){ .source = it };
    WEFT_TRY(weft_spawn(&scope, pull_once, own));
    wt_until(is_led, it);
    for (int i = 0; i < N_FOLLOWERS; i++) {
        followers[i] = (struct pulled){ .source = it };
        WEFT_TRY(weft_spawn(&scope, pull_once, &followers[i]));
    }
    int rc = weft_scope_wait(&scope);
    weft_half_drop(&it->shared.source);
    return rc;
}

static int serves_main(void *arg)
{
    (void)arg;
    struct source it = { .last = N_FOLLOWERS + 1 };
    struct pulled own, followers[N_FOLLOWERS];
    bool has[N_FOLLOWERS] = { false };
    WEFT_TRY(run(&it, &own, followers));
    ck_assert_int_eq(own.rc, 1);
    ck_assert_int_eq(own.value, N_FOLLOWERS + 1); /* the last: the others had theirs before it */
    ck_assert_uint_eq(own.number, N_FOLLOWERS);
    for (int i = 0; i < N_FOLLOWERS; i++) {
        ck_assert_int_eq(followers[i].rc, 1);
        ck_assert_int_eq(followers[i].value, (int)followers[i].number + 1);
        ck_assert_uint_lt(followers[i].number, N_FOLLOWERS);
        ck_assert(!has[followers[i].number]);
        has[followers[i].number] = true;
    }
    return 0;
}

WT_TEST(who_leads_serves_those_who_wait_before_it_works)
{
    ck_assert_int_eq(weft_run(serves_main, NULL), 0);
}

/* The item goes to one follower, the end to the leader, and to nobody else. */
static int end_main(void *end)
{
    struct source it = { .last = 1, .end = *(int *)end };
    struct pulled own, followers[N_FOLLOWERS];
    int n_items = 0;
    WEFT_TRY(run(&it, &own, followers));
    ck_assert_int_eq(own.rc, it.end);
    ck_assert(own.is_end);
    ck_assert_uint_eq(own.number, 1);
    for (int i = 0; i < N_FOLLOWERS; i++) {
        ck_assert(followers[i].rc == 0 || followers[i].rc == 1);
        ck_assert(!followers[i].is_end);
        n_items += followers[i].rc;
    }
    ck_assert_int_eq(n_items, 1);
    struct pulled late = { .source = &it };
    pull(&late);
    ck_assert_int_eq(late.rc, 0);
    ck_assert(!late.is_end);
    return 0;
}

WT_TEST(the_end_is_told_once)
{
    int end = 0;
    ck_assert_int_eq(weft_run(end_main, &end), 0);
}

WT_TEST(so_is_an_error)
{
    int end = -EIO;
    ck_assert_int_eq(weft_run(end_main, &end), 0);
}

WT_MAIN("stream_shared_source")
