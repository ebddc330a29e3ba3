/* SPDX-License-Identifier: MIT */
/* Callables: a function with its arguments, as spawn, generators and the pool take it.
 *
 * The definers (WEFT_TASK, WEFT_GENERATOR, WEFT_MAP ...) make one from a function whose
 * parameters are written as tuples:
 *
 *     WEFT_TASK(copy, (rx, int, from), (tx, int, to), (auto, database, db), (int, limit))
 *
 * (type, name) is copied, or borrowed if it is a pointer. (rx, T, name), (tx, T, name)
 * and (auto, type, name) are owned: the caller hands over with WEFT_MOVE or weft_ref, the
 * body sees a const it can use and weft_ref, and they are dropped in reverse order right
 * after the body, or unused if it never runs. At most 8 parameters; a macro of yours
 * called rx, tx or auto would break the tuples. A typedef of a handle used as a plain
 * (type, name) is only borrowed: the compiler can't tell.
 *
 * A binding for another language fills a weft_callable by hand.
 */
#ifndef WEFT_CALLABLE_H
#define WEFT_CALLABLE_H

#include <weft/base.h>
#include <weft/callable_each.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/half.h>

/* What a call that takes one does with it: it copies args_size bytes of args, and from
 * then on owns what they own, on every path. Lives as long as the program. */
typedef struct weft_callable {
    /* Runs the body. For a task and a generator it then drops what args owns; a step of a
     * combinator runs for each item and leaves args alone. self: the generator's own
     * receiver, a step's weft_step, else NULL. */
    int (*enter)(void *args, void *self);
    void (*drop)(void *args);            /* drops what args owns, when enter did not */
    int (*clone)(void *args);            /* args is a byte copy: gives it references of its
                                            own. On failure it owns nothing and returns <0 */
    size_t args_size;
    const char *name;                    /* static text, as are the next two */
    const char *file;
    int line;
} weft_callable;

#ifndef __cplusplus

/* ---- what every definer makes --------------------------------------------------------- */

