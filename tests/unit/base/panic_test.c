/* SPDX-License-Identifier: MIT
 * Last words and reports. */
#include "base/panic.h"

#include "plat/sys.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>

static void die(void *arg) { wf_panic("%s has %d legs", (const char *)arg, 5); }

WT_TEST(a_panic_says_one_sentence)
{
    wt_expect_abort(die, "the cow", "weft: fatal: the cow has 5 legs\n");
}

static size_t say_more(char *buf, size_t size)
{
    int n = snprintf(buf, size, " [in the barn]");
    return n > 0 && size > 0 ? WF_MIN((size_t)n, size - 1) : 0;
}

static void die_in_the_barn(void *arg)
{
    wf_panic_context(say_more);
    die(arg);
}

WT_TEST(and_where_it_happened)
{
    wt_expect_abort(die_in_the_barn, "the cow", "the cow has 5 legs [in the barn]\n");
}

static void die_at_length(void *arg)
{
    static char name[2000];
    memset(name, 'x', sizeof name - 1);
    wf_panic_context(say_more);
    die(arg != NULL ? arg : name);
}

WT_TEST(a_long_sentence_is_cut_before_the_place)
{
    wt_expect_abort(die_at_length, NULL, "xxxxxxxxxxxxxxx [in the barn]\n");
}

static void check_level_1(void *arg)
{
    int n = *(int *)arg;
    WF_CHECK(1, n == 2, "n is %d", n);
    WF_CHECK(3, n == 3, "level 3: n is %d", n);
}

WT_TEST(checks_of_each_level_abort_in_a_testing_build)
{
    int n = 1;
    wt_expect_abort(check_level_1, &n, "weft: fatal: n is 1");
    n = 2;
    wt_expect_abort(check_level_1, &n, "weft: fatal: level 3: n is 2");
}

/* ---- texts ----------------------------------------------------------------------------------- */

WT_TEST(a_text_grows)
{
    struct wf_text text;
    wf_text_init(&text);
    for (int i = 0; i < 5000; i++)
        wf_text_add(&text, "%04d ", i);
    ck_assert(!text.is_cut);
    ck_assert_uint_eq(text.size, 5000 * 5);
    ck_assert_int_eq(memcmp(text.data, "0000 0001 ", 10), 0);
    ck_assert_int_eq(memcmp(text.data + text.size - 5, "4999 ", 5), 0);
    wf_text_free(&text);
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(a_text_without_memory_is_cut_and_stays_so)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_sys.alloc = no_memory;
    for (int i = 0; i < 5000; i++)
        wf_text_add(&text, "%04d ", i);
    wf_sys = wf_sys_real;
    ck_assert(text.is_cut);
    ck_assert_uint_le(text.size, sizeof text.first);
    size_t size = text.size;
    wf_text_add(&text, "more");
    ck_assert_uint_eq(text.size, size);
    wf_text_free(&text);
}

struct heard {
    char text[100];
    size_t size;
};

static void hear(const char *text, size_t size, void *arg)
{
    struct heard *heard = arg;
    memcpy(heard->text, text, size);
    heard->size = size;
}

WT_TEST(a_report_goes_to_the_hook_whole)
{
    struct heard heard = { .size = 0 };
    wf_report_hook(hear, &heard);
    wf_report("one sentence\n", 13);
    ck_assert_uint_eq(heard.size, 13);
    ck_assert_str_eq(heard.text, "one sentence\n");
}

WT_TEST(null_puts_stderr_back)
{
    struct heard heard = { .size = 77 };
    wf_report_hook(hear, &heard);
    wf_report_hook(NULL, NULL);
    wf_report("", 0);
    ck_assert_uint_eq(heard.size, 77);
}

WT_MAIN_BARE("panic")
