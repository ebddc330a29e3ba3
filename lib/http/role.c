/* SPDX-License-Identifier: MIT
 * The driver's role: role.h has the argument. */
#include "http/role.h"

#include <weft/task.h>

void wf_http_role_init(struct wf_http_role *role, const struct wf_http_engine_ops *ops,
                       struct wf_http_engine *engine)
{
    wf_lock_init(&role->lock, WF_RANK_NONE);
    wf_list_init(&role->waiting);
    wf_list_init(&role->woken);
    role->ops = ops;
    role->engine = engine;
    role->driver = NULL;
    role->has_work = role->is_resting = role->is_to_wake = false;
}

void wf_http_party_init(struct wf_http_party *party)
{
    wf_link_init(&party->wait_link);
    wf_link_init(&party->woken_link);
    party->n_refs = 1;
    party->event = (weft_event){ .name = "HTTP transfer", .file = __FILE__, .line = __LINE__ };
}

static struct wf_http_party *whole_of(struct wf_http_party *party)
{
    return party->part_of != NULL ? party->part_of : party;
}

void wf_http_party_unref(struct wf_http_role *role, struct wf_http_party *party)
{
    party = whole_of(party);
    wf_lock_acquire(&role->lock);
    bool is_last = --party->n_refs == 0;
    wf_lock_release(&role->lock);
    if (is_last)
        role->ops->free(role->engine, party);
}

/* ---- telling ------------------------------------------------------------------------------------- */

static void push_woken(struct wf_http_role *role, struct wf_http_party *party)
{
    wf_list_remove(&party->wait_link);
    if (wf_link_is_linked(&party->woken_link))
        return; /* its event is still to be set, which is after this */
    whole_of(party)->n_refs++;
    wf_list_push_back(&role->woken, &party->woken_link);
}

void wf_http_role_post_locked(struct wf_http_role *role)
{
    role->has_work = true;
    role->is_to_wake = role->is_resting;
}

void wf_http_role_tell_locked(struct wf_http_role *role, struct wf_http_party *party)
{
    if (wf_link_is_linked(&party->wait_link))
        push_woken(role, party);
    else if (party == role->driver && role->is_resting)
        wf_http_role_post_locked(role);
}

void wf_http_role_part_locked(struct wf_http_role *role, struct wf_http_party *party)
{
    wf_http_role_tell_locked(role, party);
    if (wf_link_is_linked(&party->woken_link)) {
        party->n_refs--; /* the list has one of its own */
        return;
    }
    wf_list_push_back(&role->woken, &party->woken_link);
}

/* False: nobody was there to be woken. */
static bool wake_one(struct wf_http_role *role)
{
    wf_lock_acquire(&role->lock);
    struct wf_link *link = wf_list_pop_front(&role->woken);
    wf_lock_release(&role->lock);
    if (link == NULL)
        return false;
    struct wf_http_party *party = WF_CONTAINER(link, struct wf_http_party, woken_link);
    weft_event_set(&party->event);
    wf_http_party_unref(role, party);
    return true;
}

static bool wake_all(struct wf_http_role *role)
{
    bool has_woken = false;
    while (wake_one(role))
        has_woken = true;
    return has_woken;
}

void wf_http_role_unlock(struct wf_http_role *role)
{
    bool wakes_driver = role->is_to_wake;
    if (wakes_driver)
        role->is_to_wake = role->is_resting = false; /* once is enough */
    bool has_woken = !wf_list_is_empty(&role->woken);
    wf_lock_release(&role->lock);
    if (wakes_driver)
        role->ops->wake(role->engine);
    if (has_woken)
        (void)wake_all(role);
}

/* ---- driving ------------------------------------------------------------------------------------- */

/* D2 */
static void hand_over_locked(struct wf_http_role *role)
{
    struct wf_link *link = wf_list_first(&role->waiting);
    role->driver = link == NULL ? NULL : WF_CONTAINER(link, struct wf_http_party, wait_link);
    if (role->driver != NULL)
        push_woken(role, role->driver);
}

/* One turn, and a rest if there is nothing to do. 0: the driver has to look again. */
static int drive_once(struct wf_http_role *role, bool (*is_over)(void *), void *arg)
{
    wf_lock_acquire(&role->lock);
    role->has_work = false;
    wf_lock_release(&role->lock);
    int rc = role->ops->turn(role->engine);
    /* Who was woken is likely to have something for the next turn: it may say so first. */
    if (wake_all(role) && rc >= 0)
        rc = weft_pause();
    if (rc < 0)
        return rc;
    wf_lock_acquire(&role->lock);
    bool may_rest = !role->has_work && !is_over(arg); /* D4 */
    role->is_resting = may_rest;
    wf_lock_release(&role->lock);
    if (!may_rest)
        return 0;
    rc = role->ops->rest(role->engine);
    wf_lock_acquire(&role->lock);
    role->is_resting = role->is_to_wake = false;
    wf_lock_release(&role->lock);
    return rc;
}

/* ---- waiting ------------------------------------------------------------------------------------- */

static int wait_for_driver(struct wf_http_role *role, struct wf_http_party *party)
{
    weft_event_reset(&party->event);
    wf_list_push_back(&role->waiting, &party->wait_link);
    wf_lock_release(&role->lock);
    return weft_event_wait(&party->event);
}

int wf_http_role_wait(struct wf_http_role *role, struct wf_http_party *party,
                      bool (*is_over)(void *arg), void *arg)
{
    int rc = 0;
    wf_lock_acquire(&role->lock);
    while (rc >= 0 && !is_over(arg)) {
        if (role->driver == NULL)
            role->driver = party;
        if (role->driver == party) {
            wf_lock_release(&role->lock);
            rc = drive_once(role, is_over, arg);
        } else {
            rc = wait_for_driver(role, party);
        }
        wf_lock_acquire(&role->lock);
        wf_list_remove(&party->wait_link);
    }
    if (role->driver == party) /* D3 */
        hand_over_locked(role);
    bool is_over_now = is_over(arg);
    wf_http_role_unlock(role);
    return is_over_now ? 0 : rc;
}
