/* SPDX-License-Identifier: MIT
 * A scope's limit: so many children at once, and spawners who wait for places in order.
 *
 *   L1  n_places and the line of spawners are under the scope's lock. Places are granted from the
 *       front of the line alone, and none is left that the first in line could have.
 *   L2  A spawner counts in n_tasks from before it looks for places until it has started its tasks
 *       or given up, so the scope outlives its wait, however that ends.
 *   L3  Places are a child's until its end, or a spawner's on its way there. A grant to one who is
 *       being cancelled does not happen: the claim decides. */
#include "sched/worker.h"
#include "task/record.h"

struct spawner {
    struct wf_link link;
    struct wf_waiter *waiter;
    uint32_t n;
};

void wf_limit_give_locked(struct wf_scope *s, uint32_t n, struct wf_list *granted)
{
    struct wf_link *link;
    s->n_places += n;
    while ((link = wf_list_first(&s->spawners)) != NULL) {
        struct spawner *first = WF_CONTAINER(link, struct spawner, link);
        if (first->n > s->n_places)
            return;
        wf_list_remove(link);
        if (!wf_wait_claim(first->waiter, WF_CLAIM_FIRST))
            continue;
        s->n_places -= first->n;
        wf_list_push_back(granted, link);
    }
}

void wf_limit_wake(struct wf_list *granted)
{
    struct wf_link *link;
    while ((link = wf_list_pop_front(granted)) != NULL)
        wf_wait_wake(WF_CONTAINER(link, struct spawner, link)->waiter, WF_WAKE_LAST);
}

void wf_limit_leave(struct wf_scope *s, uint32_t n_unused)
{
    struct wf_list granted;
    wf_list_init(&granted);
    wf_lock_acquire(&s->lock);
    wf_limit_give_locked(s, n_unused, &granted);
    wf_scope_release_locked(s, 1);
    wf_limit_wake(&granted);
}

void wf_limit_child_done(struct wf_task *task, int rc)
{
    struct wf_scope *s = wf_scope_of(task->home);
    struct wf_list granted;
    wf_list_init(&granted);
    (void)wf_scope_note_end(s, task, rc);
    wf_lock_acquire(&s->lock);
    wf_list_remove(&task->home_link);
    wf_limit_give_locked(s, 1, &granted);
    wf_scope_release_locked(s, 1);
    wf_limit_wake(&granted);
}

/* ---- waiting in line ---------------------------------------------------------------------------- */

static bool try_take_locked(struct wf_scope *s, uint32_t n)
{
    if (!wf_list_is_empty(&s->spawners) || s->n_places < n)
        return false;
    s->n_places -= n;
    return true;
}

/* With the lock, which it releases. 1: granted; 0: look again, with the lock; negative: why not. */
static int wait_once_locked(struct wf_scope *s, struct spawner *spawner)
{
    wf_wait_begin(spawner->waiter, WF_ON_SPAWN, s);
    wf_lock_release(&s->lock);
    uint32_t claim = wf_wait_park(spawner->waiter, WF_NEVER);
    if (claim == WF_CLAIM_FIRST)
        return 1;
    int rc = wf_claim_code(spawner->waiter, claim);
    wf_lock_acquire(&s->lock);
    if (rc == 0)
        return 0;
    wf_list_remove(&spawner->link); /* W3 */
    wf_lock_release(&s->lock);
    return rc;
}

/* The same, but for 0. Who has to look again (W4) keeps its place in the line. If a grant has failed
 * meanwhile, it was the first there. */
static int wait_locked(struct wf_scope *s, struct spawner *spawner)
{
    int rc;
    wf_list_push_back(&s->spawners, &spawner->link);
    while ((rc = wait_once_locked(s, spawner)) == 0) {
        if (wf_link_is_linked(&spawner->link))
            continue;
        if (s->n_places >= spawner->n) {
            s->n_places -= spawner->n;
            wf_lock_release(&s->lock);
            return 1;
        }
        wf_list_push_front(&s->spawners, &spawner->link);
    }
    return rc;
}

int wf_limit_enter(struct weft_scope *scope, uint32_t n)
{
    struct wf_scope *s = wf_scope_of(scope);
    struct spawner spawner = { .waiter = wf_waiter_self(), .n = n };
    int rc = 0;
    if (n > s->limit)
        return WEFT_EINVAL;
    wf_lock_acquire(&s->lock);
    if (s->is_ended) {
        wf_lock_release(&s->lock);
        return WEFT_ECLOSED;
    }
    s->n_tasks++; /* L2 */
    if (try_take_locked(s, n))
        wf_lock_release(&s->lock);
    else
        rc = wait_locked(s, &spawner);
    if (rc < 0)
        wf_limit_leave(s, 0); /* who stood behind it may be first now */
    return WF_MIN(rc, 0);
}
