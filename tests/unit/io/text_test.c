/* SPDX-License-Identifier: MIT
 * Lines that their holder owns. */
#include "plat/mem.h"
#include "plat/sys.h"
#include "wt_test.h"

#include <stdint.h>
#include <string.h>
#include <weft.h>

WT_TEST(a_copy_is_its_own)
{
    char source[] = "a\0b";
    weft_text text;
    ck_assert_int_eq(weft_text_copy((weft_line){ source, 3 }, &text), 0);
    source[0] = 'z';
    ck_assert_uint_eq(text.size, 3);
    ck_assert_int_eq(memcmp(text.data, "a\0b\0", 4), 0);
    weft_text_drop(&text);
    ck_assert_ptr_null(text.data);
    ck_assert_uint_eq(text.size, 0);
    weft_text_drop(&text);
    weft_text_drop(NULL);
}

WT_TEST(an_empty_line_is_an_empty_text)
{
    weft_text text;
    ck_assert_int_eq(weft_text_copy((weft_line){ NULL, 0 }, &text), 0);
    ck_assert_str_eq(text.data, "");
    weft_text_drop(&text);
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(without_memory_nothing_is_written)
{
    weft_text text = { NULL, 77 };
    wf_sys.alloc = no_memory;
    ck_assert_int_eq(weft_text_copy((weft_line){ "x", 1 }, &text), WEFT_ENOMEM);
    wf_sys = wf_sys_real;
    ck_assert_int_eq(weft_text_copy((weft_line){ "x", SIZE_MAX }, &text), WEFT_ENOMEM);
    ck_assert_uint_eq(text.size, 77);
    ck_assert_int_eq(weft_text_copy((weft_line){ "x", 1 }, NULL), WEFT_EINVAL);
}

WT_TEST(weft_free_takes_what_weft_gave)
{
    weft_free(NULL);
    weft_free(wf_alloc(1, 10));
}

WT_MAIN("text")
