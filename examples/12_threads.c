/* SPDX-License-Identifier: MIT */
/* Plain threads and tasks share channels: whatever waits in weft waits in a thread too. */
#include <pthread.h>
#include <stdio.h>
#include <weft.h>

enum { N_VALUES = 1000 };

/* A thread of the program's own, which knows nothing of tasks. The half it is given is its own. */
static void *produce(void *arg)
{
    WEFT_TX(int, out);
    out = *(weft_tx(int) *)arg;
    for (int i = 1; i <= N_VALUES; i++)
        if (weft_send(out, i) < 0) /* the channel is full: this thread waits */
            break;
    return NULL;
}

WEFT_TASK(twice, (rx, int, in), (tx, int, out))
{
    weft_each (n, in)
        WEFT_TRY(weft_send(out, 2 * n));
    return weft_error(in);
}

/* No weft_run here: a scope in a plain thread starts the runtime if it has to. */
static int add_up(int64_t *out_sum)
{
    pthread_t thread;
    weft_tx(int) number_tx = NULL;
    WEFT_RX(int, numbers);
    WEFT_TX(int, double_tx);
    WEFT_RX(int, doubles);
    WEFT_SCOPE(scope);

    WEFT_TRY(weft_chan_open(&number_tx, &numbers, 8));
    if (pthread_create(&thread, NULL, produce, &number_tx) != 0) {
        WEFT_DROP(number_tx);
        return WEFT_EAGAIN;
    }
    int rc = weft_chan_open(&double_tx, &doubles, 8);
    if (rc == 0)
        rc = weft_spawn_n(&scope, 2, twice, WEFT_MOVE(numbers), WEFT_MOVE(double_tx));
    WEFT_DROP(numbers); /* if no task has it, the thread gets WEFT_ECLOSED */
    if (rc == 0)
        weft_each (n, doubles)
            *out_sum += n;
    pthread_join(thread, NULL);
    return rc < 0 ? rc : weft_scope_wait(&scope);
}

int main(void)
{
    int64_t sum = 0;
    int rc = add_up(&sum);
    printf("1 to %d, doubled in tasks, add up to %lld\n", N_VALUES, (long long)sum);
    return rc < 0;
}
