/* SPDX-License-Identifier: MIT */
/* The classic trap: a consumer waits for ever, because whoever waits for it still holds a sender.
 * weft says so on stderr, by name, and cancels what can never go on. */
#include <stdio.h>
#include <weft.h>

WEFT_TASK(consume, (rx, int, numbers))
{
    weft_each (n, numbers)
        printf("%d\n", n);
    return weft_error(numbers);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, numbers);
    WEFT_SCOPE(scope, .name = "work");
    WEFT_TRY(weft_chan_open(&tx, &numbers, 4, .name = "numbers"));
    WEFT_TRY(weft_spawn(&scope, consume, WEFT_MOVE(numbers)));
    WEFT_TRY(weft_send(tx, 1));
    /* WEFT_DROP(tx) is missing: the loop in consume never ends. */
    return weft_scope_wait(&scope);
}

int main(void)
{
    int rc = weft_run(main_task, NULL);
    printf("%s\n", weft_errname(rc));
    return rc != WEFT_EDEADLK;
}
