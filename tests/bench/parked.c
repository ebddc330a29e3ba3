/* SPDX-License-Identifier: MIT
 * parked [N [CHANNELS]]: N tasks (a million) wait on channels at the same time, each on a guarded
 * stack of its own. Says what one costs: resident bytes, bytes of page tables, time to make, time
 * to wake and end.
 *
 * Where guards cost the kernel a mapping each (before Linux 6.13), stacks end far below a million:
 * then it says so, and measures those that there are. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

struct parked {
    long n, n_channels;
    _Atomic long n_waiting, n_woken;
};

struct memory {
    long resident_kib, tables_kib;
};

static struct memory memory_now(void)
{
    struct memory memory = { 0, 0 };
    char line[200];
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "VmRSS: %ld", &memory.resident_kib);
        (void)sscanf(line, "VmPTE: %ld", &memory.tables_kib);
    }
    if (file != NULL)
        fclose(file);
    return memory;
}

WEFT_TASK(wait_for_end, (rx, int, in), (struct parked *, parked))
{
    int value;
    parked->n_waiting++;
    int rc = weft_recv(in, &value);
    parked->n_woken++;
    return rc;
}

/* A channel with its share of the tasks. */
static int park_share(weft_scope *scope, struct parked *parked, long share, void **out_tx)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    *out_tx = (void *)WEFT_STEAL(tx);
    for (long i = 0; i < share; i++)
        WEFT_TRY(weft_spawn(scope, wait_for_end, weft_ref(rx), parked));
    return 0;
}

static int await_parked(const struct parked *parked, uint64_t n)
{
    while ((uint64_t)parked->n_waiting < n)
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    return weft_sleep(WEFT_MS(20)); /* the last are on their way from the count to the wait */
}

static uint64_t tasks_now(void)
{
    weft_stats stats = { .size_ = sizeof stats };
    return weft_stats_get(&stats) < 0 ? 0 : stats.live_tasks;
}

static void tell(const char *what, double value, const char *unit)
{
    printf("%-34s %12.0f %s\n", what, value, unit);
}

static int park_and_measure(struct parked *parked, void **txs)
{
    WEFT_SCOPE(scope, .name = "parked");
    struct memory before = memory_now();
    int64_t began_ns = weft_now_ns();
    int rc = 0;
    for (long c = 0; c < parked->n_channels && rc >= 0; c++) {
        long share = parked->n / parked->n_channels + (c < parked->n % parked->n_channels);
        rc = park_share(&scope, parked, share, &txs[c]);
    }
    double n = (double)(tasks_now() - 1); /* but for this one */
    if (rc == WEFT_ENOMEM)
        printf("skipped the rest after %.0f tasks: %s (guards need a mapping each before Linux "
               "6.13, and vm.max_map_count limits those)\n",
               n, weft_strerror(rc));
    else if (rc < 0)
        return rc;
    WEFT_TRY(await_parked(parked, (uint64_t)n));
    int64_t parked_ns = weft_now_ns();
    struct memory after = memory_now();

    for (long c = 0; c < parked->n_channels; c++)
        if (txs[c] != NULL)
            weft_half_drop(&txs[c]);
    WEFT_TRY(weft_scope_wait(&scope));
    int64_t ended_ns = weft_now_ns();

    tell("tasks parked at once", n, "");
    tell("resident memory for each", (double)(after.resident_kib - before.resident_kib) * 1024 / n,
         "bytes");
    tell("page tables for each", (double)(after.tables_kib - before.tables_kib) * 1024 / n,
         "bytes");
    tell("to make and park each", (double)(parked_ns - began_ns) / n, "ns");
    tell("to wake and end each", (double)(ended_ns - parked_ns) / n, "ns");
    return parked->n_woken == (long)n ? 0 : WEFT_EINVAL;
}

static int main_task(void *arg)
{
    struct parked *parked = arg;
    void **txs = calloc((size_t)parked->n_channels, sizeof *txs);
    if (txs == NULL)
        return WEFT_ENOMEM;
    int rc = park_and_measure(parked, txs);
    free(txs);
    return rc;
}

int main(int argc, char **argv)
{
    struct parked parked = {
        .n = argc > 1 ? atol(argv[1]) : 1000000,
        .n_channels = argc > 2 ? atol(argv[2]) : 1000,
    };
    if (parked.n < 1 || parked.n_channels < 1) {
        fprintf(stderr, "usage: %s [N [CHANNELS]]\n", argv[0]);
        return 2;
    }
    int rc = weft_run(main_task, &parked);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", argv[0], weft_strerror(rc));
    return rc < 0;
}
