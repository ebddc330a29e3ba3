/* SPDX-License-Identifier: MIT */
/* A pool: typed arguments, halves handed over; when the last worker ends, the results end. */
#include <stdio.h>
#include <weft.h>

struct job {
    int id;
};

struct result {
    int id, square;
};

WEFT_TASK(producer, (tx, struct job, out), (int, count))
{
    for (int i = 1; i <= count; i++)
        WEFT_TRY(weft_send(out, (struct job){ .id = i }));
    return 0;
}

WEFT_TASK(worker, (rx, struct job, jobs), (tx, struct result, results))
{
    weft_each (job, jobs)
        WEFT_TRY(weft_send(results, (struct result){ job.id, job.id * job.id }));
    return weft_error(jobs);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TX(struct job, job_tx);
    WEFT_RX(struct job, jobs);
    WEFT_TX(struct result, result_tx);
    WEFT_RX(struct result, results);
    WEFT_SCOPE(scope, .name = "pool");

    WEFT_TRY(weft_chan_open(&job_tx, &jobs, 64, .name = "jobs"));
    WEFT_TRY(weft_chan_open(&result_tx, &results, 64, .name = "results"));
    WEFT_TRY(weft_spawn(&scope, producer, WEFT_MOVE(job_tx), 10));
    WEFT_TRY(weft_spawn_n(&scope, 4, worker, WEFT_MOVE(jobs), WEFT_MOVE(result_tx)));

    int sum = 0;
    weft_each (result, results)
        sum += result.square;
    printf("sum of squares: %d\n", sum);
    return weft_scope_wait(&scope);
}

int main(void) { return weft_run(main_task, NULL) < 0; }
