/* SPDX-License-Identifier: MIT
 * Weak memory in the simulator: a load may see an older value, as C11 allows.
 *
 * The last stores to atomics are recorded, each with what was there before it. A load walks back
 * from the newest and stops, drawn from the seed, at one of those that the loading thread may still
 * see. It may not see what was before a store that it knows of:
 *
 *   M1  A thread knows its own stores, and what it has seen.
 *   M2  An acquire load of a release store (or of what read-modify-writes made of it) learns all
 *       that the storer knew; a relaxed one learns it at the next fence.
 *   M3  A fence learns what all fences before it knew. After it nothing is seen that is older than
 *       an earlier seq_cst store.
 *   M4  A seq_cst load sees nothing older than the last seq_cst store to that place, or than what a
 *       fence before it knew.
 *   M5  Read-modify-writes, and what the system reads (a futex's word), see the newest. A
 *       compare-and-swap that fails is only a load.
 *   M6  Starting, joining and waking a thread teach what the one who does it knew.
 *   M7  What is older than the run's lag, or than the last step of time, all know: a store reaches
 *       everybody in the end. So a record that drops out of the ring is not missed.
 *
 * Knowledge is a vector of clocks, one for each of the slots that threads are given. When these run
 * out the rest of the run has strong memory. A dropped fence, a weakened
 * order, a flag that is read where only a lock makes it current: each lets a run see what the
 * argument in the code excludes.
 *
 * Memory always holds the newest value, and plain accesses see that: a bug that only shows in plain
 * data is TSan's to find. A plain or unseen write is noticed by its value, which is not the one that
 * the newest record has; what was recorded of the place is then forgotten. Loads never see a value
 * that is stored later (load buffering), and stores to one place are ordered as they were made.
 *
 * Rejected: buffers of stores that are not yet in memory. A buffered store to a stack or a block that
 * has a new owner would write into what is not an atomic any more. */
#include "plat/sim_core.h"

#include <string.h>

enum { RECORDS = 512, BUCKETS = 256 };

struct record {
    uint64_t number; /* of all records of the run, from 1; 0: none */
    uint64_t next;   /* number of the one before it in the bucket */
    const void *at;  /* NULL: forgotten */
    uint64_t point;
    uint64_t before, after; /* what was there and what is */
    unsigned slot;          /* the storer's */
    uint32_t clock;         /* and its clock: who knows that knows of the store */
    bool is_seq, is_unseen; /* unseen: after is whatever memory has */
    struct wf_sim_clocks released;
    struct wf_sim_clocks seen_at; /* by the thread of each slot; 0: not */
};

bool wf_sim_is_weak;

static struct {
    struct record records[RECORDS];
    uint64_t buckets[BUCKETS];
    uint64_t n_records;
    uint64_t floor;   /* records up to this number all know */
    uint64_t lag;     /* and those that are older than so many points */
    unsigned percent; /* of loads that look one further back */
    uint32_t clocks[WF_SIM_SLOTS];
    bool is_used[WF_SIM_SLOTS];
    struct wf_sim_clocks fences; /* what fences knew */
    struct wf_sim_clocks system; /* what those knew who interrupted a poller */
} memory;

/* ---- clocks ---------------------------------------------------------------------------------- */

static void join(struct wf_sim_clocks *into, const struct wf_sim_clocks *from)
{
    for (unsigned i = 0; i < WF_SIM_SLOTS; i++)
        into->of[i] = WF_MAX(into->of[i], from->of[i]);
}

/* NULL: memory is strong, or the simulator itself is at work. */
static struct wf_sim_view *current_view(void)
{
    return wf_sim_is_weak && !wf_sim.is_busy ? &wf_sim.current->view : NULL;
}

/* What it has done so far is before what comes. */
static void tick(struct wf_sim_view *view)
{
    view->known.of[view->slot] = ++memory.clocks[view->slot];
}

static bool covers(const struct wf_sim_clocks *known, const struct record *r)
{
    if (known->of[r->slot] >= r->clock)
        return true;
    for (unsigned i = 0; i < WF_SIM_SLOTS; i++)
        if (r->seen_at.of[i] != 0 && known->of[i] >= r->seen_at.of[i])
            return true;
    return false;
}

/* ---- records --------------------------------------------------------------------------------- */

static unsigned bucket_of(const void *at)
{
    return (unsigned)(wf_sim_mix((uintptr_t)at) % BUCKETS);
}

