/* SPDX-License-Identifier: MIT
 * What a channel tells of its use, if somebody asked for it: how long its senders and receivers
 * were parked, and how many values it held at most.
 *
 * A wait reads the clock twice if it parks, and not otherwise; one in a select is not counted. The
 * peak costs nothing but where it rises: what goes beyond it does not go the quick way (C7). */
#ifndef WF_CHAN_METER_H
#define WF_CHAN_METER_H

#include "chan/chan.h"
#include "plat/clock.h"

struct wf_meter {
    _Atomic int64_t send_wait_ns, recv_wait_ns; /* by whoever has waited */
    _Atomic uint32_t peak;                      /* written under the channel's lock */
};

/* Begins to count, if it does not yet. False: no memory. */
WF_MUST_CHECK bool wf_meter_make(struct wf_chan *ch);

/* A wait that began then is over. */
void wf_meter_end(struct wf_chan *ch, enum wf_wait_kind kind, int64_t began_ns);

void wf_meter_note_peak_locked_slow(struct wf_chan *ch);
static inline void wf_meter_note_peak_locked(struct wf_chan *ch)
{
    if (WF_UNLIKELY(wf_ring_n_full(&ch->ring) > ch->quick_room))
        wf_meter_note_peak_locked_slow(ch);
}

#endif
