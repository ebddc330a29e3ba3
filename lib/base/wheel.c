/* SPDX-License-Identifier: MIT */
#include "base/wheel.h"

#define UNIT (INT64_C(1) << WF_WHEEL_UNIT_BITS)

struct place {
    unsigned level, slot;
};

/* H1 */
static inline struct place place_of(const struct wf_wheel *wheel, int64_t key)
{
    int64_t at = key > wheel->base ? key : wheel->base;
    uint64_t differ = (uint64_t)(at ^ wheel->base) >> WF_WHEEL_UNIT_BITS;
    unsigned level = differ == 0 ? 0
                                 : (63 - (unsigned)__builtin_clzll(differ)) / WF_WHEEL_LEVEL_BITS;
    unsigned shift = WF_WHEEL_UNIT_BITS + level * WF_WHEEL_LEVEL_BITS;
    return (struct place){ level, (unsigned)((uint64_t)at >> shift) % WF_WHEEL_SLOTS };
}

static inline struct place first_place(const struct wf_wheel *wheel)
{
    unsigned level = (unsigned)__builtin_ctz(wheel->levels);
    return (struct place){ level, (unsigned)__builtin_ctzll(wheel->slots[level]) };
}

static inline struct wf_heap *heap_at(struct wf_wheel *wheel, struct place place)
{
    return &wheel->heaps[place.level][place.slot];
}

static inline void mark_empty(struct wf_wheel *wheel, struct place place)
{
    wheel->slots[place.level] &= ~((uint64_t)1 << place.slot);
    if (wheel->slots[place.level] == 0)
        wheel->levels &= ~((uint32_t)1 << place.level);
}

static void remove_at(struct wf_wheel *wheel, struct place place, struct wf_heap_node *node)
{
    struct wf_heap *heap = heap_at(wheel, place);
    wf_heap_remove(heap, node);
    if (heap->root == NULL)
        mark_empty(wheel, place);
}

void wf_wheel_insert(struct wf_wheel *wheel, struct wf_heap_node *node)
{
    struct place place = place_of(wheel, node->key);
    wf_heap_insert(heap_at(wheel, place), node);
    wheel->slots[place.level] |= (uint64_t)1 << place.slot;
    wheel->levels |= (uint32_t)1 << place.level;
}

void wf_wheel_remove(struct wf_wheel *wheel, struct wf_heap_node *node)
{
    remove_at(wheel, place_of(wheel, node->key), node);
}

struct wf_heap_node *wf_wheel_first(const struct wf_wheel *wheel)
{
    if (wheel->levels == 0)
        return NULL;
    struct place place = first_place(wheel);
    return wheel->heaps[place.level][place.slot].root;
}

/* A heap's nodes one by one, in any order. Rows of siblings wait their turn, the first of a row
 * holding the next row by its prev. */
static void spread(struct wf_wheel *wheel, struct wf_heap_node *root)
{
    struct wf_heap_node *rows = root;
    while (rows != NULL) {
        struct wf_heap_node *node = rows, *next;
        rows = node->prev;
        for (; node != NULL; node = next) {
            next = node->next;
            if (node->child != NULL) {
                node->child->prev = rows;
                rows = node->child;
            }
            wf_wheel_insert(wheel, node);
        }
    }
}

/* No key is before to_ns, so by H2 nothing lies on levels below the one that changes, nor in the
 * slots passed on that one: what is in the slot entered is all that has another place now. */
static void move_base(struct wf_wheel *wheel, int64_t to_ns)
{
    struct place entered = place_of(wheel, to_ns);
    wheel->base = to_ns & -UNIT;
    if (entered.level == 0)
        return;
    struct wf_heap *heap = heap_at(wheel, entered);
    struct wf_heap_node *root = heap->root;
    if (root == NULL)
        return;
    heap->root = NULL;
    mark_empty(wheel, entered);
    spread(wheel, root);
}

void wf_wheel_advance(struct wf_wheel *wheel, int64_t now_ns)
{
    struct wf_heap_node *first = wf_wheel_first(wheel);
    int64_t to_ns = first != NULL ? WF_MIN(first->key, now_ns) : now_ns;
    if (to_ns > wheel->base && to_ns - wheel->base >= UNIT)
        move_base(wheel, to_ns);
}

struct wf_heap_node *wf_wheel_pop(struct wf_wheel *wheel, int64_t now_ns)
{
    struct wf_heap_node *first = wf_wheel_first(wheel);
    if (first == NULL || first->key > now_ns)
        return NULL;
    /* One alone comes out of any level; out of many the least is cheaper below. */
    if (first->child != NULL)
        wf_wheel_advance(wheel, first->key);
    remove_at(wheel, place_of(wheel, first->key), first);
    return first;
}
