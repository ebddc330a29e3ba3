/* SPDX-License-Identifier: MIT */
/* Machinery of weft/callable.h: a macro applied to each of up to 8 parameters.
 *
 * A parameter is a parenthesised tuple, so "m a" below is a call of m with the tuple's
 * parts. Nothing here is for users; the names end in an underscore.
 *
 *     WEFT_EACH_(m, (int, a), (rx, T, b))   m(int, a) m(rx, T, b)
 *     WEFT_BACK_(m, (int, a), (rx, T, b))   m(rx, T, b) m(int, a)
 *     WEFT_LIST_(m, (int, a), (rx, T, b))   m(int, a), m(rx, T, b)
 *     WEFT_LISTV_(m)                        void
 *
 * With 9 to 16 parameters each of them gives nothing, and WEFT_AT_MOST_8_ says why.
 */
#ifndef WEFT_CALLABLE_EACH_H
#define WEFT_CALLABLE_EACH_H
#ifndef __cplusplus

#include <weft/base.h>

#define WEFT_COUNT_(...)                                                                  \
    WEFT_COUNT2_(0, ##__VA_ARGS__, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY,        \
                 8, 7, 6, 5, 4, 3, 2, 1, 0, )
#define WEFT_COUNT2_(z, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count

#define WEFT_AT_MOST_8_(...) WEFT_CAT_(WEFT_AT_MOST_, WEFT_COUNT_(__VA_ARGS__))
#define WEFT_AT_MOST_0
#define WEFT_AT_MOST_1
#define WEFT_AT_MOST_2
#define WEFT_AT_MOST_3
#define WEFT_AT_MOST_4
#define WEFT_AT_MOST_5
#define WEFT_AT_MOST_6
#define WEFT_AT_MOST_7
#define WEFT_AT_MOST_8
#define WEFT_AT_MOST_MANY \
    _Static_assert(0, "weft: at most 8 parameters; put the others into a struct");

#define WEFT_EACH_(m, ...)     WEFT_CAT_(WEFT_EACH_, WEFT_COUNT_(__VA_ARGS__))(m, ##__VA_ARGS__)
#define WEFT_EACH_MANY(m, ...)
#define WEFT_EACH_0(m)
#define WEFT_EACH_1(m, a)      m a
#define WEFT_EACH_2(m, a, ...) m a WEFT_EACH_1(m, __VA_ARGS__)
#define WEFT_EACH_3(m, a, ...) m a WEFT_EACH_2(m, __VA_ARGS__)
#define WEFT_EACH_4(m, a, ...) m a WEFT_EACH_3(m, __VA_ARGS__)
#define WEFT_EACH_5(m, a, ...) m a WEFT_EACH_4(m, __VA_ARGS__)
#define WEFT_EACH_6(m, a, ...) m a WEFT_EACH_5(m, __VA_ARGS__)
#define WEFT_EACH_7(m, a, ...) m a WEFT_EACH_6(m, __VA_ARGS__)
#define WEFT_EACH_8(m, a, ...) m a WEFT_EACH_7(m, __VA_ARGS__)

#define WEFT_BACK_(m, ...)     WEFT_CAT_(WEFT_BACK_, WEFT_COUNT_(__VA_ARGS__))(m, ##__VA_ARGS__)
#define WEFT_BACK_MANY(m, ...)
#define WEFT_BACK_0(m)
#define WEFT_BACK_1(m, a)      m a
#define WEFT_BACK_2(m, a, ...) WEFT_BACK_1(m, __VA_ARGS__) m a
#define WEFT_BACK_3(m, a, ...) WEFT_BACK_2(m, __VA_ARGS__) m a
#define WEFT_BACK_4(m, a, ...) WEFT_BACK_3(m, __VA_ARGS__) m a
#define WEFT_BACK_5(m, a, ...) WEFT_BACK_4(m, __VA_ARGS__) m a
#define WEFT_BACK_6(m, a, ...) WEFT_BACK_5(m, __VA_ARGS__) m a
#define WEFT_BACK_7(m, a, ...) WEFT_BACK_6(m, __VA_ARGS__) m a
#define WEFT_BACK_8(m, a, ...) WEFT_BACK_7(m, __VA_ARGS__) m a

#define WEFT_LIST_(m, ...)     WEFT_CAT_(WEFT_LIST_, WEFT_COUNT_(__VA_ARGS__))(m, ##__VA_ARGS__)
#define WEFT_LIST_MANY(m, ...)
#define WEFT_LIST_0(m)
#define WEFT_LIST_1(m, a)      m a
#define WEFT_LIST_2(m, a, ...) m a, WEFT_LIST_1(m, __VA_ARGS__)
#define WEFT_LIST_3(m, a, ...) m a, WEFT_LIST_2(m, __VA_ARGS__)
#define WEFT_LIST_4(m, a, ...) m a, WEFT_LIST_3(m, __VA_ARGS__)
#define WEFT_LIST_5(m, a, ...) m a, WEFT_LIST_4(m, __VA_ARGS__)
#define WEFT_LIST_6(m, a, ...) m a, WEFT_LIST_5(m, __VA_ARGS__)
#define WEFT_LIST_7(m, a, ...) m a, WEFT_LIST_6(m, __VA_ARGS__)
#define WEFT_LIST_8(m, a, ...) m a, WEFT_LIST_7(m, __VA_ARGS__)

#define WEFT_LISTV_(m, ...)    WEFT_CAT_(WEFT_LISTV_, WEFT_COUNT_(__VA_ARGS__))(m, ##__VA_ARGS__)
#define WEFT_LISTV_MANY(m, ...) void
#define WEFT_LISTV_0(m)        void
#define WEFT_LISTV_1           WEFT_LIST_1
#define WEFT_LISTV_2           WEFT_LIST_2
#define WEFT_LISTV_3           WEFT_LIST_3
#define WEFT_LISTV_4           WEFT_LIST_4
#define WEFT_LISTV_5           WEFT_LIST_5
#define WEFT_LISTV_6           WEFT_LIST_6
#define WEFT_LISTV_7           WEFT_LIST_7
#define WEFT_LISTV_8           WEFT_LIST_8

#endif
#endif