/* struct fn_args, its drop and clone. "weft_a_" names the arguments in the pieces below. */
#define WEFT_ARGS_(fn, ...)                                                               \
    WEFT_AT_MOST_8_(__VA_ARGS__)                                                          \
    struct fn##_args_ { char weft_none_; WEFT_EACH_(WEFT_P_FIELD_, ##__VA_ARGS__) };      \
    static void fn##_drop_(void *weft_args_)                                              \
    {                                                                                     \
        struct fn##_args_ *weft_a_ = (struct fn##_args_ *)weft_args_;                     \
        (void)weft_a_;                                                                    \
        WEFT_BACK_(WEFT_P_DROP_, ##__VA_ARGS__)                                           \
    }                                                                                     \
    static int fn##_clone_(void *weft_args_)                                              \
    {                                                                                     \
        struct fn##_args_ *weft_a_ = (struct fn##_args_ *)weft_args_;                     \
        int weft_rc_ = 0;                                                                 \
        WEFT_EACH_(WEFT_P_CLONE_, ##__VA_ARGS__)                                          \
        if (weft_rc_ < 0)                                                                 \
            fn##_drop_(weft_a_);                                                          \
        return weft_rc_;                                                                  \
    }

/* The callable of a body that runs once. call is the body's call, from weft_a_. */
#define WEFT_CALLABLE_(fn, call, ...)                                                     \
    WEFT_ARGS_(fn, ##__VA_ARGS__)                                                         \
    static int fn##_enter_(void *weft_args_, void *weft_self_)                            \
    {                                                                                     \
        struct fn##_args_ *weft_a_ = (struct fn##_args_ *)weft_args_;                     \
        int weft_rc_;                                                                     \
        (void)weft_self_;                                                                 \
        weft_rc_ = call;                                                                  \
        fn##_drop_(weft_a_);                                                              \
        return weft_rc_;                                                                  \
    }                                                                                     \
    WEFT_CALLABLE_TABLE_(fn)

#define WEFT_CALLABLE_TABLE_(fn)                                                          \
    WEFT_UNUSED_ static const weft_callable fn##_callable_ = {                            \
        fn##_enter_, fn##_drop_, fn##_clone_,                                             \
        sizeof(struct fn##_args_), #fn, __FILE__, __LINE__ };

/* At the start of a generated caller: weft_args_ takes the parameters over; when an owned
 * one is empty, drops the others and runs instead. */
#define WEFT_TAKE_ARGS_(fn, instead, ...)                                                 \
    struct fn##_args_ weft_args_ = { .weft_none_ = 0 WEFT_EACH_(WEFT_P_INIT_, ##__VA_ARGS__) }; \
    if (0 WEFT_EACH_(WEFT_P_EMPTY_, ##__VA_ARGS__)) {                                     \
        fn##_drop_(&weft_args_);                                                          \
        instead;                                                                          \
    }

/* ---- kinds of owned parameters ---------------------------------------------------------- */

#define WEFT_K_TYPE_rx(T)         weft_rx(T)
#define WEFT_K_TYPE_tx(T)         weft_tx(T)
#define WEFT_K_TYPE_auto(T)       __typeof__(T *)
#define WEFT_K_TAKE_rx(slot)      weft_half_take(slot)
#define WEFT_K_TAKE_tx(slot)      weft_half_take(slot)
#define WEFT_K_TAKE_auto(slot)    weft_slot_take(slot)
#define WEFT_K_DROP_rx(T, slot)   weft_half_drop(slot);
#define WEFT_K_DROP_tx(T, slot)   weft_half_drop(slot);
#define WEFT_K_DROP_auto(T, slot) T##_auto_(slot);
#define WEFT_K_CLONE_rx(T, field) WEFT_K_CLONE_HALF_(weft_rx(T), field)
#define WEFT_K_CLONE_tx(T, field) WEFT_K_CLONE_HALF_(weft_tx(T), field)
#define WEFT_K_CLONE_HALF_(type, field)                                                   \
    field = __extension__(type)weft_half_ref(__extension__(void *)field, __FILE__, __LINE__); \
    if (field == NULL)                                                                    \
        weft_rc_ = WEFT_ENOMEM;
#define WEFT_K_CLONE_auto(T, field) field = NULL, weft_rc_ = WEFT_EINVAL;  /* one owner only */

/* ---- what one parameter contributes to each piece: _2 copied, _3 owned -------------------- */

#define WEFT_P_PICK_(a, b, c, d, ...) d
#define WEFT_P_(piece, ...) \
    WEFT_P_PICK_(__VA_ARGS__, WEFT_CAT2_(piece, 3), WEFT_CAT2_(piece, 2), )(__VA_ARGS__)

#define WEFT_P_FIELD_(...)            WEFT_P_(WEFT_P_FIELD_, __VA_ARGS__)
#define WEFT_P_FIELD_2(type, name)    __typeof__(type) name;
#define WEFT_P_FIELD_3(kind, T, name) WEFT_K_TYPE_##kind(T) name;

/* The body's parameters: B alone, BC after a comma. */
#define WEFT_P_BODY_(...)             WEFT_P_(WEFT_P_BODY_, __VA_ARGS__)
#define WEFT_P_BODYC_(...)            , WEFT_P_(WEFT_P_BODY_, __VA_ARGS__)
#define WEFT_P_BODY_2(type, name)     __typeof__(type) name
#define WEFT_P_BODY_3(kind, T, name)  WEFT_K_TYPE_##kind(T) const name

/* The caller's parameters: alone, after a comma, before a comma. */
#define WEFT_P_TAKE_(...)             WEFT_P_(WEFT_P_TAKE_, __VA_ARGS__)
#define WEFT_P_CTAKE_(...)            , WEFT_P_(WEFT_P_TAKE_, __VA_ARGS__)
#define WEFT_P_TAKEC_(...)            WEFT_P_(WEFT_P_TAKE_, __VA_ARGS__),
#define WEFT_P_TAKE_2(type, name)     __typeof__(type) name
#define WEFT_P_TAKE_3(kind, T, name)  WEFT_K_TYPE_##kind(T) *name

/* The caller's parameters passed on unchanged, before a comma. */
#define WEFT_P_NAMEC_(...)            WEFT_P_(WEFT_P_NAME_, __VA_ARGS__),
#define WEFT_P_NAME_2(type, name)     name
#define WEFT_P_NAME_3(kind, T, name)  name

#define WEFT_P_INIT_(...)             WEFT_P_(WEFT_P_INIT_, __VA_ARGS__)
#define WEFT_P_INIT_2(type, name)     , .name = name
#define WEFT_P_INIT_3(kind, T, name) \
    , .name = __extension__(WEFT_K_TYPE_##kind(T))WEFT_K_TAKE_##kind(name)

#define WEFT_P_EMPTY_(...)            WEFT_P_(WEFT_P_EMPTY_, __VA_ARGS__)
#define WEFT_P_EMPTY_2(type, name)
#define WEFT_P_EMPTY_3(kind, T, name) || weft_args_.name == NULL

#define WEFT_P_PASS_(...)             WEFT_P_(WEFT_P_PASS_, __VA_ARGS__)
#define WEFT_P_PASSC_(...)            , WEFT_P_(WEFT_P_PASS_, __VA_ARGS__)
#define WEFT_P_PASS_2(type, name)     weft_a_->name
#define WEFT_P_PASS_3(kind, T, name)  weft_a_->name

#define WEFT_P_DROP_(...)             WEFT_P_(WEFT_P_DROP_, __VA_ARGS__)
#define WEFT_P_DROP_2(type, name)
#define WEFT_P_DROP_3(kind, T, name)  WEFT_K_DROP_##kind(T, &weft_a_->name)

#define WEFT_P_CLONE_(...)            WEFT_P_(WEFT_P_CLONE_, __VA_ARGS__)
#define WEFT_P_CLONE_2(type, name)
#define WEFT_P_CLONE_3(kind, T, name) WEFT_K_CLONE_##kind(T, weft_a_->name)

#endif
#endif
