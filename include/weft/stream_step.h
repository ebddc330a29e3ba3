/* SPDX-License-Identifier: MIT */
/* Steps: what the definers of the stream headers make of a body. Machinery, and what a
 * binding for another language fills by hand.
 *
 *     WEFT_MAP(lengths, size_t, out_size, weft_line, line, (size_t, more)) { ... }
 *
 * gives a struct of the parameters, a weft_callable whose enter runs the body on one item,
 * and the openers lengths and lengths_with. The body is called with its real prototype:
 * no function pointer is cast.
 */
#ifndef WEFT_STREAM_STEP_H
#define WEFT_STREAM_STEP_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/half.h>
#include <weft/line.h>

/* What a step's enter gets as self. Both are aligned for their type: an item may lie where
 * its source has it. enter runs for each item and keeps the arguments; the callable's drop
 * ends them, once. */
typedef struct weft_step {
    const void *in;     /* the item, or what else the step looks at */
    void *out;          /* where a result goes; NULL: there is none */
} weft_step;

typedef struct weft_stream_opts {
    size_t size_;
    const char *name;                /* default: the name the definer gave; not copied */
    bool never_waits;                /* the step does not wait: select may pull it */
    void (*drop)(void *out_item);    /* for an item made, or kept, and not received */
    bool lends_items;                /* an item points into its source and is valid until the
                                        next receive: said of what a step makes, or of the
                                        streams that it opens, which else are taken to own
                                        what they have. Items that are lent as they come stay
                                        so without it, and so are lines that a step makes */
    int (*clone)(void *to, const void *from); /* 0, or an error: for those that give one item
                                        twice (scan, pairwise, distinct, tee), when it has a
                                        drop */
} weft_stream_opts;

#ifndef __cplusplus

/* The callable of a step. call is the body's call, from weft_a_ and weft_step_. */
#define WEFT_STEP_(fn, call, ...)                                                         \
    WEFT_ARGS_(fn, ##__VA_ARGS__)                                                         \
    static int fn##_enter_(void *weft_args_, void *weft_self_)                            \
    {                                                                                     \
        struct fn##_args_ *weft_a_ = (struct fn##_args_ *)weft_args_;                     \
        const weft_step *weft_step_ = (const weft_step *)weft_self_;                      \
        (void)weft_a_;                                                                    \
        return call;                                                                      \
    }                                                                                     \
    WEFT_CALLABLE_TABLE_(fn)

/* The openers of a step over In that gives Out. open is the call that opens it, from
 * weft_source_, weft_args_, weft_opts_ and weft_out_. */
#define WEFT_STEP_OPENERS_(fn, In, Out, open, ...) \
    WEFT_STEP_OPENERS_WITH_(weft_stream_opts, fn, In, Out, open, ##__VA_ARGS__)
#define WEFT_STEP_OPENERS_WITH_(Opts, fn, In, Out, open, ...)                             \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_with(                             \
        const Opts *weft_opts_, weft_rx(In) *weft_from_                       \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__), weft_rx(Out) *weft_out_)                \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_slot_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_); return WEFT_EINVAL, ##__VA_ARGS__) \
        return open;                                                                      \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_rx(In) *weft_from_             \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__), weft_rx(Out) *weft_out_)                \
    {                                                                                     \
        return fn##_with(NULL, weft_from_,                                                \
                         WEFT_EACH_(WEFT_P_NAMEC_, ##__VA_ARGS__) weft_out_);             \
    }

/* An opener of a step that is a source of its own. first: a parameter before the others. */
#define WEFT_STEP_SOURCE_(fn, T, opener, opts, first, open, ...)                          \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int opener(                                \
        WEFT_STEP_BARE_ first WEFT_EACH_(WEFT_P_TAKEC_, ##__VA_ARGS__) weft_rx(T) *weft_out_) \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return open(&fn##_callable_, &weft_args_, sizeof(__typeof__(T)), opts,            \
                    (weft_receiver **)(void *)weft_out_);                                 \
    }