static struct record *numbered(uint64_t number)
{
    struct record *r = &memory.records[number % RECORDS];
    return number != 0 && r->number == number ? r : NULL;
}

/* The newest of the place with a number up to this. */
static struct record *newest_from(uint64_t number, const void *at)
{
    struct record *r = numbered(number);
    while (r != NULL && r->at != at)
        r = numbered(r->next);
    return r;
}

static void forget_place(const void *at)
{
    struct record *r = newest_from(memory.buckets[bucket_of(at)], at);
    for (; r != NULL; r = newest_from(r->next, at))
        r->at = NULL;
}

/* The newest of the place, if that is what memory has. */
static struct record *newest(const void *at, uint64_t value)
{
    struct record *r = newest_from(memory.buckets[bucket_of(at)], at);
    if (r == NULL || r->is_unseen || r->after == value)
        return r;
    forget_place(at);
    return NULL;
}

static struct record *push(struct wf_sim_view *view, const void *at, enum wf_sim_order order)
{
    uint64_t number = ++memory.n_records, *bucket = &memory.buckets[bucket_of(at)];
    struct record *r = &memory.records[number % RECORDS];
    tick(view);
    *r = (struct record){
        .number = number,
        .next = *bucket,
        .at = at,
        .point = wf_sim.points,
        .slot = view->slot,
        .clock = view->known.of[view->slot],
        .is_seq = order == WF_SIM_seq_cst,
        .released = order & WF_SIM_release ? view->known : view->fenced,
    };
    *bucket = number;
    return r;
}

static uint64_t number_of(const void *value, size_t size)
{
    uint64_t number = 0;
    memcpy(&number, value, size);
    return number;
}

/* ---- loads ----------------------------------------------------------------------------------- */

static void learn(struct wf_sim_view *view, struct record *r, enum wf_sim_order order)
{
    if (r->seen_at.of[view->slot] == 0)
        r->seen_at.of[view->slot] = view->known.of[view->slot] + 1; /* from its next tick on */
    join(order & WF_SIM_acquire ? &view->known : &view->pending, &r->released);
}

/* May the thread see what was there before this store? */
static bool may_look_back(const struct wf_sim_view *view, const struct record *r,
                          enum wf_sim_order order)
{
    bool is_seq = order == WF_SIM_seq_cst;
    if (r->is_unseen || r->number <= memory.floor || r->point + memory.lag < wf_sim.points)
        return false;
    if (r->seen_at.of[view->slot] != 0 || covers(&view->known, r)) /* M1, M2 */
        return false;
    if (r->is_seq && (is_seq || r->number <= view->fence_number)) /* M3, M4 */
        return false;
    return !is_seq || !covers(&memory.fences, r); /* M4 */
}

/* The record of what was there before, if it is known. */
static struct record *before(const struct record *r)
{
    struct record *older = newest_from(r->next, r->at);
    return older != NULL && !older->is_unseen && older->after == r->before ? older : NULL;
}

void wf_sim_loaded(const void *at, void *value, size_t size, enum wf_sim_order order)
{
    struct wf_sim_view *view = current_view();
    struct record *r = view != NULL ? newest(at, number_of(value, size)) : NULL;
    while (r != NULL && may_look_back(view, r, order) && wf_sim_draw(100) < memory.percent) {
        memcpy(value, &r->before, size);
        r = before(r);
    }
    if (r != NULL)
        learn(view, r, order);
}

/* By an atomic load: TSan takes any other look at an atomic for a race. */
static uint64_t number_at(const void *address, size_t size)
{
    void *at = (void *)(uintptr_t)address;
    switch (size) {
    case 1: return wf_load_rlx_raw((_Atomic uint8_t *)at);
    case 2: return wf_load_rlx_raw((_Atomic uint16_t *)at);
    case 4: return wf_load_rlx_raw((_Atomic uint32_t *)at);
    default: return wf_load_rlx_raw((_Atomic uint64_t *)at);
    }
}

bool wf_sim_cas_misses(const void *at, void *expected, size_t size, enum wf_sim_order failed)
{
    uint64_t seen = number_at(at, size), wanted = number_of(expected, size);
    if (seen != wanted)
        return false;
    wf_sim_loaded(at, &seen, size, failed);
    memcpy(expected, &seen, size);
    return seen != wanted;
}

