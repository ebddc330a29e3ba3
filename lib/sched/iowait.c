/* SPDX-License-Identifier: MIT
 * Waiting for file descriptors.
 *
 * A slot for each descriptor, with at most one wait for each direction. Waits live on their
 * waiters' stacks (wait.h, W2 and W3).
 *
 * Invariants, under io.lock:
 *   I1  what a slot's waits want is armed in the poller, from before they begin; arming is one
 *       shot for the whole descriptor, so whoever takes an event arms again for what remains.
 *   I2  the key that a descriptor is armed with holds the slot's generation, which grows with each
 *       wait and each forget: an event of an older arming, maybe of another file under the same
 *       number, finds no match and is dropped. What is still ready is reported for the new one.
 *   I3  a cancelled wait leaves the descriptor armed: at most one event comes to nothing, which is
 *       cheaper than a system call for each cancel.
 *
 * epoll_ctl takes effect while another thread sits in epoll_wait, so arming wakes nobody. */
#include "sched/iowait.h"

#include "base/lock.h"
#include "sched/iotable.h"
#include "sched/worker.h"

#include <weft/error.h>

enum { CLAIM_READY = WF_CLAIM_FIRST, CLAIM_FORGOTTEN = WF_CLAIM_FIRST + 1 };
_Static_assert(WF_POLL_IN == 1 << 0 && WF_POLL_OUT == 1 << 1, "a direction is its bit's number");

/* Who has to be woken once the lock is released. */
struct wake_list {
    struct wf_waiter *waiters[WF_IO_DIRECTIONS];
    unsigned n;
};

static struct {
    struct wf_lock lock;
    struct wf_io_table table; /* under lock */
    _Atomic uint32_t n_waits; /* written under lock, read by any thread */
} io = { .lock = WF_LOCK_INIT(WF_RANK_IOWAIT) };

static uint64_t key_of(const struct wf_io_slot *slot, int fd)
{
    return (uint64_t)slot->generation << 32 | (uint32_t)fd;
}

static unsigned wanted(const struct wf_io_slot *slot)
{
    unsigned events = 0;
    for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++)
        if (slot->waits[d] != NULL)
            events |= 1u << d;
    return events;
}

static void unlink_locked(struct wf_io_slot *slot, const struct wf_io_wait *wait)
{
    bool was_linked = false;
    for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++)
        if (slot->waits[d] == wait) {
            slot->waits[d] = NULL;
            was_linked = true;
        }
    if (was_linked)
        (void)wf_sub_seq(&io.n_waits, 1u);
}

/* A wait whose cancel came first is left to its waiter, which awaits the lock to unlink it. */
static void claim_locked(struct wf_io_slot *slot, struct wf_io_wait *wait, uint32_t claim,
                         struct wake_list *wake)
{
    struct wf_waiter *waiter = wait->waiter;
    unlink_locked(slot, wait);
    if (wf_wait_claim(waiter, claim))
        wake->waiters[wake->n++] = waiter;
}

static void wake_all(const struct wake_list *wake)
{
    for (unsigned i = 0; i < wake->n; i++)
        wf_wait_wake(wake->waiters[i], WF_WAKE_LAST);
}

/* ---- waiting ------------------------------------------------------------------------------------- */

/* Arms and begins the wait, or says why not. */
static int begin_wait(struct wf_io_wait *wait, int fd)
{
    int rc = 0;
    wf_lock_acquire(&io.lock);
    struct wf_io_slot *slot = wf_io_table_find_or_make(&io.table, fd);
    if (slot == NULL) {
        rc = WEFT_ENOMEM;
    } else if ((wanted(slot) & wait->events) != 0) {
        rc = WEFT_EBUSY;
    } else {
        slot->generation++;
        rc = wf_poller_arm(&wf_rt.poller, fd, wanted(slot) | wait->events, key_of(slot, fd));
    }
    if (rc >= 0) {
        wf_wait_begin(wait->waiter, WF_ON_FD, (const void *)(intptr_t)fd);
        for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++)
            if (wait->events & 1u << d)
                slot->waits[d] = wait;
        (void)wf_add_seq(&io.n_waits, 1u);
    }
    wf_lock_release(&io.lock);
    return rc;
}

