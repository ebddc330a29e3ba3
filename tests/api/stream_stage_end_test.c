/* SPDX-License-Identifier: MIT
 * Pipelines: a stage fails by what it reads from and by what it has open, too. */
#include "wt_test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <weft.h>

#include "token.h"

static void run(int (*body)(void *))
{
    tokens_begin();
    ck_assert_int_eq(weft_run(body, NULL), 0);
    tokens_check();
}

#define STAGE(...) WEFT_OPTS(stage, .drop = token_drop, ##__VA_ARGS__)

static int give(weft_tx(struct token *) out, struct token *token)
{
    int rc = weft_send(out, token);
    if (rc < 0)
        token_end(token);
    return rc;
}

WEFT_STAGE(pass_on, struct token *, out, struct token *, in)
{
    weft_each (token, in)
        WEFT_TRY(give(out, token));
    return weft_error(in);
}

WEFT_STAGE_MAP(doubled, struct token *, out, struct token *, in)
{
    *out = token_new(2 * token_end(in));
    return 0;
}

WEFT_TASK(look_on, (rx, struct token *, in), (int *, out_rc))
{
    weft_each (token, in)
        token_end(token);
    *out_rc = weft_error(in);
    return 0;
}

static void expect_failure(weft_pipeline *p, int code)
{
    const char *stage = "none";
    ck_assert_int_eq(weft_pipeline_wait(p), code);
    ck_assert_int_eq(weft_pipeline_error(p, &stage), code);
    ck_assert_str_eq(stage, "it");
}

/* ---- teardown ------------------------------------------------------------------------------------ */

static int next_token(int *n, struct token **out)
{
    *out = *n < 3 ? token_new(++*n) : NULL;
    return *out != NULL;
}
static int fail_to_close(int *n)
{
    (void)n;
    return -EBADF;
}
WEFT_ITERATOR(three, struct token *, int, next_token, fail_to_close);

typedef struct left_open {
    int n;
} left_open;
static int fail_to_end(left_open *it)
{
    free(it);
    return -EBADF;
}
WEFT_DEFINE_AUTO(left_open, fail_to_end)

WEFT_STAGE_SOURCE(hold_and_count, struct token *, out)
{
    WEFT_AUTO(left_open, it);
    it = calloc(1, sizeof *it);
    ck_assert_ptr_nonnull(it);
    for (int i = 1; i <= 3; i++)
        WEFT_TRY(give(out, token_new(i)));
    return 0;
}

static int failing_teardown(int which)
{
    int rc = 0;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_SCOPE(outside);
    {
        WEFT_PIPELINE(p);
        if (which < 2)
            WEFT_TRY(three(0, &source));
        if (which == 0)
            WEFT_TRY(pass_on(&p, STAGE(.name = "it"), WEFT_MOVE(source), &a));
        else if (which == 1)
            WEFT_TRY(doubled(&p, STAGE(.name = "it", .workers = 3, .ordered = true),
                             WEFT_MOVE(source), &a));
        else
            WEFT_TRY(hold_and_count(&p, STAGE(.name = "it"), &a));
        WEFT_TRY(weft_spawn(&outside, look_on, WEFT_MOVE(a), &rc));
        expect_failure(&p, -EBADF);
    }
    WEFT_TRY(weft_scope_wait(&outside));
    ck_assert_int_eq(rc, -EBADF);
    return 0;
}

static int failing_teardowns(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        WEFT_TRY(failing_teardown(i));
    return 0;
}

WT_TEST(an_error_of_a_teardown_is_its_stages) { run(failing_teardowns); }

/* ---- the source ---------------------------------------------------------------------------------- */

static int next_of_gone(int *n, struct token **out)
{
    return *n < 3 ? next_token(n, out) : WEFT_ECLOSED;
}
WEFT_ITERATOR(three_of_gone, struct token *, int, next_of_gone);

static int failing_source(int which)
{
    int rc = 0;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, a);
    WEFT_SCOPE(outside);
    {
        WEFT_PIPELINE(p);
        WEFT_TRY(three_of_gone(0, &source));
        if (which == 0)
            WEFT_TRY(pass_on(&p, STAGE(.name = "it"), WEFT_MOVE(source), &a));
        else
            WEFT_TRY(doubled(&p, STAGE(.name = "it", .workers = (unsigned)which, .ordered = true),
                             WEFT_MOVE(source), &a));
        WEFT_TRY(weft_spawn(&outside, look_on, WEFT_MOVE(a), &rc));
        expect_failure(&p, WEFT_ECLOSED);
    }
    WEFT_TRY(weft_scope_wait(&outside));
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    return 0;
}

/* The code by which a stage says that nobody receives any more. */
static int failing_sources(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++)
        WEFT_TRY(failing_source(i));
    return 0;
}

WT_TEST(a_source_that_says_closed_has_failed) { run(failing_sources); }

WT_MAIN("api_stream_stage_end")
