/* SPDX-License-Identifier: MIT
 * Intrusive doubly linked list. A link that is on no list points at itself, so wf_list_remove is
 * harmless twice and wf_link_is_linked tells. No locking. */
#ifndef WF_BASE_LIST_H
#define WF_BASE_LIST_H

#include "plat/cc.h"

struct wf_link {
    struct wf_link *next, *prev;
};

struct wf_list {
    struct wf_link head;
};

static inline void wf_link_init(struct wf_link *link) { link->next = link->prev = link; }
static inline bool wf_link_is_linked(const struct wf_link *link) { return link->next != link; }
static inline void wf_list_init(struct wf_list *list) { wf_link_init(&list->head); }
static inline bool wf_list_is_empty(const struct wf_list *list)
{
    return list->head.next == &list->head;
}

static inline void wf_list_push_back(struct wf_list *list, struct wf_link *link)
{
    link->prev = list->head.prev;
    link->next = &list->head;
    list->head.prev->next = link;
    list->head.prev = link;
}

static inline void wf_list_push_front(struct wf_list *list, struct wf_link *link)
{
    link->prev = &list->head;
    link->next = list->head.next;
    list->head.next->prev = link;
    list->head.next = link;
}

static inline void wf_list_remove(struct wf_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    wf_link_init(link);
}

static inline struct wf_link *wf_list_first(const struct wf_list *list)
{
    return wf_list_is_empty(list) ? NULL : list->head.next;
}

static inline struct wf_link *wf_list_pop_front(struct wf_list *list)
{
    struct wf_link *link = wf_list_first(list);
    if (link != NULL)
        wf_list_remove(link);
    return link;
}

/* The body may remove `link` itself, nothing else. Evaluates `list` several times. */
#define wf_list_each(link, list)                                               \
    for (struct wf_link *link = (list)->head.next, *link##_next_ = link->next; \
         link != &(list)->head; link = link##_next_, link##_next_ = link->next)

#endif