static void end_wait(struct wf_io_wait *wait, int fd)
{
    wf_lock_acquire(&io.lock);
    unlink_locked(wf_io_table_find(&io.table, fd), wait);
    wf_lock_release(&io.lock);
}

static int wait_for(struct wf_waiter *self, int fd, unsigned events)
{
    struct wf_io_wait wait = { .waiter = self, .events = events };
    for (;;) {
        int rc = begin_wait(&wait, fd);
        if (rc < 0)
            return rc;
        uint32_t claim = wf_wait_park(self, WF_NEVER);
        if (claim == CLAIM_READY)
            return (int)wait.ready;
        if (claim == CLAIM_FORGOTTEN)
            return WEFT_ECLOSED;
        /* An event that came meanwhile is not lost: what is still ready fires when armed again. */
        end_wait(&wait, fd);
        rc = wf_claim_code(self, claim);
        if (rc < 0)
            return rc;
    }
}

int wf_io_wait(int fd, unsigned events)
{
    if (events == 0 || (events & ~(unsigned)(WF_POLL_IN | WF_POLL_OUT)) != 0)
        return WEFT_EINVAL;
    if (fd < 0)
        return -EBADF;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    if (self->is_task)
        return wait_for(self, fd, events);

    /* A plain thread can't poll: workers do it, so they have to run. */
    int rc = wf_runtime_enter();
    if (rc < 0)
        return rc;
    rc = wait_for(self, fd, events);
    wf_runtime_leave();
    return rc;
}

void wf_io_forget(int fd)
{
    struct wake_list wake = { .n = 0 };
    wf_lock_acquire(&io.lock);
    struct wf_io_slot *slot = wf_io_table_find(&io.table, fd);
    if (slot != NULL) {
        for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++)
            if (slot->waits[d] != NULL)
                claim_locked(slot, slot->waits[d], CLAIM_FORGOTTEN, &wake);
        slot->generation++;
        wf_poller_forget(&wf_rt.poller, fd);
    }
    wf_lock_release(&io.lock);
    wake_all(&wake);
}

/* ---- events -------------------------------------------------------------------------------------- */

static void make_ready_locked(struct wf_io_slot *slot, unsigned events, struct wake_list *wake)
{
    for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++) {
        struct wf_io_wait *wait = slot->waits[d];
        if (wait == NULL || (events & 1u << d) == 0)
            continue;
        wait->ready = events & wait->events;
        claim_locked(slot, wait, CLAIM_READY, wake);
    }
}

/* Arms again for the waits that the event was not for (I1). When that fails they run too: the
 * error is theirs to find. */
static void take_event_locked(struct wf_io_slot *slot, int fd, unsigned events,
                              struct wake_list *wake)
{
    make_ready_locked(slot, events, wake);
    unsigned left = wanted(slot);
    if (left != 0 && wf_poller_arm(&wf_rt.poller, fd, left, key_of(slot, fd)) < 0)
        make_ready_locked(slot, left, wake);
}

static void take_event(const struct wf_poll_event *event)
{
    int fd = (int)(uint32_t)event->key;
    struct wake_list wake = { .n = 0 };

    wf_lock_acquire(&io.lock);
    struct wf_io_slot *slot = wf_io_table_find(&io.table, fd);
    if (slot != NULL && key_of(slot, fd) == event->key)
        take_event_locked(slot, fd, event->events, &wake);
    wf_lock_release(&io.lock);
    wake_all(&wake);
}

void wf_io_ready(const struct wf_poll_event *events, int n)
{
    for (int i = 0; i < n; i++)
        take_event(&events[i]);
}

unsigned wf_io_armed(void) { return wf_load_seq(&io.n_waits); }

bool wf_io_is_in_use(void) { return wf_load_rlx(&io.n_waits) > 0; }

void wf_io_stop(void)
{
    wf_lock_acquire(&io.lock);
    wf_io_table_free(&io.table);
    wf_lock_release(&io.lock);
}
