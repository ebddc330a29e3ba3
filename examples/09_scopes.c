/* SPDX-License-Identifier: MIT */
/* Scopes: results gathered, a deadline, and a child's error that cancels its siblings. */
#include <stdio.h>
#include <weft.h>

WEFT_TASK(square, (int, n), (int *, out_square))
{
    WEFT_TRY(weft_sleep(WEFT_MS(5)));
    *out_square = n * n;
    return 0;
}

WEFT_TASK(fail_soon)
{
    WEFT_TRY(weft_sleep(WEFT_MS(20)));
    return -EIO;
}

WEFT_TASK(sleep_long)
{
    int rc = weft_sleep(WEFT_SEC(60));
    printf("sleeper: %s\n", weft_errname(rc));
    return rc;
}

static int collect(void)
{
    int squares[8]; /* before the scope, so that it outlives the children */
    WEFT_SCOPE(scope);
    for (int i = 0; i < 8; i++)
        WEFT_TRY(weft_spawn(&scope, square, i, &squares[i]));
    WEFT_TRY(weft_scope_wait(&scope));
    printf("last square: %d\n", squares[7]);
    return 0;
}

static int with_deadline(void)
{
    WEFT_SCOPE(limit, .timeout_ns = WEFT_MS(50));
    WEFT_TRY(weft_spawn(&limit, sleep_long));
    return weft_scope_wait(&limit);
}

static int with_error(void)
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, sleep_long));
    WEFT_TRY(weft_spawn(&scope, fail_soon));
    return weft_scope_wait(&scope);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(collect());
    printf("deadline: %s\n", weft_errname(with_deadline()));
    printf("error: %s\n", weft_errname(with_error()));
    return 0;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
