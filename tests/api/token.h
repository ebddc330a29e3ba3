/* SPDX-License-Identifier: MIT
 * Items that own something: each is made once and ended once, by its consumer or by a drop. */
#ifndef WT_TOKEN_H
#define WT_TOKEN_H

#include <stdatomic.h>
#include <stdlib.h>

struct token {
    int n;
};

static _Atomic int tokens_made, tokens_ended;

__attribute__((unused)) static struct token *token_new(int n)
{
    struct token *token = malloc(sizeof *token);
    ck_assert_ptr_nonnull(token);
    token->n = n;
    atomic_fetch_add(&tokens_made, 1);
    return token;
}

/* Consumes it; its number. */
__attribute__((unused)) static int token_end(struct token *token)
{
    int n = token->n;
    free(token);
    atomic_fetch_add(&tokens_ended, 1);
    return n;
}

/* For .drop of a stream of struct token *. */
__attribute__((unused)) static void token_drop(void *item)
{
    (void)token_end(*(struct token **)item);
}

/* Every run of a body begins here and ends with the check: seeds share the process. */
__attribute__((unused)) static void tokens_begin(void)
{
    atomic_store(&tokens_made, 0);
    atomic_store(&tokens_ended, 0);
}

#define tokens_check() ck_assert_int_eq(atomic_load(&tokens_made), atomic_load(&tokens_ended))

#endif
