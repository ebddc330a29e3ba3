/* SPDX-License-Identifier: MIT
 * A source that several workers share: map_parallel, for_each, a stage that keeps order.
 *
 * Who pulls leads, and serves those who come meanwhile (D. Schmidt et al., "Leader/Followers", PLoP 2000).
 * Rejected: a mutex around the pull. All workers but those at work wait for it, so what follows a pull is
 * another task's switch and pull, and a CPU that is idle meanwhile finds nobody with an item in hand: the
 * files of a folder walk were counted by 16 tasks on two CPUs in 134 ms, now in 99, by one task in 184.
 *
 *   G1  The leader alone touches the source, is_over and n_pulled, and is one worker at a time: LED in
 *       word is taken from 0 (acquire [led]) and given back to 0 (release [led]). After an end, an error
 *       or a cancelled receive nobody pulls again.
 *   G2  WAITED in word says that there may be followers. It is set with LED alone, under `lock`, before one
 *       is in the list, and as long as it is set word changes under `lock` alone. A leader that finds a
 *       follower does not keep what it has pulled: it takes the first one out, gives it the item, and
 *       pulls again. One that finds none leads no longer. So nobody follows whom nobody leads.
 *   G3  A follower that is in the list is its own, and may leave; one that was taken out is its leader's
 *       until that has set its event, which is the last that the leader touches. */
#ifndef WF_STREAM_SHARED_SOURCE_H
#define WF_STREAM_SHARED_SOURCE_H

#include "stream/adaptor.h"

#include "base/list.h"
#include "base/lock.h"

struct wf_shared_source {
    weft_receiver *source;
    const char *name; /* for reports */
    _Atomic uint32_t word;
    struct wf_lock lock;
    struct wf_list followers;
    bool is_over;
    uint64_t n_pulled;
};

void wf_shared_init(struct wf_shared_source *shared, weft_receiver *source, const char *name);

/* The next item into `item`, and its number: 1; 0 when another worker has found the end; else what
 * this one found, *out_is_end being set. A cancel ends it, but for one who has an item already. */
WF_MUST_CHECK int wf_shared_pull(struct wf_shared_source *shared, void *item, uint64_t *out_number,
                                 bool *out_is_end);

#endif
