/* SPDX-License-Identifier: MIT
 * weft_spawn_ready: the spawner waits until the task says that it is ready.
 *
 * States, under the record's lock (record.h, J4):
 *   from      to         by
 *   AWAITED   SAID       the task; what it says is then the spawner's answer, cancelled or not
 *   AWAITED   FAILED     the task's end
 *   AWAITED   GIVEN_UP   the spawner, when it is cancelled: it cancels the task and waits for it
 * The slot for the value is the spawner's: written in AWAITED alone, which the spawner leaves, or
 * sees left, before it returns. */
#include "sched/worker.h"
#include "task/record.h"

#include <string.h>
#include <weft/join.h>

/* ---- the task ----------------------------------------------------------------------------------- */

static int say_locked(struct wf_starting *it, const void *value, size_t size)
{
    switch (it->state) {
    case WF_READY_UNASKED: return 0;
    case WF_READY_AWAITED: break;
    case WF_READY_GIVEN_UP: return WEFT_ECANCELED;
    default: return WEFT_EINVAL;
    }
    if (size != it->out_size)
        return WEFT_EMSGSIZE;
    memcpy(it->out, value, size);
    it->state = WF_READY_SAID;
    return 1;
}

/* Whom to wake, or NULL: it is being cancelled, and will look. Under the lock, for once the state
 * is left the spawner may be gone. */
static struct wf_waiter *claim_spawner(struct wf_starting *it)
{
    return wf_wait_claim(it->spawner, WF_CLAIM_FIRST) ? it->spawner : NULL;
}

int weft_task_say_ready(const void *value, size_t size)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    if (!self->is_task)
        return WEFT_ENOTASK;
    struct weft_task *record = wf_record_of(self);
    struct wf_starting *it = record != NULL ? wf_starting_of(record) : NULL;
    if (it == NULL || value == NULL)
        return value == NULL ? WEFT_EINVAL : 0;
    wf_lock_acquire(&record->lock);
    int rc = say_locked(it, value, size);
    struct wf_waiter *spawner = rc == 1 ? claim_spawner(it) : NULL;
    wf_lock_release(&record->lock);
    if (spawner != NULL)
        wf_wait_wake(spawner, WF_WAKE_NEXT);
    return WF_MIN(rc, 0);
}

/* Its scope goes before the one around it can (scope.h, S2). What it opened there that lasts longer
 * than a task is none of that scope's (generator.c). */
bool wf_starting_end(struct wf_starting *it, int *rc)
{
    struct wf_waiter *spawner = NULL;
    wf_starting_fini(it);
    wf_lock_acquire(&it->record.lock);
    bool is_spawners = it->state != WF_READY_SAID;
    if (it->state == WF_READY_AWAITED) {
        it->state = WF_READY_FAILED;
        spawner = claim_spawner(it);
    }
    wf_lock_release(&it->record.lock);
    if (is_spawners && *rc >= 0)
        *rc = WEFT_ENOTREADY;
    if (spawner != NULL)
        wf_wait_wake(spawner, WF_WAKE_NEXT);
    return is_spawners;
}

/* ---- the spawner -------------------------------------------------------------------------------- */

static bool begin_wait(struct wf_starting *it, struct wf_waiter *self)
{
    wf_lock_acquire(&it->record.lock);
    bool has_to_wait = it->state == WF_READY_AWAITED;
    if (has_to_wait)
        wf_wait_begin(self, WF_ON_READY, it);
    wf_lock_release(&it->record.lock);
    return has_to_wait;
}

/* False: the task was first. */
static bool give_up(struct wf_starting *it)
{
    wf_lock_acquire(&it->record.lock);
    bool is_ours = it->state == WF_READY_AWAITED;
    if (is_ours)
        it->state = WF_READY_GIVEN_UP;
    wf_lock_release(&it->record.lock);
    return is_ours;
}

int wf_starting_await(struct wf_starting *it)
{
    struct wf_waiter *self = it->spawner;
    int rc = 0;
    while (rc == 0 && begin_wait(it, self))
        rc = wf_claim_code(self, wf_wait_park(self, WF_NEVER));
    if (rc < 0 && give_up(it)) {
        wf_scope_cancel(&it->scope, WF_REASON_LEFT);
        (void)wf_record_await(&it->record, self, true);
        return rc;
    }
    if (it->state == WF_READY_SAID)
        return 0;
    (void)wf_record_await(&it->record, self, true);
    return it->record.end.rc;
}
