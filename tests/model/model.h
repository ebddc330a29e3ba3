/* SPDX-License-Identifier: MIT
 * What the models share: a few actors that meet once, and what a channel looks like afterwards. */
#ifndef WT_MODEL_H
#define WT_MODEL_H

#include "wt_test.h"

#include "chan/chan.h"
#include "sched/worker.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

struct actor {
    void (*act)(void *arg);
    void *arg;
};

/* Runs all of them at once and waits for their ends. Each is a plain thread or, in half of the runs,
 * a task as the seed wills; there are 1 to 3 workers then. */
void model_run(const struct actor *actors, unsigned n);

/* So many points or turns of spinning, 0 to n: where in the others' steps the next one falls. Only
 * while all spin time passes, and a worker that searches falls asleep. */
void model_dawdle(unsigned n);
void model_spin(unsigned n);

/* A channel of ints and its two halves, each to be given up with weft_half_drop. */
struct pipe {
    weft_sender *tx;
    weft_receiver *rx;
};
struct pipe model_open(const weft_chan_opts *opts);
weft_sender *model_ref_tx(weft_sender *tx);
weft_receiver *model_ref_rx(weft_receiver *rx);

int model_send(weft_sender *tx, int value);
int model_recv(weft_receiver *rx, int *value);

/* Nobody waits on it. While nobody uses it. */
void model_expect_no_waiter(struct wf_chan *chan);

#endif
