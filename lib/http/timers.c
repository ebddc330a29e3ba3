/* SPDX-License-Identifier: MIT */
#include "http/timers.h"

#include "plat/mem.h"

static void put(struct wf_http_timers *timers, size_t place, struct wf_http_timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void sift_up(struct wf_http_timers *timers, size_t place, struct wf_http_timer *timer)
{
    for (; place > 1 && timers->heap[place / 2 - 1]->key_ns > timer->key_ns; place /= 2)
        put(timers, place, timers->heap[place / 2 - 1]);
    put(timers, place, timer);
}

static void sift_down(struct wf_http_timers *timers, size_t place, struct wf_http_timer *timer)
{
    for (size_t child; (child = place * 2) <= timers->n; place = child) {
        if (child < timers->n && timers->heap[child]->key_ns < timers->heap[child - 1]->key_ns)
            child++;
        if (timers->heap[child - 1]->key_ns >= timer->key_ns)
            break;
        put(timers, place, timers->heap[child - 1]);
    }
    put(timers, place, timer);
}

static void take_out(struct wf_http_timers *timers, struct wf_http_timer *timer)
{
    size_t place = timer->place;
    struct wf_http_timer *last = timers->heap[--timers->n];
    timer->place = 0;
    if (last == timer)
        return;
    if (place > 1 && timers->heap[place / 2 - 1]->key_ns > last->key_ns)
        sift_up(timers, place, last);
    else
        sift_down(timers, place, last);
}

bool wf_http_timers_reserve(struct wf_http_timers *timers)
{
    if (timers->n_reserved == timers->room) {
        size_t room = timers->room == 0 ? 16 : timers->room * 2;
        void *heap = wf_realloc(timers->heap, wf_size_with(0, room, sizeof(*timers->heap)));
        if (heap == NULL)
            return false;
        timers->heap = heap;
        timers->room = room;
    }
    timers->n_reserved++;
    return true;
}

void wf_http_timers_release(struct wf_http_timers *timers) { timers->n_reserved--; }

void wf_http_timer_clear(struct wf_http_timers *timers, struct wf_http_timer *timer)
{
    timer->at_ns = INT64_MAX;
    if (timer->place != 0)
        take_out(timers, timer);
}

void wf_http_timers_destroy(struct wf_http_timers *timers) { wf_free(timers->heap); }

void wf_http_timer_set(struct wf_http_timers *timers, struct wf_http_timer *timer, int64_t at_ns)
{
    timer->at_ns = at_ns;
    if (at_ns == INT64_MAX || (timer->place != 0 && at_ns >= timer->key_ns))
        return;
    timer->key_ns = at_ns;
    sift_up(timers, timer->place != 0 ? timer->place : ++timers->n, timer);
}

int64_t wf_http_timers_next(const struct wf_http_timers *timers)
{
    return timers->n > 0 ? timers->heap[0]->key_ns : INT64_MAX;
}

struct wf_http_timer *wf_http_timers_due(struct wf_http_timers *timers, int64_t now_ns)
{
    while (timers->n > 0 && timers->heap[0]->key_ns <= now_ns) {
        struct wf_http_timer *timer = timers->heap[0];
        take_out(timers, timer);
        if (timer->at_ns <= now_ns)
            return timer;
        wf_http_timer_set(timers, timer, timer->at_ns);
    }
    return NULL;
}
