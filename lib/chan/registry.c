/* SPDX-License-Identifier: MIT
 * In shards by address, so that openers rarely meet. A shard's lock comes before a channel's. */
#include "chan/registry.h"

enum { N_SHARDS = 8 };

static struct shard {
    WF_CACHE_ALIGNED struct wf_lock lock; /* unranked: outside it only a scope's may be held */
    struct wf_list chans;                 /* its next is NULL until the first use */
    uint64_t sent, received, dropped;     /* on channels that are gone */
} shards[N_SHARDS] = { [0 ... N_SHARDS - 1] = { .lock = WF_LOCK_INIT(WF_RANK_NONE) } };

static struct shard *shard_of(const void *address)
{
    uintptr_t bits = (uintptr_t)address >> 7;
    return &shards[(bits ^ (bits >> 6)) % N_SHARDS];
}

static struct wf_list *lock_shard(struct shard *shard)
{
    wf_lock_acquire(&shard->lock);
    if (shard->chans.head.next == NULL)
        wf_list_init(&shard->chans);
    return &shard->chans;
}

void wf_chan_register(struct wf_chan *ch)
{
    struct shard *shard = shard_of(ch);
    wf_list_push_back(lock_shard(shard), &ch->shard_link);
    wf_lock_release(&shard->lock);
}

void wf_chan_unregister(struct wf_chan *ch)
{
    struct shard *shard = shard_of(ch);
    wf_lock_acquire(&shard->lock);
    wf_list_remove(&ch->shard_link);
    shard->sent += ch->n_sent;
    shard->received += ch->n_received;
    shard->dropped += ch->n_dropped;
    wf_lock_release(&shard->lock);
}

void wf_chan_each(void (*fn)(struct wf_chan *ch, void *arg), void *arg)
{
    for (struct shard *shard = shards; shard < shards + N_SHARDS; shard++) {
        struct wf_list *chans = lock_shard(shard);
        wf_list_each (link, chans)
            fn(WF_CONTAINER(link, struct wf_chan, shard_link), arg);
        wf_lock_release(&shard->lock);
    }
}

bool wf_chan_with(const void *address, void (*fn)(struct wf_chan *ch, void *arg), void *arg)
{
    struct shard *shard = shard_of(address);
    struct wf_chan *found = NULL;
    struct wf_list *chans = lock_shard(shard);
    wf_list_each (link, chans) {
        struct wf_chan *ch = WF_CONTAINER(link, struct wf_chan, shard_link);
        if (ch == address)
            found = ch;
    }
    if (found != NULL)
        fn(found, arg);
    wf_lock_release(&shard->lock);
    return found != NULL;
}

struct totals {
    uint64_t sent, received, dropped;
};

static void add_to_totals(struct wf_chan *ch, void *arg)
{
    struct totals *totals = arg;
    wf_chan_lock(ch);
    totals->sent += ch->n_sent;
    totals->received += ch->n_received;
    totals->dropped += ch->n_dropped;
    wf_lock_release(&ch->lock); /* unchecked: an open is between its two halves */
}

void wf_chan_totals(uint64_t *out_sent, uint64_t *out_received, uint64_t *out_dropped)
{
    struct totals totals = { 0 };
    for (struct shard *shard = shards; shard < shards + N_SHARDS; shard++) {
        struct wf_list *chans = lock_shard(shard);
        wf_list_each (link, chans)
            add_to_totals(WF_CONTAINER(link, struct wf_chan, shard_link), &totals);
        totals.sent += shard->sent;
        totals.received += shard->received;
        totals.dropped += shard->dropped;
        wf_lock_release(&shard->lock);
    }
    *out_sent = totals.sent;
    *out_received = totals.received;
    *out_dropped = totals.dropped;
}
