/* SPDX-License-Identifier: MIT
 * What a condition needs of a mutex. */
#ifndef WF_SYNC_MUTEX_H
#define WF_SYNC_MUTEX_H

#include "sync/queue.h"

/* Does self hold it? Its own answer does not change under it. */
bool wf_mutex_is_held(const struct wf_sync *s, const struct wf_waiter *self);

/* As weft_mutex_unlock, which would note the caller. */
void wf_mutex_release(struct wf_sync *s, struct wf_waiter *self);

/* Locks it, whatever happens: no cancel and no deadlock report ends the wait. */
void wf_mutex_relock(struct wf_sync *s, struct wf_waiter *self);

#endif
