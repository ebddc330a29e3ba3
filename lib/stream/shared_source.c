/* SPDX-License-Identifier: MIT */
#include "stream/shared_source.h"

#include <string.h>
#include <weft/cancel.h>
#include <weft/event.h>

enum { LED = 1, WAITED = 2 };

struct follower {
    struct wf_link link;
    weft_event is_served;
    void *item;
    uint64_t number;
    int code; /* 1: it has the item of that number; 0: there are no more */
};

void wf_shared_init(struct wf_shared_source *shared, weft_receiver *source, const char *name)
{
    *shared = (struct wf_shared_source){ .source = source, .name = name };
    wf_lock_init(&shared->lock, WF_RANK_SYNC);
    wf_list_init(&shared->followers);
}

/* ---- a leader -------------------------------------------------------------------------------- */

/* NULL: there are no followers, and the caller leads no longer. */
static struct follower *next_follower(struct wf_shared_source *shared)
{
    uint32_t led = LED;
    /* release [led] */
    if (wf_cas_acq_rel(&shared->word, &led, 0u))
        return NULL;
    wf_lock_acquire(&shared->lock);
    struct wf_link *link = wf_list_pop_front(&shared->followers);
    if (link == NULL)
        wf_store_rel(&shared->word, 0u); /* release [led] */
    wf_lock_release(&shared->lock);
    return link != NULL ? WF_CONTAINER(link, struct follower, link) : NULL;
}

static void serve(struct follower *follower, int code, uint64_t number)
{
    follower->code = code;
    follower->number = number;
    weft_event_set(&follower->is_served);
}

/* Nobody who comes later follows. */
static void dismiss_all(struct wf_shared_source *shared)
{
    struct follower *follower;
    shared->is_over = true;
    while ((follower = next_follower(shared)) != NULL)
        serve(follower, 0, 0);
}

static int lead(struct wf_shared_source *shared, void *item, uint64_t *out_number, bool *out_is_end)
{
    struct follower *follower;
    do {
        *out_number = shared->n_pulled;
        *out_is_end = !shared->is_over;
        int rc = shared->is_over ? 0 : wf_receiver_next(shared->source, item);
        if (rc <= 0) {
            dismiss_all(shared);
            return rc;
        }
        shared->n_pulled++;
        follower = next_follower(shared);
        if (follower != NULL) {
            memcpy(follower->item, item, shared->source->elem_size);
            serve(follower, 1, *out_number);
        }
    } while (follower != NULL);
    *out_is_end = false;
    return 1;
}

/* ---- a follower ------------------------------------------------------------------------------ */

/* False: the caller leads. */
static bool join(struct wf_shared_source *shared, struct follower *self)
{
    wf_lock_acquire(&shared->lock);
    uint32_t seen = wf_load_rlx(&shared->word);
    bool leads = false, is_marked = (seen & WAITED) != 0;
    while (!leads && !is_marked) {
        /* acquire [led] */
        if (seen == 0)
            leads = wf_cas_acq_rel(&shared->word, &seen, (uint32_t)LED);
        else
            is_marked = wf_cas_acq_rel(&shared->word, &seen, (uint32_t)(LED | WAITED));
    }
    if (!leads)
        wf_list_push_back(&shared->followers, &self->link);
    wf_lock_release(&shared->lock);
    return !leads;
}

/* False: it is being served. */
static bool leave(struct wf_shared_source *shared, struct follower *self)
{
    wf_lock_acquire(&shared->lock);
    bool is_in = wf_link_is_linked(&self->link);
    wf_list_remove(&self->link);
    wf_lock_release(&shared->lock);
    return is_in;
}

/* Its leader is about to set it. */
static void wait_shielded(weft_event *event)
{
    weft_shield shield;
    weft_shield_begin(&shield);
    while (weft_event_wait(event) < 0)
        ;
    weft_shield_end(&shield);
}

static int follow(struct wf_shared_source *shared, struct follower *self)
{
    int rc = weft_event_wait(&self->is_served);
    if (rc < 0 && leave(shared, self))
        return rc;
    if (rc < 0)
        wait_shielded(&self->is_served);
    return self->code;
}

int wf_shared_pull(struct wf_shared_source *shared, void *item, uint64_t *out_number,
                   bool *out_is_end)
{
    uint32_t nobody = 0;
    *out_is_end = false;
    /* acquire [led] */
    if (wf_cas_acq(&shared->word, &nobody, (uint32_t)LED))
        return lead(shared, item, out_number, out_is_end);
    struct follower self = { .item = item, .is_served = WEFT_EVENT_INIT(.name = shared->name) };
    wf_link_init(&self.link);
    if (!join(shared, &self))
        return lead(shared, item, out_number, out_is_end);
    int rc = follow(shared, &self);
    *out_number = self.number;
    return rc;
}
