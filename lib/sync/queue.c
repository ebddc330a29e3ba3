/* SPDX-License-Identifier: MIT
 * The table of locks, waiting and being woken, for all synchronisers. Rules Q1 to Q5: queue.h. */
#include "sync/queue.h"

#include "sched/wait_task.h"

enum { N_PLACES = 64 };

/* A lock is held for a few instructions, or for as many as there are who wait to be let go at
 * once. */
static struct place {
    WF_CACHE_ALIGNED struct wf_lock lock;
    struct wf_list objects; /* with a queue; its next is NULL until the first use */
} places[N_PLACES] = { [0 ... N_PLACES - 1] = { .lock = WF_LOCK_INIT(WF_RANK_SYNC) } };

static struct place *place_of(const void *address)
{
    uintptr_t bits = (uintptr_t)address >> 6;
    return &places[(bits ^ (bits >> 6) ^ (bits >> 12)) % N_PLACES];
}

void wf_sync_lock(const struct wf_sync *s) { wf_lock_acquire(&place_of(s)->lock); }
void wf_sync_unlock(const struct wf_sync *s) { wf_lock_release(&place_of(s)->lock); }

/* ---- the queue ------------------------------------------------------------------------------- */

static void begin_queue_locked(struct wf_sync *s)
{
    struct place *place = place_of(s);
    if (place->objects.head.next == NULL)
        wf_list_init(&place->objects);
    wf_list_init(&s->queue);
    wf_list_push_back(&place->objects, &s->link);
}

static void push_locked(struct wf_sync *s, struct wf_sync_node *node)
{
    if (!wf_sync_has_queue(s))
        begin_queue_locked(s);
    if (node->has_queued)
        wf_list_push_front(&s->queue, &node->link);
    else
        wf_list_push_back(&s->queue, &node->link);
    node->has_queued = true;
}

static void remove_locked(struct wf_sync *s, struct wf_sync_node *node)
{
    if (!wf_link_is_linked(&node->link))
        return;
    wf_list_remove(&node->link);
    if (!wf_list_is_empty(&s->queue))
        return;
    wf_list_remove(&s->link);
    s->queue.head.next = NULL;
}

bool wf_sync_mark_locked(struct wf_sync *s, uintptr_t seen)
{
    return (seen & WF_WAITED) != 0 || wf_cas_acq(&s->word, &seen, seen | WF_WAITED);
}

void wf_sync_unmark_locked(struct wf_sync *s)
{
    uintptr_t word = wf_load_rlx(&s->word);
    if ((word & WF_WAITED) != 0 && !wf_sync_has_queue(s))
        wf_store_rel(&s->word, word & ~WF_WAITED); /* Q1: nobody else changes it */
}

/* ---- waiting --------------------------------------------------------------------------------- */

void wf_sync_wait_begin(struct wf_sync *s, struct wf_sync_node *node)
{
    if (node->is_shielded)
        wf_wait_begin_shielded(node->waiter, WF_ON_SYNC, s);
    else if (WF_LIKELY(node->waiter->is_task))
        wf_wait_begin_task(node->waiter, WF_ON_SYNC, s);
    else
        wf_wait_begin(node->waiter, WF_ON_SYNC, s);
    push_locked(s, node);
    wf_sync_unlock(s);
}

int wf_sync_wait_end(struct wf_sync *s, struct wf_sync_node *node)
{
    uint32_t claim = WF_LIKELY(node->waiter->is_task) ? wf_wait_park_task(node->waiter)
                                                      : wf_wait_park(node->waiter, WF_NEVER);
    if (WF_LIKELY(claim == WF_CLAIM_FIRST + WF_SYNC_GRANTED))
        return WF_SYNC_GRANTED;
    wf_sync_lock(s);
    if (claim == WF_CLAIM_FIRST + WF_SYNC_WOKEN)
        return WF_SYNC_WOKEN;
    if (node->is_granted) {
        wf_sync_unlock(s);
        return WF_SYNC_GRANTED;
    }
    remove_locked(s, node); /* W3 */
    int code = node->is_shielded ? 0 : wf_claim_code(node->waiter, claim);
    return code < 0 ? code : WF_SYNC_AGAIN;
}

