/* SPDX-License-Identifier: MIT
 * Sources of tokens for the tests of combinators, which need "token.h" before. */
#ifndef WT_STREAM_ITEMS_H
#define WT_STREAM_ITEMS_H

static _Atomic int n_pulled, n_source_begun, n_source_ended;

/* 1 to last, then the code: 0 the end. */
WEFT_GENERATOR(tokens, weft_rx(struct token *), (int, last), (int, code))
{
    int rc = 0;
    atomic_fetch_add(&n_source_begun, 1);
    for (int n = 1; n <= last && rc >= 0; n++) {
        atomic_store(&n_pulled, n);
        rc = weft_yield(token_new(n));
    }
    atomic_fetch_add(&n_source_ended, 1);
    return rc < 0 ? rc : code;
}

__attribute__((unused)) static int open_tokens(int last, int code, weft_rx(struct token *) * out_rx)
{
    atomic_store(&n_pulled, 0);
    return tokens_with(WEFT_OPTS(generator, .drop = token_drop), last, code, out_rx);
}

/* The same without a task: select may pull it. */
WEFT_MAP(token_of, struct token *, out, int64_t, n)
{
    *out = token_new((int)n);
    return 0;
}

__attribute__((unused)) static int open_ready_tokens(int last, weft_rx(struct token *) * out_rx)
{
    WEFT_RX(int64_t, numbers);
    WEFT_TRY(weft_range(1, last + 1, 1, &numbers));
    return token_of_with(WEFT_OPTS(stream, .never_waits = true, .drop = token_drop),
                         WEFT_MOVE(numbers), out_rx);
}

__attribute__((unused)) static int token_clone(void *to, const void *from)
{
    *(struct token **)to = token_new((*(struct token *const *)from)->n);
    return 0;
}

/* The sources that were begun have ended, and each token was ended once. */
__attribute__((unused)) static void run_tokens(int (*main_task)(void *))
{
    tokens_begin();
    atomic_store(&n_source_begun, 0);
    atomic_store(&n_source_ended, 0);
    ck_assert_int_eq(weft_run(main_task, NULL), 0);
    tokens_check();
    ck_assert_int_eq(atomic_load(&n_source_ended), atomic_load(&n_source_begun));
}

#endif
