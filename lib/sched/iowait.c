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
 *   I4  a slot that is kept is registered for good, edge-triggered. What happens while nobody waits
 *       is noted in `ready` and taken by the next wait; whoever waits has come to the end of what
 *       it knew of before (EAGAIN, a short read), so that whatever makes it ready again is an edge
 *       that comes, or is noted. The end of a stream comes once and stays: WF_POLL_HUP is
 *       never taken away. The runtime forgets all slots when it stops, with the poller.
 *
 * Why not for every descriptor: one that its owner closes behind our back takes its registration
 * along, and the next of that number would wait for ever. Armed anew for each wait, it can't.
 *
 * epoll_ctl takes effect while another thread sits in epoll_wait, so arming wakes nobody. */
#include "sched/iowait.h"

#include "base/lock.h"
#include "sched/iotable.h"
#include "sched/worker.h"

#include <errno.h>
#include <weft/error.h>

enum { CLAIM_READY = WF_CLAIM_FIRST, CLAIM_FORGOTTEN = WF_CLAIM_FIRST + 1 };
_Static_assert(WF_POLL_IN == 1 << 0 && WF_POLL_OUT == 1 << 1, "a direction is its bit's number");

/* Who has to be woken once the lock is released: claimed, so their waits stay where they are (W2). */
struct wake_list {
    struct wf_io_wait *first, **end;
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

/* False: its cancel came first, it is left to its waiter, which awaits the lock to unlink it. */
static bool claim_locked(struct wf_io_slot *slot, struct wf_io_wait *wait, uint32_t claim,
                         struct wake_list *wake)
{
    unlink_locked(slot, wait);
    if (!wf_wait_claim(wait->waiter, claim))
        return false;
    wait->next_woken = NULL;
    *wake->end = wait;
    wake->end = &wait->next_woken;
    return true;
}

static void wake_all(const struct wake_list *wake)
{
    for (struct wf_io_wait *wait = wake->first, *next; wait != NULL; wait = next) {
        next = wait->next_woken;
        wf_wait_wake(wait->waiter, WF_WAKE_LAST);
    }
}

/* ---- waiting ------------------------------------------------------------------------------------- */

/* An urgent byte alone ends no wait: a read that ends one is told of it. */
static unsigned with_urgent(unsigned events)
{
    return (events & WF_POLL_IN) != 0 ? events | WF_POLL_URGENT : events;
}

/* What a wait for these would end with at once. Once a stream has ended its end can be read. */
static unsigned take_ready_locked(struct wf_io_slot *slot, unsigned events)
{
    unsigned ready = slot->ready & with_urgent(events);
    if ((ready & ~(unsigned)WF_POLL_URGENT) == 0 && (slot->ready & WF_POLL_HUP) == 0)
        return 0;
    slot->ready &= ~ready;
    if ((slot->ready & WF_POLL_HUP) != 0)
        ready |= events & WF_POLL_IN;
    return ready;
}

/* When that fails, what was registered before still is, and others may wait for it; unless somebody
 * has closed it behind our back. */
static int keep_locked(struct wf_io_slot *slot, int fd)
{
    slot->generation++;
    int rc = wf_poller_keep(&wf_rt.poller, fd, key_of(slot, fd));
    if (rc < 0) {
        slot->generation--;
        slot->is_kept = slot->is_kept && rc != -EBADF;
        return rc;
    }
    slot->ready = 0;
    slot->is_kept = true;
    return 0;
}

/* Positive: no need to wait. Any wait may meet a slot that is kept; one that has not read to the end
 * has it reported anew. */
static int arm_locked(struct wf_io_slot *slot, const struct wf_io_wait *wait, int fd)
{
    if (!wait->is_owned) {
        if (slot->is_kept)
            return keep_locked(slot, fd);
        slot->generation++;
        return wf_poller_arm(&wf_rt.poller, fd, wanted(slot) | wait->events, key_of(slot, fd));
    }
    return slot->is_kept ? (int)take_ready_locked(slot, wait->events) : keep_locked(slot, fd);
}

static int try_begin_locked(struct wf_io_wait *wait, int fd)
{
    struct wf_io_slot *slot = wf_io_table_find_or_make(&io.table, fd);
    if (slot == NULL)
        return WEFT_ENOMEM;
    if ((wanted(slot) & wait->events) != 0)
        return WEFT_EBUSY;
    int rc = arm_locked(slot, wait, fd);
    if (rc != 0)
        return rc;
    wf_wait_begin(wait->waiter, WF_ON_FD, (const void *)(intptr_t)fd);
    for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++)
        if (wait->events & 1u << d)
            slot->waits[d] = wait;
    (void)wf_add_seq(&io.n_waits, 1u);
    return 0;
}

/* 0: the wait has begun. Else what it would have ended with. */
static int begin_wait(struct wf_io_wait *wait, int fd, const struct wf_io_owned *owned)
{
    wf_lock_acquire(&io.lock);
    int rc = owned != NULL && owned->is_closed ? WEFT_ECLOSED : try_begin_locked(wait, fd);
    wf_lock_release(&io.lock);
    return rc;
}

static void end_wait(struct wf_io_wait *wait, int fd)
{
    wf_lock_acquire(&io.lock);
    unlink_locked(wf_io_table_find(&io.table, fd), wait);
    wf_lock_release(&io.lock);
}

