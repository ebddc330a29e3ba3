/* SPDX-License-Identifier: MIT
 * For tests of channels: to know, without sleeping, that somebody waits on one. */
#ifndef CHAN_WAITERS_H
#define CHAN_WAITERS_H

#include "wt_test.h"

#include "chan/chan.h"

#include <weft.h>

struct chan_waiters {
    struct wf_chan *chan;
    size_t n_senders, n_receivers;
};

static inline size_t chan_count_links(struct wf_list *list)
{
    size_t n = 0;
    wf_list_each (link, list)
        n++;
    return n;
}

static inline bool chan_has_waiters(void *arg)
{
    const struct chan_waiters *want = arg;
    wf_chan_lock(want->chan);
    size_t n_senders = chan_count_links(&want->chan->senders);
    size_t n_receivers = chan_count_links(&want->chan->receivers);
    wf_chan_unlock(want->chan);
    return n_senders == want->n_senders && n_receivers == want->n_receivers;
}

/* Waits until exactly so many nodes are on the channel's lists. For plain threads. */
static inline void chan_until_waiting(struct wf_chan *chan, size_t n_senders, size_t n_receivers)
{
    struct chan_waiters want = { chan, n_senders, n_receivers };
    wt_until(chan_has_waiters, &want);
}

#define CHAN_OF_TX(tx) (WEFT_TX_RAW_(tx)->chan)
#define CHAN_OF_RX(rx) ((struct wf_chan *)WEFT_RX_RAW_(rx)->source)

#endif
