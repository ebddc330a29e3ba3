/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

/* The one with the greater key becomes the eldest child of the other. Equal keys: a stays above,
 * so that timers of one instant fire in the order they were added as far as a heap can keep it. */
static struct wf_heap_node *meld(struct wf_heap_node *a, struct wf_heap_node *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (b->key < a->key) {
        struct wf_heap_node *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child != NULL)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Two passes, without recursion: pairs from the left, then the pairs from the right. */
static struct wf_heap_node *meld_siblings(struct wf_heap_node *first)
{
    struct wf_heap_node *pairs = NULL;
    while (first != NULL) {
        struct wf_heap_node *a = first, *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = NULL;
        if (b != NULL)
            b->next = NULL;
        struct wf_heap_node *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct wf_heap_node *root = NULL;
    while (pairs != NULL) {
        struct wf_heap_node *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(pair, root);
    }
    return root;
}

void wf_heap_insert(struct wf_heap *heap, struct wf_heap_node *node)
{
    node->child = node->next = node->prev = NULL;
    heap->root = meld(heap->root, node);
}

void wf_heap_remove(struct wf_heap *heap, struct wf_heap_node *node)
{
    struct wf_heap_node *children = meld_siblings(node->child);
    if (heap->root == node) {
        heap->root = children;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next != NULL)
            node->next->prev = node->prev;
        heap->root = meld(heap->root, children);
    }
    if (heap->root != NULL)
        heap->root->prev = NULL;
    node->child = node->next = node->prev = NULL;
}
