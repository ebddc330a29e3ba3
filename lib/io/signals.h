/* SPDX-License-Identifier: MIT
 * Who wants to know of which signals. The handler tells all of them (signals.c). */
#ifndef WF_IO_SIGNALS_H
#define WF_IO_SIGNALS_H

#include "plat/atomic.h"

enum { WF_SIGNALS = 64 }; /* numbers 1 to 64 */

struct wf_signal_watch {
    /* Constant while it is in the list. */
    uint64_t wanted;                             /* bit n - 1: signal n */
    void (*tell)(struct wf_signal_watch *watch); /* by the handler: async-signal-safe */
    bool is_ending;                              /* its second signal ends the process */

    _Atomic uint32_t pending[WF_SIGNALS + 1]; /* deliveries; raised by the handler */
    _Atomic uint32_t n_told;                  /* all of them; raised by the handler */
    _Atomic(struct wf_signal_watch *) next;   /* written under the table's lock */
};

/* Deliveries count from here to the end, after which no handler touches the watch. 0, or
 * WEFT_EINVAL: one of them can't be caught. */
WF_MUST_CHECK int wf_signals_begin(struct wf_signal_watch *watch);
void wf_signals_end(struct wf_signal_watch *watch);

static inline uint64_t wf_signal_bit(int number) { return UINT64_C(1) << (number - 1); }

#endif
