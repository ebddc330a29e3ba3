/* SPDX-License-Identifier: MIT
 * Model of a source that several workers share (stream/shared_source.h G1 to G3): one pulls at a time, each
 * item is one worker's and has its place's number, and who follows is served, leaves or learns of the end. */
#include "model.h"

#include "stream/shared_source.h"

#include <weft/iterator.h>

enum { N_ITEMS = 5, N_PULLERS = 3 };

struct source {
    struct wf_shared_source shared;
    _Atomic int n_inside, n_made; /* relaxed: the lead alone orders them */
    _Atomic int n_pulled[N_ITEMS], n_ends;
};

static int next(void *state, void *out)
{
    struct source *it = *(struct source **)state;
    ck_assert_int_eq(wf_add_rlx(&it->n_inside, 1), 0);
    int n = wf_load_rlx(&it->n_made);
    model_dawdle(3);
    wf_store_rlx(&it->n_made, n + 1);
    (void)wf_sub_rlx(&it->n_inside, 1);
    *(int *)out = n;
    return n < N_ITEMS;
}

static void open_source(struct source *it)
{
    weft_receiver *rx = NULL;
    MUST(weft_iterator_open(&(weft_iterator_opts){ .next = next }, &it, sizeof it, sizeof(int),
                            &rx));
    wf_shared_init(&it->shared, rx, "shared");
}

/* All that is made is somebody's, once. */
static void close_source(struct source *it)
{
    for (uint64_t i = 0; i < it->shared.n_pulled; i++)
        ck_assert_int_eq(wf_load_rlx(&it->n_pulled[i]), 1);
    ck_assert_int_eq(wf_load_rlx(&it->n_ends), 1);
    ck_assert(wf_list_is_empty(&it->shared.followers));
    ck_assert_uint_eq(wf_load_rlx(&it->shared.word), 0);
    weft_half_drop(&it->shared.source);
}

static int pull_all(struct source *it)
{
    int value, rc;
    uint64_t number;
    bool is_end = false;
    while ((rc = wf_shared_pull(&it->shared, &value, &number, &is_end)) > 0) {
        ck_assert_uint_eq((uint64_t)value, number);
        (void)wf_add_rlx(&it->n_pulled[number], 1);
        model_dawdle(3);
    }
    (void)wf_add_rlx(&it->n_ends, is_end);
    return rc;
}

static void puller(void *arg) { MUST(pull_all(arg)); }

WT_TEST(each_item_is_one_workers)
{
    struct source it = { 0 };
    struct actor actors[N_PULLERS];
    open_source(&it);
    for (int i = 0; i < N_PULLERS; i++)
        actors[i] = (struct actor){ puller, &it };
    model_run(actors, N_PULLERS);
    ck_assert_uint_eq(it.shared.n_pulled, N_ITEMS);
    close_source(&it);
}

WEFT_TASK(pull_until_cancelled, (struct source *, it))
{
    model_dawdle(20);
    int rc = pull_all(it);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    return 0;
}

static void beside(void *arg)
{
    struct source *it = arg;
    model_dawdle(20);
    MUST(pull_all(it));
}

WT_TEST(who_is_cancelled_takes_no_item_along)
{
    struct source it = { 0 };
    open_source(&it);
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, pull_until_cancelled, &it));
    MUST(weft_spawn(&scope, pull_until_cancelled, &it));
    wt_thread *threads[] = { wt_thread_start(beside, &it), wt_thread_start(beside, &it) };
    model_dawdle(200);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    wt_thread_join(threads[0]);
    wt_thread_join(threads[1]);
    close_source(&it);
}

WT_MAIN("shared_model")
