/* SPDX-License-Identifier: MIT */
/* The first program: two tasks in a scope, which ends when both have. */
#include <stdio.h>
#include <weft.h>

WEFT_TASK(greet, (const char *, who), (int64_t, after_ns))
{
    WEFT_TRY(weft_sleep(after_ns)); /* the task waits, no thread does */
    printf("hello, %s\n", who);
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, greet, "weft", WEFT_MS(200)));
    WEFT_TRY(weft_spawn(&scope, greet, "world", 0));
    return weft_scope_wait(&scope);
}

int main(void) { return weft_run(main_task, NULL) < 0; }
