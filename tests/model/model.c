/* SPDX-License-Identifier: MIT */
#include "model.h"

enum { ACTORS_MAX = 6 };

WEFT_TASK(act_as_task, (const struct actor *, actor))
{
    actor->act(actor->arg);
    return 0;
}

static void run_threads(const struct actor *actors, unsigned n)
{
    wt_thread *threads[ACTORS_MAX];
    for (unsigned i = 0; i < n; i++)
        threads[i] = wt_thread_start(actors[i].act, actors[i].arg);
    for (unsigned i = 0; i < n; i++)
        wt_thread_join(threads[i]);
}

static void run_mixed(const struct actor *actors, unsigned n)
{
    wt_thread *threads[ACTORS_MAX];
    unsigned n_threads = 0;
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(3))));
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < n; i++)
        if (wt_random_below(3) == 0)
            threads[n_threads++] = wt_thread_start(actors[i].act, actors[i].arg);
        else
            MUST(weft_spawn(&scope, act_as_task, &actors[i]));
    while (n_threads > 0)
        wt_thread_join(threads[--n_threads]);
    MUST(weft_scope_wait(&scope));
}

void model_run(const struct actor *actors, unsigned n)
{
    ck_assert_uint_le(n, ACTORS_MAX);
    if (wt_random_below(2) == 0)
        run_threads(actors, n);
    else
        run_mixed(actors, n);
}

void model_dawdle(unsigned n)
{
    for (uint64_t turns = wt_random_below(n + 1); turns > 0; turns--)
        wf_sim_point();
}

void model_spin(unsigned n)
{
    for (uint64_t turns = wt_random_below(n + 1); turns > 0; turns--)
        wf_cpu_relax();
}

struct pipe model_open(const weft_chan_opts *opts)
{
    struct pipe pipe;
    MUST(weft_channel_open(sizeof(int), opts, &pipe.tx, &pipe.rx, __FILE__, __LINE__));
    pipe.tx = weft_half_take(&pipe.tx); /* to be handed over: the opener is not who holds them */
    pipe.rx = weft_half_take(&pipe.rx);
    return pipe;
}

weft_sender *model_ref_tx(weft_sender *tx) { return weft_half_ref(tx, __FILE__, __LINE__); }

weft_receiver *model_ref_rx(weft_receiver *rx) { return weft_half_ref(rx, __FILE__, __LINE__); }

int model_send(weft_sender *tx, int value) { return weft_sender_send(tx, &value, sizeof value); }

int model_recv(weft_receiver *rx, int *value)
{
    return weft_receiver_recv(rx, value, sizeof *value);
}

void model_expect_no_waiter(struct wf_chan *chan)
{
    wf_chan_lock(chan);
    ck_assert(wf_list_is_empty(&chan->senders));
    ck_assert(wf_list_is_empty(&chan->receivers));
    wf_chan_unlock(chan);
}
