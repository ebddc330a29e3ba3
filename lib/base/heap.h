/* SPDX-License-Identifier: MIT
 * Pairing heap, intrusive: insert never needs memory. (Fredman, Sedgewick, Sleator, Tarjan, "The
 * pairing heap", 1986.) For the slots of wheel.h. */
#ifndef WF_BASE_HEAP_H
#define WF_BASE_HEAP_H

#include "plat/cc.h"

struct wf_heap_node {
    struct wf_heap_node *child, *next;
    struct wf_heap_node *prev; /* the elder sibling, or the parent of the eldest */
    int64_t key;
};

struct wf_heap {
    struct wf_heap_node *root; /* the least key; NULL: empty */
};

void wf_heap_insert(struct wf_heap *heap, struct wf_heap_node *node);
void wf_heap_remove(struct wf_heap *heap, struct wf_heap_node *node);

#endif
