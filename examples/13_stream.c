/* SPDX-License-Identifier: MIT */
/* Combinators: map, filter and take, pulled in the consumer's own task. No task, no buffer, and
 * nothing is made that nobody takes: take closes its source with its last item. */
#include <stdio.h>
#include <weft.h>

WEFT_GENERATOR(count_up, weft_rx(int))
{
    for (int n = 1;; n++) {
        int rc = weft_yield(n);
        if (rc < 0) {
            printf("the source stopped at %d\n", n);
            return rc;
        }
    }
}

WEFT_MAP(square, long, out, int, n)
{
    *out = (long)n * n;
    return 0;
}

WEFT_FILTER(ends_with, long, n, (int, digit)) { return n % 10 == digit; }

static int main_task(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    WEFT_RX(long, squares);
    WEFT_RX(long, nines);
    WEFT_RX(long, four);
    WEFT_TRY(count_up(&numbers));
    WEFT_TRY(square(WEFT_MOVE(numbers), &squares));
    WEFT_TRY(ends_with(WEFT_MOVE(squares), 9, &nines));
    WEFT_TRY(weft_take(WEFT_MOVE(nines), 4, &four));
    weft_each (n, four)
        printf("%ld\n", n);
    return weft_error(four);
}

int main(void) { return weft_run(main_task, NULL) < 0; }