static int wait_for(struct wf_waiter *self, int fd, unsigned events, struct wf_io_owned *owned,
                    int64_t at_ns)
{
    struct wf_io_wait wait = { .waiter = self, .events = events, .is_owned = owned != NULL };
    for (;;) {
        int rc = begin_wait(&wait, fd, owned);
        if (rc != 0)
            return rc;
        uint32_t claim = wf_wait_park(self, at_ns);
        if (claim == CLAIM_READY)
            return (int)wait.ready;
        if (claim == CLAIM_FORGOTTEN)
            return WEFT_ECLOSED;
        /* An event that came meanwhile is not lost: what is still ready fires when armed again, or
         * was noted. */
        end_wait(&wait, fd);
        rc = wf_claim_code(self, claim);
        if (rc < 0)
            return rc;
    }
}

static int enter_and_wait(int fd, unsigned events, struct wf_io_owned *owned, int64_t at_ns)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    if (self->is_task)
        return wait_for(self, fd, events, owned, at_ns);

    /* A plain thread can't poll: workers do it, so they have to run. */
    int rc = wf_runtime_enter();
    if (rc < 0)
        return rc;
    rc = wait_for(self, fd, events, owned, at_ns);
    wf_runtime_leave();
    return rc;
}

int wf_io_wait(int fd, unsigned events)
{
    if (events == 0 || (events & ~(unsigned)(WF_POLL_IN | WF_POLL_OUT)) != 0)
        return WEFT_EINVAL;
    return fd >= 0 ? enter_and_wait(fd, events, NULL, WF_NEVER) : -EBADF;
}

int wf_io_wait_owned(struct wf_io_owned *it, unsigned events)
{
    return enter_and_wait(it->fd, events, it, WF_NEVER);
}

int wf_io_wait_owned_until(struct wf_io_owned *it, unsigned events, int64_t at_ns)
{
    return enter_and_wait(it->fd, events, it, at_ns);
}

static void forget(int fd, struct wf_io_owned *owned)
{
    struct wake_list wake = { .end = &wake.first };
    wf_lock_acquire(&io.lock);
    if (owned != NULL)
        owned->is_closed = true;
    struct wf_io_slot *slot = wf_io_table_find(&io.table, fd);
    if (slot != NULL) {
        for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++)
            if (slot->waits[d] != NULL)
                (void)claim_locked(slot, slot->waits[d], CLAIM_FORGOTTEN, &wake);
        slot->generation++;
        slot->is_kept = false;
        wf_poller_forget(&wf_rt.poller, fd);
    }
    wf_lock_release(&io.lock);
    wake_all(&wake);
}

void wf_io_forget(int fd) { forget(fd, NULL); }

void wf_io_forget_owned(struct wf_io_owned *it) { forget(it->fd, it); }

/* ---- events -------------------------------------------------------------------------------------- */

/* Returns what of the events an owner was told: a wait by number alone uses up nothing, for its
 * owner, who relies on edges (I4), has not seen that one. */
static unsigned make_ready_locked(struct wf_io_slot *slot, unsigned events, struct wake_list *wake)
{
    unsigned told = 0;
    for (unsigned d = 0; d < WF_IO_DIRECTIONS; d++) {
        struct wf_io_wait *wait = slot->waits[d];
        if (wait == NULL || (events & 1u << d) == 0)
            continue;
        unsigned ready = events & (wait->is_owned ? with_urgent(wait->events) : wait->events);
        wait->ready = ready;
        if (claim_locked(slot, wait, CLAIM_READY, wake) && wait->is_owned)
            told |= ready;
    }
    return told;
}

/* Arms again for the waits that the event was not for (I1). When that fails they run too: the
 * error is theirs to find. */
static void take_event_locked(struct wf_io_slot *slot, int fd, unsigned events,
                              struct wake_list *wake)
{
    unsigned told = make_ready_locked(slot, events, wake);
    if (slot->is_kept) {
        slot->ready |= events & ~told;
        return;
    }
    unsigned left = wanted(slot);
    if (left != 0 && wf_poller_arm(&wf_rt.poller, fd, left, key_of(slot, fd)) < 0)
        (void)make_ready_locked(slot, left, wake);
}

static void take_events(const struct wf_poll_event *events, int n)
{
    struct wake_list wake = { .end = &wake.first };
    wf_lock_acquire(&io.lock);
    for (int i = 0; i < n; i++) {
        int fd = (int)(uint32_t)events[i].key;
        struct wf_io_slot *slot = wf_io_table_find(&io.table, fd);
        if (slot != NULL && key_of(slot, fd) == events[i].key)
            take_event_locked(slot, fd, events[i].events, &wake);
    }
    wf_lock_release(&io.lock);
    wake_all(&wake);
}

/* A few under one lock: each may be a cache line of another worker's, and others wait to begin
 * their waits. */
void wf_io_ready(const struct wf_poll_event *events, int n)
{
    enum { AT_ONCE = 8 };
    for (int i = 0; i < n; i += AT_ONCE)
        take_events(&events[i], WF_MIN(n - i, (int)AT_ONCE));
}

unsigned wf_io_armed(void) { return wf_load_seq(&io.n_waits); }

bool wf_io_is_in_use(void) { return wf_load_rlx(&io.n_waits) > 0; }

void wf_io_stop(void)
{
    wf_lock_acquire(&io.lock);
    wf_io_table_free(&io.table);
    wf_lock_release(&io.lock);
}
