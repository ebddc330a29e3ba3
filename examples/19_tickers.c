/* SPDX-License-Identifier: MIT */
/* Tickers of several sensors, merged into one stream: each tick is made a reading, the readings come
 * as they are due, and the stream ends when all have given theirs. No task waits for any of them. */
#include <stdio.h>
#include <weft.h>

struct reading {
    int sensor;
    int64_t due_ns;
};

WEFT_MAP(read_sensor, struct reading, out, int64_t, due_ns, (int, sensor))
{
    *out = (struct reading){ sensor, due_ns };
    return 0;
}

static int open_sensor(int sensor, int64_t interval_ns, uint64_t n,
                       weft_rx(struct reading) * out_rx)
{
    WEFT_RX(int64_t, ticks);
    WEFT_RX(int64_t, few);
    WEFT_TRY(weft_ticker(interval_ns, &ticks));
    WEFT_TRY(weft_take(WEFT_MOVE(ticks), n, &few));
    return read_sensor_with(WEFT_OPTS(stream, .never_waits = true), WEFT_MOVE(few), sensor, out_rx);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_RX(struct reading, quick);
    WEFT_RX(struct reading, steady);
    WEFT_RX(struct reading, slow);
    WEFT_RX(struct reading, all);
    int n_readings[3] = { 0 };
    int64_t first_ns[3], last_ns[3];
    WEFT_TRY(open_sensor(0, WEFT_MS(1), 12, &quick));
    WEFT_TRY(open_sensor(1, WEFT_MS(2), 6, &steady));
    WEFT_TRY(open_sensor(2, WEFT_MS(4), 3, &slow));
    WEFT_TRY(weft_merge(&all, WEFT_MOVE(quick), WEFT_MOVE(steady), WEFT_MOVE(slow)));
    weft_each (reading, all) {
        int i = reading.sensor;
        last_ns[i] = reading.due_ns;
        if (n_readings[i]++ == 0)
            first_ns[i] = reading.due_ns;
    }
    WEFT_TRY(weft_error(all));
    for (int i = 0; i < 3; i++)
        printf("sensor %d: %d readings, one every %lld ms\n", i, n_readings[i],
               (long long)((last_ns[i] - first_ns[i]) / (n_readings[i] - 1) / WEFT_MS(1)));
    return 0;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
