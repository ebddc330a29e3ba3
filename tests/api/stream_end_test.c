/* SPDX-License-Identifier: MIT
 * What a stream comes to: fold, collect, catch, on_end. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

/* ---- fold ------------------------------------------------------------------------------------- */

WEFT_FOLD(total, int, sum, struct token *, token, (int, factor))
{
    int n = token_end(token);
    *sum += n * factor;
    return n == 7 ? -EDOM : 0;
}

static int fold_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    int sum = 100;
    WEFT_TRY(open_tokens(4, 0, &source));
    WEFT_TRY(total(WEFT_MOVE(source), 2, &sum));
    ck_assert_int_eq(sum, 120);
    WEFT_TRY(open_tokens(4, -EIO, &source));
    ck_assert_int_eq(total(WEFT_MOVE(source), 1, &sum), -EIO);
    ck_assert_int_eq(sum, 130);
    WEFT_TRY(open_tokens(9, 0, &source));
    ck_assert_int_eq(total(WEFT_MOVE(source), 1, &sum), -EDOM);
    ck_assert_int_eq(atomic_load(&n_source_ended), 3);
    ck_assert_int_eq(total(WEFT_MOVE(source), 1, &sum), WEFT_EINVAL);
    return 0;
}

WT_TEST(fold_reads_a_stream_to_its_end) { run_tokens(fold_main); }

/* ---- collect ---------------------------------------------------------------------------------- */

static int collect_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    struct token **items = NULL;
    size_t n = 7;
    WEFT_TRY(open_tokens(100, -EIO, &source));
    ck_assert_int_eq(weft_collect(WEFT_MOVE(source), &items, &n), -EIO);
    ck_assert_ptr_null(items);
    ck_assert_uint_eq(n, 7);
    WEFT_TRY(open_tokens(100, 0, &source));
    WEFT_TRY(weft_collect(WEFT_MOVE(source), &items, &n));
    ck_assert_uint_eq(n, 100);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(token_end(items[i]), (int)i + 1);
    weft_free(items);
    return 0;
}

WT_TEST(collect_gathers_all_or_drops_them) { run_tokens(collect_main); }

/* ---- catch ------------------------------------------------------------------------------------ */

static int n_caught;

WEFT_CATCH(or_three_more, struct token *, code, out_rx)
{
    n_caught++;
    ck_assert_int_eq(atomic_load(&n_source_ended), 1); /* the failed one is closed */
    switch (code) {
    case -EIO: return open_tokens(3, -ENODEV, out_rx);
    case -EDOM: return 0;
    case WEFT_ECANCELED: return open_tokens(2, 0, out_rx);
    default: return -EPERM;
    }
}

static int catch_code(int code, int *out_n)
{
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    struct token *token;
    *out_n = n_caught = 0;
    atomic_store(&n_source_ended, 0);
    atomic_store(&n_source_begun, 0);
    WEFT_TRY(open_tokens(5, code, &source));
    WEFT_TRY(or_three_more(WEFT_MOVE(source), &rx));
    weft_each (t, rx) {
        token_end(t);
        ++*out_n;
    }
    int rc = weft_error(rx);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    return rc;
}

static int catch_main(void *arg)
{
    (void)arg;
    int n;
    ck_assert_int_eq(catch_code(0, &n), 0);
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(n_caught, 0);
    ck_assert_int_eq(catch_code(-EIO, &n), -ENODEV); /* not caught again */
    ck_assert_int_eq(n, 8);
    ck_assert_int_eq(catch_code(-EDOM, &n), 0);
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(catch_code(-ESRCH, &n), -EPERM);
    ck_assert_int_eq(n_caught, 1);
    ck_assert_int_eq(catch_code(WEFT_ECANCELED, &n), 0); /* the stream's own end */
    ck_assert_int_eq(n, 7);
    return 0;
}

/* A channel and a buffer end with the code that they are told. */
static int catch_of_channel_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        WEFT_TX(struct token *, tx);
        WEFT_RX(struct token *, source);
        WEFT_RX(struct token *, ahead);
        WEFT_RX(struct token *, rx);
        int n = 0;
        n_caught = 0;
        atomic_store(&n_source_ended, 1); /* of what is asserted when it is caught */
        atomic_store(&n_source_begun, 1);
        WEFT_TRY(weft_chan_open(&tx, &source, 4, .drop = token_drop));
        WEFT_TRY(weft_end(tx, WEFT_ECANCELED));
        if (i == 1) {
            WEFT_TRY(weft_buffer(WEFT_MOVE(source), 4, &ahead));
            WEFT_TRY(or_three_more(WEFT_MOVE(ahead), &rx));
        } else {
            WEFT_TRY(or_three_more(WEFT_MOVE(source), &rx));
        }
        weft_each (token, rx) {
            token_end(token);
            n++;
        }
        ck_assert_int_eq(weft_error(rx), 0);
        ck_assert_int_eq(n_caught, 1);
        ck_assert_int_eq(n, 2);
    }
    return 0;
}

WT_TEST(catch_hears_of_a_channel_that_ended_as_cancelled) { run_tokens(catch_of_channel_main); }

WT_TEST(catch_goes_on_with_another_stream_once) { run_tokens(catch_main); }

/* ---- on_end ----------------------------------------------------------------------------------- */

WEFT_ON_END(told, struct token *, code, (int *, out_code), (int, result))
{
    ck_assert_int_eq(*out_code, 1); /* once */
    *out_code = code;
    return result;
}

static int on_end_main(void *arg)
{
    (void)arg;
    struct token *token;
    int code = 1; /* before what writes there at its close */
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    WEFT_TRY(open_tokens(1, -EIO, &source));
    WEFT_TRY(told(WEFT_MOVE(source), &code, -EDOM, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    ck_assert_int_eq(code, 1);
    ck_assert_int_eq(weft_recv(rx, &token), -EDOM);
    ck_assert_int_eq(code, -EIO);
    ck_assert_int_eq(weft_close(rx), 0);
    WEFT_DROP(rx);

    code = 1;
    WEFT_TRY(open_tokens(1, -EIO, &source));
    WEFT_TRY(told(WEFT_MOVE(source), &code, 0, &rx));
    weft_each (t, rx)
        token_end(t);
    ck_assert_int_eq(weft_error(rx), 0);
    ck_assert_int_eq(code, -EIO);
    WEFT_DROP(rx);

    code = 1;
    WEFT_TRY(open_tokens(0, 0, &source));
    WEFT_TRY(told(WEFT_MOVE(source), &code, 0, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    ck_assert_int_eq(code, 0);
    WEFT_DROP(rx);

    code = 1;
    WEFT_TRY(open_tokens(5, 0, &source));
    WEFT_TRY(told(WEFT_MOVE(source), &code, -EBADF, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    ck_assert_int_eq(weft_close(rx), -EBADF);
    ck_assert_int_eq(code, WEFT_ECLOSED);
    return 0;
}

WT_TEST(on_end_tells_once_how_it_ended) { run_tokens(on_end_main); }

static int cancelled_on_end_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    struct token *token;
    int code = 1; /* before what writes there at its close */
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    WEFT_TRY(weft_chan_open(&tx, &source, 1, .drop = token_drop));
    WEFT_TRY(told(WEFT_MOVE(source), &code, 0, &rx));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(10));
        ck_assert_int_eq(weft_recv(rx, &token), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    ck_assert_int_eq(code, 1);
    WEFT_TRY(weft_send(tx, token_new(1)));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    return 0;
}

WT_TEST(a_cancelled_receive_is_no_end) { run_tokens(cancelled_on_end_main); }

WT_MAIN("api_stream_end")
