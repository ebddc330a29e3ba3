/* SPDX-License-Identifier: MIT */
/* While a loop waits for its next item, other tasks run: here the one that makes the reply. */
#include <stdio.h>
#include <weft.h>

WEFT_TASK(server, (rx, int, requests), (tx, int, replies))
{
    weft_each (n, requests) {
        printf("the loop waits; this task works on request %d\n", n);
        WEFT_TRY(weft_send(replies, n * 100));
    }
    puts("no more requests");
    return weft_error(requests);
}

/* Asks for the next reply only when its consumer wants the next item. */
WEFT_GENERATOR(ask, weft_rx(int), (tx, int, requests), (rx, int, replies), (int, n_requests))
{
    for (int n = 1; n <= n_requests; n++) {
        int reply;
        WEFT_TRY(weft_send(requests, n));
        if (WEFT_TRY(weft_recv(replies, &reply)) == 0)
            break; /* the server has gone */
        WEFT_TRY(weft_yield(reply));
    }
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TX(int, request_tx);
    WEFT_RX(int, requests);
    WEFT_TX(int, reply_tx);
    WEFT_RX(int, replies);
    WEFT_RX(int, items);
    WEFT_SCOPE(scope);

    WEFT_TRY(weft_chan_open(&request_tx, &requests, 1));
    WEFT_TRY(weft_chan_open(&reply_tx, &replies, 1));
    WEFT_TRY(weft_spawn(&scope, server, WEFT_MOVE(requests), WEFT_MOVE(reply_tx)));
    WEFT_TRY(ask(WEFT_MOVE(request_tx), WEFT_MOVE(replies), 3, &items));

    weft_each (item, items)
        printf("item %d\n", item);
    WEFT_TRY(weft_error(items));
    return weft_scope_wait(&scope); /* the server ends: nobody is left to ask */
}

int main(void) { return weft_run(main_task, NULL) < 0; }
