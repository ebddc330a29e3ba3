/* SPDX-License-Identifier: MIT */
/* Cancellation: every wait in a cancelled scope returns WEFT_ECANCELED, until teardown, which
 * is shielded and may wait. */
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

typedef struct order {
    int number;
} order;

static int order_begin(int number, order **out)
{
    *out = malloc(sizeof **out);
    if (*out == NULL)
        return WEFT_ENOMEM;
    (*out)->number = number;
    return 0;
}

/* Told how it went: the result of the last line, or WEFT_ABANDONED from a brace. */
static int order_end(order *it, int rc)
{
    int waited = weft_sleep(WEFT_MS(5)); /* shielded */
    printf("order %d: %s, clean-up %s\n", it->number, rc < 0 ? "rolled back" : "committed",
           waited < 0 ? "cut short" : "complete");
    free(it);
    return rc;
}
WEFT_DEFINE_AUTO_STATUS(order, order_end)

WEFT_TASK(handle_order, (int, number), (int64_t, takes_ns))
{
    WEFT_AUTO(order, it);
    WEFT_TRY(order_begin(number, &it));
    WEFT_TRY(weft_sleep(takes_ns)); /* cancelled: returns, and the brace rolls back */
    return weft_close_with(it, 0);
}

static int run_order(int number, int64_t takes_ns, bool is_cancelled)
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, handle_order, number, takes_ns));
    if (is_cancelled)
        weft_scope_cancel(&scope);
    return weft_scope_wait(&scope);
}

static int waits(void)
{
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    printf("a wait in a cancelled scope: %s\n", weft_errname(weft_sleep(WEFT_SEC(60))));

    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = weft_sleep(WEFT_MS(5));
    weft_shield_end(&shield);
    printf("behind a shield: %s\n", rc == 0 ? "it waits" : weft_errname(rc));
    return weft_scope_wait(&scope); /* 0: the cancel was its own */
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(run_order(1, WEFT_MS(1), false));
    WEFT_TRY(run_order(2, WEFT_SEC(60), true));
    return waits();
}

int main(void) { return weft_run(main_task, NULL) < 0; }
