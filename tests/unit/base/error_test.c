/* SPDX-License-Identifier: MIT
 * Names and texts of codes. */
#define WEFT_KEEP_ERRNO
#include <weft/error.h>

#include "wt_test.h"

#include <errno.h>
#include <limits.h>

WT_TEST(each_code_of_the_map_has_its_name_and_text)
{
#define CHECK(name, code, text)                                 \
    ck_assert_int_eq(WEFT_##name, code);                        \
    ck_assert_int_lt(WEFT_##name, 0);                           \
    ck_assert_str_eq(weft_errname(WEFT_##name), "WEFT_" #name); \
    ck_assert_str_eq(weft_strerror(WEFT_##name), text);
    WEFT_ERROR_MAP(CHECK)
#undef CHECK
}

WT_TEST(codes_of_the_map_differ)
{
    static const int codes[] = {
#define CODE(name, code, text) code,
        WEFT_ERROR_MAP(CODE)
#undef CODE
    };
    int n = (int)(sizeof codes / sizeof codes[0]);
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++)
            ck_assert_int_ne(codes[i], codes[k]);
}

WT_TEST(others_are_the_systems)
{
    ck_assert_str_eq(weft_errname(-EIO), "EIO");
    ck_assert_str_eq(weft_strerror(-ENOENT), "No such file or directory");
    ck_assert_int_eq(WEFT_ETIMEDOUT, -ETIMEDOUT);
}

WT_TEST(success_and_nonsense)
{
    ck_assert_str_eq(weft_strerror(0), "success");
    ck_assert_str_eq(weft_strerror(17), "success");
    ck_assert_str_eq(weft_errname(INT_MAX), "OK");
    static const int strange[] = { -100000, INT_MIN + 1, INT_MIN };
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(weft_errname(strange[i]), "?");
        ck_assert_str_eq(weft_strerror(strange[i]), "unknown error");
    }
}

WT_MAIN_BARE("error")
