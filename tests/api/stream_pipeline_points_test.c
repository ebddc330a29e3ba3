/* SPDX-License-Identifier: MIT
 * A pipeline and a tee, cancelled at every point and failed at every call: each item is consumed or dropped
 * once, nothing is left. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>
#include <weft/testing.h>

#include "token.h"

#include "stream_items.h"

static int tokens_even(void *arg)
{
    (void)arg;
    return atomic_load(&tokens_made) == atomic_load(&tokens_ended) ? 0 : -EBADF;
}

static void try_all(int (*scenario)(void *), const char *name)
{
    tokens_begin();
    weft_points tried = { .size_ = sizeof tried };
    const weft_points_opts opts = {
        .name = name, .check = tokens_even, .max_runs = 60, .seeds = wt_is_sim() ? 2 : 1
    };
    ck_assert_int_eq(weft_try_every_point(scenario, NULL, &opts, &tried), 0);
    ck_assert_int_eq(tried.rc, 0);
    ck_assert_uint_gt(tried.cancel_runs, 0);
}

WEFT_STAGE_SOURCE(count_up, struct token *, out, (int, n))
{
    for (int i = 1; i <= n; i++) {
        struct token *token = token_new(i);
        int rc = weft_send(out, token);
        if (rc < 0) {
            token_end(token);
            return rc;
        }
    }
    return 0;
}

WEFT_STAGE_MAP(renewed, struct token *, out, struct token *, in)
{
    int n = token_end(in);
    WEFT_TRY(weft_pause());
    *out = token_new(n);
    return 0;
}

/* More than a task gathers before its turn. */
WEFT_STAGE_FLAT_MAP(multiplied, struct token *, out, struct token *, in)
{
    int n = token_end(in);
    for (int i = 0; i < (n == 2 ? 18 : 1); i++)
        WEFT_TRY(weft_emit(out, token_new(n)));
    return 0;
}

WEFT_STAGE_SINK(end_all, struct token *, in)
{
    weft_each (token, in)
        token_end(token);
    return weft_error(in);
}

static int three_stages(bool ordered)
{
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, WEFT_OPTS(stage, .capacity = 1, .drop = token_drop), 4, &a));
    WEFT_TRY(renewed(&p,
                     WEFT_OPTS(stage, .workers = 2, .capacity = 1, .ordered = ordered, .window = 2,
                               .drop = token_drop),
                     WEFT_MOVE(a), &b));
    WEFT_TRY(end_all(&p, WEFT_OPTS(stage, .workers = 2), WEFT_MOVE(b)));
    return weft_pipeline_wait(&p);
}

static int unordered(void *arg)
{
    (void)arg;
    return three_stages(false);
}

static int ordered(void *arg)
{
    (void)arg;
    return three_stages(true);
}

static int flattened(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, WEFT_OPTS(stage, .capacity = 1, .drop = token_drop), 3, &a));
    WEFT_TRY(multiplied(&p,
                        WEFT_OPTS(stage, .workers = 2, .capacity = 4, .ordered = true, .window = 2,
                                  .drop = token_drop),
                        WEFT_MOVE(a), &b));
    weft_each (token, b)
        token_end(token);
    WEFT_TRY(weft_error(b));
    return weft_pipeline_wait(&p);
}

WEFT_TASK(end_tokens, (rx, struct token *, rx))
{
    weft_each (token, rx)
        token_end(token);
    return weft_error(rx);
}

static int teed(void *arg)
{
    (void)arg;
    const weft_tee_opts opts = { .capacity = 1, .clone = token_clone };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_tokens(4, 0, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), &opts, &a, &b));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, end_tokens, WEFT_MOVE(a)));
    weft_each (token, b)
        token_end(token);
    WEFT_TRY(weft_error(b));
    return weft_scope_wait(&scope);
}

static int joined(void *arg)
{
    (void)arg;
    const weft_tee_opts opts = { .capacity = 1, .clone = token_clone };
    struct token *token;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_tokens(5, 0, &source));
    WEFT_TRY(weft_tee(WEFT_MOVE(source), &opts, &a));
    int rc = weft_recv(a, &token);
    if (rc <= 0)
        return rc;
    (void)token_end(token);
    WEFT_TRY(weft_tee_join(a, &b));
    WEFT_TRY(weft_close(a));
    weft_each (t, b)
        (void)token_end(t);
    return weft_error(b);
}

WT_TEST(a_tee_at_every_point) { try_all(teed, "teed"); }
WT_TEST(a_tee_joined_at_every_point) { try_all(joined, "joined"); }
WT_TEST(a_pipeline_at_every_point) { try_all(unordered, "unordered"); }
WT_TEST(an_ordered_pipeline_at_every_point) { try_all(ordered, "ordered"); }
WT_TEST(a_stage_that_emits_at_every_point) { try_all(flattened, "flattened"); }

WT_MAIN_BARE("api_stream_pipeline_points")
