/* SPDX-License-Identifier: MIT
 * Model of a pollable receiver (chan/pollable.c, L1 to L3): whatever its holder tries while others
 * send, once nobody is at it the descriptor is readable if something is there; and nobody who tells
 * of an item touches a receiver that has gone. */
#include "model.h"

#include <poll.h>

enum { N_VALUES = 3, N_TURNS = 6 };

struct loop {
    weft_receiver *polled;
    int fd;
    unsigned n; /* received */
};

static bool is_readable(int fd)
{
    struct pollfd entry = { .fd = fd, .events = POLLIN };
    return poll(&entry, 1, 0) == 1;
}

static void send_values(void *arg)
{
    weft_sender *tx = arg;
    for (int i = 0; i < N_VALUES; i++) {
        int rc = model_send(tx, i);
        ck_assert(rc == 0 || rc == WEFT_ECLOSED);
        model_dawdle(20);
    }
    weft_half_drop(&tx);
}

static int try_one(struct loop *loop)
{
    int value, rc = weft_receiver_try_recv(loop->polled, &value, sizeof value);
    loop->n += rc > 0;
    return rc;
}

/* When it is readable, and sometimes when it is not. */
static void try_some(void *arg)
{
    struct loop *loop = arg;
    for (int i = 0; i < N_TURNS; i++) {
        model_dawdle(30);
        if (is_readable(loop->fd) || wt_random_below(3) == 0)
            (void)try_one(loop);
    }
}

static void try_and_leave(void *arg)
{
    struct loop *loop = arg;
    for (uint64_t n = wt_random_below(3); n > 0; n--)
        (void)try_one(loop);
    model_dawdle(60);
    weft_half_drop(&loop->polled);
}

static struct pipe open_polled(struct loop *loop)
{
    struct pipe pipe = model_open(WEFT_OPTS(chan, .capacity = 2 * N_VALUES));
    *loop = (struct loop){ .fd = -1 };
    MUST(weft_pollable_open(pipe.rx, sizeof(int), NULL, &loop->polled, &loop->fd));
    return pipe;
}

static void run(struct pipe *pipe, void (*act)(void *loop), struct loop *loop)
{
    struct actor actors[] = {
        { send_values, model_ref_tx(pipe->tx) },
        { send_values, model_ref_tx(pipe->tx) },
        { act, loop },
    };
    weft_half_drop(&pipe->tx);
    model_run(actors, 3);
}

/* A descriptor that is set too often is cleared by the next try. */
WT_TEST(what_is_there_is_told)
{
    struct loop loop;
    struct pipe pipe = open_polled(&loop);
    run(&pipe, try_some, &loop);
    while (!loop.polled->is_ended) {
        ck_assert(is_readable(loop.fd));
        ck_assert_int_ge(try_one(&loop), WEFT_EAGAIN);
    }
    ck_assert_uint_eq(loop.n, 2 * N_VALUES);
    weft_half_drop(&loop.polled);
}

WT_TEST(who_leaves_is_not_told)
{
    struct loop loop;
    struct pipe pipe = open_polled(&loop);
    run(&pipe, try_and_leave, &loop);
}

WT_MAIN("pollable_model")