/* One that makes each Out of an In: its body is (Out *, In, parameters...). */
#define WEFT_STEP_MAKES_(open, fn, Out, out_, In, in_, ...)                               \
    WEFT_STEP_MAKES_WITH_(weft_stream_opts, WEFT_OPENS_(stream, Out), open, fn, Out, out_, \
                          In, in_, ##__VA_ARGS__)
#define WEFT_STEP_MAKES_WITH_(Opts, opts, open, fn, Out, out_, In, in_, ...)              \
    static int fn##_body_(__typeof__(Out) *out_, __typeof__(In) in_                       \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_((__typeof__(Out) *)weft_step_->out,                         \
                              *(const __typeof__(In) *)weft_step_->in                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_OPENERS_WITH_(Opts, fn, In, Out,                                            \
        open(&fn##_callable_, &weft_args_, weft_source_, sizeof(__typeof__(In)),          \
             sizeof(__typeof__(Out)), opts, (weft_receiver **)(void *)weft_out_),         \
        ##__VA_ARGS__)                                                                    \
    WEFT_STEP_BODY_(fn, (__typeof__(Out) *out_, __typeof__(In) in_), ##__VA_ARGS__)

/* One that looks at a T and passes it on or not: its body is (T, parameters...). */
#define WEFT_STEP_LOOKS_(open, fn, T, item_, ...)                                         \
    static int fn##_body_(__typeof__(T) item_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));  \
    WEFT_STEP_(fn, fn##_body_(*(const __typeof__(T) *)weft_step_->in                      \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_OPENERS_(fn, T, T,                                                          \
        open(&fn##_callable_, &weft_args_, weft_source_, sizeof(__typeof__(T)),           \
             weft_opts_, (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__)             \
    WEFT_STEP_BODY_(fn, (__typeof__(T) item_), ##__VA_ARGS__)

/* The head of the body, which follows. */
#define WEFT_STEP_BODY_(fn, first, ...)                                                   \
    static int fn##_body_(WEFT_STEP_BARE_ first WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__))
#define WEFT_STEP_BARE_(...) __VA_ARGS__

/* The source of a call without a step, taken over: source is a weft_rx(T) *. */
#define WEFT_SOURCE_(source)                                                              \
    ((weft_receiver *)weft_slot_take((weft_rx(WEFT_RX_ELEM_(*(source))) *){ source }))
#define WEFT_SOURCE_SIZE_(source) sizeof(WEFT_RX_ELEM_(*(source)))

/* Options for one: lines are lent, also by a generator that passes them on. */
#define WEFT_STREAM_OPTS_(source, kind_name, ...)                                         \
    WEFT_OPTS(stream, .name = kind_name,                                                  \
              .lends_items = WEFT_IS_LENT_(WEFT_RX_ELEM_(*(source))), ##__VA_ARGS__)

/* weft_opts_, which may be NULL, for one that makes T, or opens streams of it. */
#define WEFT_OPENS_(kind, T)                                                              \
    ((weft_##kind##_opts[]){ weft_##kind##_opts_of_(weft_opts_, WEFT_IS_LENT_(T)) })
#define WEFT_OPENS_OPTS_(kind)                                                            \
    static inline weft_##kind##_opts weft_##kind##_opts_of_(                              \
        const weft_##kind##_opts *opts, bool is_lent)                                     \
    {                                                                                     \
        weft_##kind##_opts all = { .size_ = sizeof all };                                 \
        if (opts != NULL)                                                                 \
            all = *opts;                                                                  \
        all.lends_items |= is_lent;                                                       \
        return all;                                                                       \
    }
WEFT_OPENS_OPTS_(stream)

/* The receiver that a body opens, weft_inner_, as the step's result. */
#define WEFT_OPENED_(T, call)                                                             \
    __extension__({                                                                       \
        weft_rx(T) weft_inner_ = NULL;                                                    \
        int weft_rc_ = call;                                                              \
        __builtin_memcpy(weft_step_->out, &weft_inner_, sizeof weft_inner_);              \
        weft_rc_;                                                                         \
    })

/* The addresses of several sources of out_rx's type, and how many there are. */
#define WEFT_SOURCES_(out_rx, ...)                                                        \
    (weft_rx(WEFT_RX_ELEM_(*(out_rx))) *[]){ __VA_ARGS__ },                               \
        sizeof((weft_rx(WEFT_RX_ELEM_(*(out_rx))) *[]){ __VA_ARGS__ }) / sizeof(void *)

#define WEFT_ANY_RX_SLOT_(out_rx) WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(out_rx)), out_rx)

/* Where the values lie in a struct S, whose members have to have these types. */
#define WEFT_PAIR_(S, a, A, b, B)                                                         \
    ((weft_pair_layout){                                                                  \
        __builtin_offsetof(S, a) + WEFT_MEMBER_(a, ((S *)0)->a, A),                       \
        __builtin_offsetof(S, b) + WEFT_MEMBER_(b, ((S *)0)->b, B), sizeof(S) })
#define WEFT_CHUNK_(S, T)                                                                 \
    ((weft_chunk_layout){                                                                 \
        __builtin_offsetof(S, n) + WEFT_MEMBER_(n, ((S *)0)->n, size_t),                  \
        __builtin_offsetof(S, items) + WEFT_MEMBER_(items, ((S *)0)->items[0], T),        \
        sizeof(((S *)0)->items) / sizeof(((S *)0)->items[0]), sizeof(S) })

/* 0, or no program, which the name of an incomplete type explains. */
#define WEFT_MEMBER_(name, member, T)                                                     \
    (0 * sizeof(*_Generic(&(member), __typeof__(T) *: (char *)0,                          \
                          default: (struct weft_member_##name##_is_of_another_type *)0)))

/* The same for what holds items past the next receive, and so is not for lines. */
#define WEFT_NOT_LENT_(source)                                                            \
    (0 * sizeof(*_Generic((WEFT_RX_ELEM_(*(source)) *)0, default: (char *)0,              \
        weft_line *: (struct weft_lines_are_lent_copy_them_to_a_weft_text *)0,            \
        struct weft_dir_entry *: (struct weft_entries_are_lent_copy_their_names *)0,      \
        struct weft_walk_entry *: (struct weft_entries_are_lent_copy_their_names *)0)))
#define WEFT_KEEPS_(T)                                                                    \
    _Static_assert(!WEFT_IS_LENT_(T), "these items are lent until the next receive, and "  \
                   "this keeps them for longer: copy lines to a weft_text before");

#endif
#endif
