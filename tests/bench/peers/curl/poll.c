/* SPDX-License-Identifier: MIT */
/* curl_multi_perform and curl_multi_poll. */
#include "../common.h"
#include "bench.h"

static void loop(struct many *it)
{
    int n_running;
    many_start(it);
    while (it->n_done < it->n) {
        if (curl_multi_perform(it->multi, &n_running) != CURLM_OK)
            fail("perform");
        many_next(it);
        if (it->n_done < it->n && curl_multi_poll(it->multi, NULL, 0, 1000, NULL) != CURLM_OK)
            fail("poll");
    }
}

static void many64(int64_t n, int workers)
{
    (void)workers;
    many_run(loop, "BENCH_HTTP", "/1k", 64, n);
}

static void many5000(int64_t n, int workers)
{
    (void)workers;
    many_run(loop, "BENCH_SLOW", "/now", 5000, n);
}

static void slow(int64_t n, int workers)
{
    (void)workers;
    many_run(loop, "BENCH_SLOW", "/later", (int)n, n);
}

const struct bench_case poll_cases[] = {
    { "http_many", 1, many64 },
    { "http_many_c5000", 1, many5000 },
    { "http_slow_8k_conc", 1, slow },
    { NULL, 0, NULL },
};
