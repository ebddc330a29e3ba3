/* SPDX-License-Identifier: MIT */
/* Select: one receiver waits for the first of many senders, each with a channel of its own. */
#include "bench.h"

int case_select4_unbuf(struct bench *b);
int case_select4_cap128(struct bench *b);
int case_select64_unbuf(struct bench *b);
int case_select64_cap128(struct bench *b);

enum { MAX_SENDERS = 64 };

WEFT_TASK(send_share, (int64_t, first), (int64_t, n), (tx, int64_t, out))
{
    for (int64_t i = first; i < first + n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

/* Takes values until the last of the n channels has ended. */
static int drain(weft_case *cases, int n, const int64_t *value, int64_t *out_sum)
{
    int64_t sum = 0;
    for (int n_open = n; n_open > 0;) {
        int rc = 0;
        int i = WEFT_TRY(weft_select_from(cases, (size_t)n, &rc));
        if (rc < 0)
            return rc;
        if (rc > 0) {
            sum += *value;
        } else {
            cases[i] = (weft_case){ .kind = WEFT_CASE_NONE };
            n_open--;
        }
    }
    *out_sum = sum;
    return 0;
}

typedef struct receivers {
    weft_rx(int64_t) rx[MAX_SENDERS];
} receivers;

static int receivers_drop(receivers *all)
{
    for (int i = 0; i < MAX_SENDERS; i++)
        WEFT_DROP(all->rx[i]);
    return 0;
}
WEFT_DEFINE_AUTO(receivers, receivers_drop)

static int select_n(struct bench *b, size_t capacity, int n_senders)
{
    receivers held = { { NULL } };
    WEFT_AUTO(receivers, all);
    weft_case cases[MAX_SENDERS];
    int64_t value = 0, sum = 0, share = b->n / n_senders;
    WEFT_SCOPE(scope);
    all = &held;
    bench_begin(b);
    for (int i = 0; i < n_senders; i++) {
        WEFT_TX(int64_t, tx);
        WEFT_TRY(weft_chan_open(&tx, &all->rx[i], capacity));
        WEFT_TRY(weft_spawn(&scope, send_share, i * share, share, WEFT_MOVE(tx)));
        cases[i] = weft_on_recv(all->rx[i], &value);
    }
    WEFT_TRY(drain(cases, n_senders, &value, &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", sum, bench_sum_to(share * n_senders)));
    return bench_time(b, share * n_senders, "ns");
}

int case_select4_unbuf(struct bench *b) { return select_n(b, 0, 4); }

int case_select4_cap128(struct bench *b) { return select_n(b, 128, 4); }

int case_select64_unbuf(struct bench *b) { return select_n(b, 0, 64); }

int case_select64_cap128(struct bench *b) { return select_n(b, 128, 64); }
