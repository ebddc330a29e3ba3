/* SPDX-License-Identifier: MIT
 * Timing wheel whose slots are pairing heaps: adding is a step or two however many timers there
 * are, and the least is known exactly, so that whoever sleeps until it is neither early nor woken
 * for nothing. Intrusive: adding never needs memory, so no timer fails to start. No locking.
 *
 * Six bits of the time select a slot of a level; level 0 counts units of 2^14 ns (16 us), each
 * further level is 64 times as coarse. base is a time that has come. A key lies on the level of the
 * highest bits in which it differs from base, so:
 *   H1  each key lies in slot_of(key, base); one before base in base's own slot on level 0.
 *   H2  all keys on a level are less than all on the levels above it, and on one level those in a
 *       slot less than those in later slots.
 *   H3  a slot's bit, and a level's bit, is set if and only if something is in it.
 * The least is therefore the root of the first slot. When time reaches a slot of an upper level,
 * that slot's timers are spread over the levels below: once a level for each, at most.
 *
 * (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987; the levels by differing bits
 * are those of the radix heap: Ahuja, Mehlhorn, Orlin, Tarjan, 1990.)
 *
 * Rejected: one pairing heap. It is right, and fast below some thousand timers; at a million each
 * removal of the least walks over nodes that are in no cache.
 * Rejected: lists in the slots. The least would have to be looked for whenever it is cancelled, or
 * sleepers woken at a slot's beginning for nothing.
 * Rejected: an array heap. Growing it can fail in the middle of a sleep, and every step of a sift
 * writes its place into a timer that is in no cache. */
#ifndef WF_BASE_WHEEL_H
#define WF_BASE_WHEEL_H

#include "base/heap.h"

enum {
    WF_WHEEL_UNIT_BITS = 14,
    WF_WHEEL_LEVEL_BITS = 6,
    WF_WHEEL_SLOTS = 1 << WF_WHEEL_LEVEL_BITS,
    WF_WHEEL_LEVELS = (63 - WF_WHEEL_UNIT_BITS + WF_WHEEL_LEVEL_BITS - 1) / WF_WHEEL_LEVEL_BITS,
};

/* Zeroed is empty, and time 0. */
struct wf_wheel {
    int64_t base;                    /* a multiple of the unit */
    uint32_t levels;                 /* H3 */
    uint64_t slots[WF_WHEEL_LEVELS]; /* H3 */
    struct wf_heap heaps[WF_WHEEL_LEVELS][WF_WHEEL_SLOTS];
};

void wf_wheel_insert(struct wf_wheel *wheel, struct wf_heap_node *node);
void wf_wheel_remove(struct wf_wheel *wheel, struct wf_heap_node *node);

/* The least, NULL: empty. */
struct wf_heap_node *wf_wheel_first(const struct wf_wheel *wheel);

/* Takes out the least if its key is now_ns or before; else NULL. */
struct wf_heap_node *wf_wheel_pop(struct wf_wheel *wheel, int64_t now_ns);

/* Says that it is now_ns, so that what is added from now on finds a fine slot. */
void wf_wheel_advance(struct wf_wheel *wheel, int64_t now_ns);

#endif
