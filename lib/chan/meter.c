/* SPDX-License-Identifier: MIT
 * What a channel tells of its use. */
#include "chan/meter.h"

#include "plat/mem.h"

bool wf_meter_make(struct wf_chan *ch)
{
    struct wf_meter *meter = wf_alloc(1, sizeof *meter);
    if (meter == NULL)
        return false;
    wf_chan_lock(ch);
    if (!ch->is_metered) {
        wf_store_rlx(&meter->peak, wf_ring_n_full(&ch->ring));
        ch->meter = meter;
        ch->is_metered = true;
        meter = NULL;
        if (!ch->is_weighed && !ch->refuses_values)
            ch->quick_room = wf_ring_n_full(&ch->ring);
    }
    wf_chan_unlock(ch);
    wf_free(meter);
    return true;
}

WF_NOINLINE void wf_meter_end(struct wf_chan *ch, enum wf_wait_kind kind, int64_t began_ns)
{
    int64_t d_ns = wf_clock_now() - began_ns;
    struct wf_meter *meter = ch->meter;
    wf_add_rlx(kind == WF_ON_RECV ? &meter->recv_wait_ns : &meter->send_wait_ns, d_ns);
}

WF_NOINLINE void wf_meter_note_peak_locked_slow(struct wf_chan *ch)
{
    uint32_t n_full = wf_ring_n_full(&ch->ring);
    if (ch->meter == NULL || n_full <= wf_load_rlx(&ch->meter->peak))
        return;
    wf_store_rlx(&ch->meter->peak, n_full);
    if (!ch->is_weighed && !ch->refuses_values)
        ch->quick_room = n_full;
}