int wf_sync_wait(struct wf_sync *s, struct wf_sync_node *node)
{
    wf_sync_wait_begin(s, node);
    return wf_sync_wait_end(s, node);
}

int wf_sync_wait_with_all(struct wf_sync *s, struct wf_waiter *self,
                          const struct wf_sync_kind *kind, bool (*mark_locked)(struct wf_sync *s))
{
    struct wf_sync_node node = { .waiter = self, .kind = kind };
    int how = 0;
    wf_sync_lock(s);
    while (how >= 0 && mark_locked(s)) {
        how = wf_sync_wait(s, &node);
        if (how == WF_SYNC_GRANTED)
            return 0;
    }
    if (how < 0)
        wf_sync_unmark_locked(s);
    wf_sync_unlock(s);
    return WF_MIN(how, 0);
}

bool wf_sync_claim_locked(struct wf_sync *s, struct wf_sync_node *node, uint32_t how,
                          struct wf_sync_wakes *wakes)
{
    remove_locked(s, node);
    if (!wf_wait_claim(node->waiter, WF_CLAIM_FIRST + how))
        return false;
    node->next_wake = NULL;
    if (wakes->first == NULL)
        wakes->first = node;
    else
        wakes->last->next_wake = node;
    wakes->last = node;
    return true;
}

void wf_sync_claim_all_locked(struct wf_sync *s, struct wf_sync_wakes *wakes)
{
    while (wf_sync_has_queue(s)) {
        struct wf_sync_node *node = wf_sync_first_locked(s);
        node->is_granted = !wf_sync_claim_locked(s, node, WF_SYNC_GRANTED, wakes);
    }
}

/* One that was given something runs next: others may soon wait for it. Several run in the order in
 * which they waited. */
void wf_sync_wake(const struct wf_sync_wakes *wakes)
{
    enum wf_wake when = wakes->first == wakes->last ? WF_WAKE_NEXT : WF_WAKE_LAST;
    for (struct wf_sync_node *node = wakes->first, *next; node != NULL; node = next) {
        next = node->next_wake;
        wf_wait_wake(node->waiter, when); /* the node is gone */
    }
}

/* ---- for people ------------------------------------------------------------------------------ */

void wf_sync_misuse(const struct wf_sync *s, const char *call, const char *noun,
                    const char *sentence)
{
    if (s == NULL)
        wf_panic("%s: the %s is NULL", call, noun);
    wf_panic("%s: %s \"%s\" (%s:%d) %s", call, noun, s->name != NULL ? s->name : "",
             s->file != NULL ? s->file : "?", s->line, sentence);
}

void wf_sync_name_waiter(const struct wf_waiter *waiter, struct wf_text *text)
{
    wf_text_add(text, " %s #%llu", waiter->is_task ? "task" : "thread",
                (unsigned long long)waiter->id);
    if (waiter->is_task)
        wf_text_add(text, " \"%s\"", waiter->name);
}

static bool is_in_place(struct place *place, const void *address)
{
    if (place->objects.head.next == NULL)
        return false;
    wf_list_each (link, &place->objects)
        if (WF_CONTAINER(link, struct wf_sync, link) == address)
            return true;
    return false;
}

bool wf_sync_describe(const void *address, struct wf_text *text)
{
    struct place *place = place_of(address);
    const struct wf_sync *s = address;
    wf_lock_acquire(&place->lock);
    bool is_found = is_in_place(place, address);
    if (is_found) { /* Q2 */
        const struct wf_sync_kind *kind = wf_sync_first_locked(s)->kind;
        wf_text_add(text, " %s \"%s\" (%s:%d)", kind->noun, s->name != NULL ? s->name : "",
                    s->file != NULL ? s->file : "?", s->line);
        kind->describe(s, text);
    }
    wf_lock_release(&place->lock);
    return is_found;
}
