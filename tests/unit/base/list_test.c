/* SPDX-License-Identifier: MIT
 * The intrusive list: order, removal from anywhere, removal twice. */
#include "base/list.h"

#include "wt_test.h"

struct item {
    struct wf_link link;
    int number;
};

static struct item items[5];
static struct wf_list list;

static void fill(void)
{
    wf_list_init(&list);
    for (int i = 0; i < 5; i++) {
        items[i].number = i;
        wf_link_init(&items[i].link);
        wf_list_push_back(&list, &items[i].link);
    }
}

static int number_of(struct wf_link *link) { return WF_CONTAINER(link, struct item, link)->number; }

WT_TEST(first_in_is_first_out)
{
    fill();
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(number_of(wf_list_pop_front(&list)), i);
    ck_assert(wf_list_is_empty(&list));
    ck_assert_ptr_null(wf_list_pop_front(&list));
    ck_assert_ptr_null(wf_list_first(&list));
}

WT_TEST(the_front_may_be_joined_too)
{
    fill();
    wf_list_remove(&items[3].link);
    wf_list_push_front(&list, &items[3].link);
    static const int order[] = { 3, 0, 1, 2, 4 };
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(number_of(wf_list_pop_front(&list)), order[i]);
}

WT_TEST(a_link_leaves_from_anywhere_and_a_second_time_is_harmless)
{
    fill();
    static const int order[] = { 2, 0, 4, 3, 1 };
    for (int i = 0; i < 5; i++) {
        struct wf_link *link = &items[order[i]].link;
        ck_assert(wf_link_is_linked(link));
        wf_list_remove(link);
        wf_list_remove(link);
        ck_assert(!wf_link_is_linked(link));
    }
    ck_assert(wf_list_is_empty(&list));
}

WT_TEST(a_walk_may_remove_where_it_stands)
{
    fill();
    int seen = 0;
    wf_list_each (link, &list) {
        ck_assert_int_eq(number_of(link), seen++);
        if (number_of(link) % 2 == 0)
            wf_list_remove(link);
    }
    ck_assert_int_eq(seen, 5);
    ck_assert_int_eq(number_of(wf_list_pop_front(&list)), 1);
    ck_assert_int_eq(number_of(wf_list_pop_front(&list)), 3);
    ck_assert(wf_list_is_empty(&list));
}

WT_MAIN_BARE("list")
