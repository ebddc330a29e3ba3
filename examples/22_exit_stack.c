/* SPDX-License-Identifier: MIT */
/* As many resources as turn out to be needed, closed as one, the latest first; and what happens to
 * one that nobody closes. The Python model is AsyncExitStack. */
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

typedef struct shelf {
    weft_resource entry;
    int number;
} shelf;

static int shelf_open(int number, shelf **out_shelf)
{
    if (number == 3)
        return -ENOENT;
    shelf *it = malloc(sizeof *it);
    if (it == NULL)
        return WEFT_ENOMEM;
    it->number = number;
    WEFT_OPENED(&it->entry, "shelf", NULL);
    *out_shelf = it;
    return 0;
}

static int shelf_close(shelf *it)
{
    printf(" -%d", it->number);
    weft_resource_closed(&it->entry);
    free(it);
    return weft_sleep(WEFT_MS(1)); /* shielded */
}
WEFT_DEFINE_AUTO(shelf, shelf_close)

/* All of them, or none. */
static int open_shelves(int n, weft_exit_stack **out_stack)
{
    WEFT_AUTO(weft_exit_stack, stack);
    for (int i = 0; i < n; i++) {
        WEFT_AUTO(shelf, it);
        WEFT_TRY(shelf_open(i, &it));
        printf(" +%d", i);
        WEFT_TRY(weft_exit_keep(&stack, shelf, it));
    }
    *out_stack = WEFT_STEAL(stack);
    return 0;
}

static void say(void *text) { printf("%s", (const char *)text); }

static int use_shelves(int n)
{
    weft_defer(say, "\n");
    WEFT_AUTO(weft_exit_stack, stack);
    int rc = open_shelves(n, &stack);
    printf(" %s", weft_errname(rc));
    return weft_close_with(stack, rc);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(use_shelves(3));
    return use_shelves(5) == -ENOENT ? 0 : -1;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
