/* SPDX-License-Identifier: MIT */
/* AsyncCounter: an object with a next function, which may wait, as something to loop over. */
#include <stdio.h>
#include <weft.h>

struct counter {
    int limit, current;
};

/* As a receive: 1 an item, 0 the end, negative an error. */
static int counter_next(struct counter *self, int *out)
{
    if (self->current >= self->limit)
        return 0;
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    *out = ++self->current;
    return 1;
}
WEFT_ITERATOR(counter, int, struct counter, counter_next);

static int main_task(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    WEFT_TRY(counter((struct counter){ .limit = 5 }, &numbers));
    weft_each (number, numbers)
        printf("%d\n", number);
    return weft_error(numbers);
}

int main(void) { return weft_run(main_task, NULL) < 0; }
