/* SPDX-License-Identifier: MIT
 * All channels there are: for statistics, dumps and the deadlock report. */
#ifndef WF_CHAN_REGISTRY_H
#define WF_CHAN_REGISTRY_H

#include "chan/chan.h"

void wf_chan_register(struct wf_chan *ch);
void wf_chan_unregister(struct wf_chan *ch);

/* Values sent, received and dropped on all channels since the process started. */
void wf_chan_totals(uint64_t *out_sent, uint64_t *out_received, uint64_t *out_dropped);

/* Calls fn for each channel; none of them is freed meanwhile. fn may take a channel's lock and
 * must not open or close one. */
void wf_chan_each(void (*fn)(struct wf_chan *ch, void *arg), void *arg);

/* The same for the one at this address, if there is one: the address may be that of a channel
 * that has gone, and is not followed before it is found. False: there is none. */
bool wf_chan_with(const void *address, void (*fn)(struct wf_chan *ch, void *arg), void *arg);

#endif
