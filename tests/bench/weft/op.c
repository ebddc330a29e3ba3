/* SPDX-License-Identifier: MIT */
/* Single operations that never wait: nobody else wants the channel, the scope or the timer. */
#include "bench.h"

int case_chan_try8(struct bench *b);
int case_scope_enter_leave(struct bench *b);
int case_timer_start_cancel(struct bench *b);

int case_chan_try8(struct bench *b)
{
    int64_t sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 128));
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++) {
        int64_t value = 0;
        WEFT_TRY(weft_try_send(tx, i));
        WEFT_TRY(weft_try_recv(rx, &value));
        sum += value;
    }
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

static int enter_and_leave(void)
{
    WEFT_SCOPE(scope);
    return weft_scope_wait(&scope);
}

int case_scope_enter_leave(struct bench *b)
{
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(enter_and_leave());
    bench_end(b);
    return bench_time(b, b->n, "ns");
}

int case_timer_start_cancel(struct bench *b)
{
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++) {
        WEFT_RX(int64_t, timer);
        WEFT_TRY(weft_after(WEFT_SEC(3600), &timer));
    }
    bench_end(b);
    return bench_time(b, b->n, "ns");
}