void wf_sim_saw_newest(const void *at, enum wf_sim_order order)
{
    struct wf_sim_view *view = current_view();
    struct record *r = view != NULL ? newest_from(memory.buckets[bucket_of(at)], at) : NULL;
    if (r != NULL)
        learn(view, r, order);
}

/* ---- stores and fences ----------------------------------------------------------------------- */

void wf_sim_stored(const void *at, const void *before_it, const void *after, size_t size,
                   enum wf_sim_order order)
{
    struct wf_sim_view *view = current_view();
    if (view == NULL) {
        forget_place(at);
        return;
    }
    struct record *r = push(view, at, order);
    r->before = number_of(before_it, size);
    r->after = number_of(after, size);
}

void wf_sim_exchanged(const void *at, const void *before_it, const void *after, size_t size,
                      enum wf_sim_order order)
{
    struct wf_sim_view *view = current_view();
    struct record *seen = view != NULL ? newest(at, number_of(before_it, size)) : NULL;
    struct wf_sim_clocks released = { { 0 } };
    if (seen != NULL) {
        learn(view, seen, order);
        released = seen->released; /* M2: its own record may take this one's place */
    }
    wf_sim_stored(at, before_it, after, size, order);
    if (view != NULL)
        join(&numbered(memory.n_records)->released, &released);
}

void wf_sim_stored_unseen(const void *at)
{
    struct wf_sim_view *view = current_view();
    if (view != NULL)
        push(view, at, WF_SIM_release)->is_unseen = true;
}

void wf_sim_fenced(void)
{
    struct wf_sim_view *view = current_view();
    if (view == NULL)
        return;
    tick(view);
    join(&view->known, &view->pending);
    join(&view->known, &memory.fences);
    memory.fences = view->known;
    view->fenced = view->known;
    view->fence_number = memory.n_records;
}

/* ---- what teaches without an atomic ---------------------------------------------------------- */

/* From the current thread, if one runs, to the other. */
void wf_sim_teach(struct wf_sim_thread *other)
{
    struct wf_sim_thread *me = wf_sim.current;
    if (!wf_sim_is_weak || me == NULL || me == other)
        return;
    tick(&me->view);
    join(&other->view.known, &me->view.known);
}

void wf_sim_learn_from(struct wf_sim_thread *joined)
{
    join(&wf_sim.current->view.known, &joined->view.known);
}

void wf_sim_teach_system(void)
{
    struct wf_sim_view *view = current_view();
    if (view == NULL)
        return;
    tick(view);
    join(&memory.system, &view->known);
}

void wf_sim_learn_from_system(void)
{
    struct wf_sim_view *view = current_view();
    if (view != NULL)
        join(&view->known, &memory.system);
}

void wf_sim_all_know(void) { memory.floor = memory.n_records; }

void wf_sim_forget(const void *low, size_t size)
{
    if (!wf_sim_is_weak)
        return;
    for (struct record *r = memory.records; r < memory.records + RECORDS; r++)
        if ((uintptr_t)r->at - (uintptr_t)low < size)
            r->at = NULL;
}

/* ---- a run and its threads ------------------------------------------------------------------- */

void wf_sim_memory_begin(void)
{
    static const uint16_t lags[] = { 16, 64, 256 };
    static const uint8_t percents[] = { 10, 30, 60 };
    wf_sim_is_weak = wf_sim.opts.is_weak;
    if (!wf_sim_is_weak)
        return;
    memset(&memory, 0, sizeof memory);
    memory.lag = lags[wf_sim_draw(WF_ARRAY_SIZE(lags))];
    memory.percent = percents[wf_sim_draw(WF_ARRAY_SIZE(percents))];
}

void wf_sim_memory_end(void) { wf_sim_is_weak = false; }

void wf_sim_view_begin(struct wf_sim_thread *thread)
{
    unsigned slot = 0;
    while (slot < WF_SIM_SLOTS && memory.is_used[slot])
        slot++;
    thread->view = (struct wf_sim_view){ .slot = slot };
    if (slot == WF_SIM_NO_SLOT)
        wf_sim_is_weak = false;
    if (!wf_sim_is_weak)
        return;
    memory.is_used[slot] = true;
    wf_sim_teach(thread);
    tick(&thread->view);
}

void wf_sim_view_end(struct wf_sim_thread *thread)
{
    if (wf_sim_is_weak)
        memory.is_used[thread->view.slot] = false;
}
