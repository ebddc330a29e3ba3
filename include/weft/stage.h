/* SPDX-License-Identifier: MIT */
/* The definers of a pipeline's stages; weft/pipeline.h includes this header. C only.
 *
 *     WEFT_STAGE_SOURCE(read_rows, struct row, out, (const char *, path)) { ... }
 *     WEFT_STAGE(split, struct cell, out, struct row, in) { ... }       // any number for any
 *     WEFT_STAGE_MAP(parse, double, out, struct cell, in) { ... }       // item by item
 *     WEFT_STAGE_FLAT_MAP(words, word, out, page, in) { ... }           // any number of each
 *     WEFT_STAGE_SINK(sum_up, double, in, (double *, sum)) { ... }
 *
 * What each makes is opened with the pipeline and options before its own arguments:
 *     WEFT_TRY(parse(&p, WEFT_OPTS(stage, .workers = 4, .ordered = true), WEFT_MOVE(cells),
 *                    &numbers));
 */
#ifndef WEFT_STAGE_H
#define WEFT_STAGE_H

#include <weft/pipeline.h>

#ifndef __cplusplus

/* WEFT_STAGE(fn, Out, out, In, in, parameters...) { weft_each (item, in) ...; }: the body
 * runs once in each worker, receives from in, a weft_rx(In), and sends to out, a
 * weft_tx(Out); any number for any number. */
#define WEFT_STAGE(fn, Out, out_, In, in_, ...)                                           \
    static int fn##_body_(weft_rx(In) const in_, weft_tx(Out) const out_                  \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STAGE_CALLABLE_(fn, fn##_body_(__extension__(weft_rx(In))weft_ends_->in,         \
                                        __extension__(weft_tx(Out))weft_ends_->out        \
                                        WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__) \
    WEFT_STAGE_OPENER_(fn, WEFT_STAGE_LOOPS, In, Out, ##__VA_ARGS__)                      \
    WEFT_STEP_BODY_(fn, (weft_rx(In) const in_, weft_tx(Out) const out_), ##__VA_ARGS__)

/* WEFT_STAGE_SOURCE(fn, Out, out, parameters...): the first stage, from the parameters. */
#define WEFT_STAGE_SOURCE(fn, Out, out_, ...)                                             \
    WEFT_KEEPS_(Out)                                                                      \
    static int fn##_body_(weft_tx(Out) const out_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__)); \
    WEFT_STAGE_CALLABLE_(fn, fn##_body_(__extension__(weft_tx(Out))weft_ends_->out        \
                                        WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__) \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_pipeline *weft_p_,             \
        const weft_stage_opts *weft_opts_ WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__),       \
        weft_rx(Out) *weft_out_)                                                          \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_stage_open(weft_p_, WEFT_STAGE_LOOPS, &fn##_callable_, &weft_args_,   \
                               NULL, 0, sizeof(__typeof__(Out)), weft_opts_,              \
                               (weft_receiver **)(void *)weft_out_);                      \
    }                                                                                     \
    WEFT_STEP_BODY_(fn, (weft_tx(Out) const out_), ##__VA_ARGS__)

/* WEFT_STAGE_SINK(fn, In, in, parameters...): the last stage, which sends nothing. */
#define WEFT_STAGE_SINK(fn, In, in_, ...)                                                 \
    static int fn##_body_(weft_rx(In) const in_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__)); \
    WEFT_STAGE_CALLABLE_(fn, fn##_body_(__extension__(weft_rx(In))weft_ends_->in          \
                                        WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__) \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_pipeline *weft_p_,             \
        const weft_stage_opts *weft_opts_, weft_rx(In) *weft_from_                        \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__))                                         \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_half_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_); return WEFT_EINVAL, ##__VA_ARGS__) \
        return weft_stage_open(weft_p_, WEFT_STAGE_LOOPS, &fn##_callable_, &weft_args_,   \
                               weft_source_, sizeof(__typeof__(In)), 0, weft_opts_, NULL); \
    }                                                                                     \
    WEFT_STEP_BODY_(fn, (weft_rx(In) const in_), ##__VA_ARGS__)

/* WEFT_STAGE_MAP(fn, Out, out, In, in, parameters...) { *out = ...; return 0; }: the body
 * runs for each item, as that of WEFT_MAP; in several workers it may keep order (.ordered). */
#define WEFT_STAGE_MAP(fn, Out, out_, In, in_, ...) \
    WEFT_STAGE_STEP_(fn, WEFT_STAGE_MAKES, Out, out_, In, in_, ##__VA_ARGS__)

/* The same; the body returns 1 when it wrote *out, 0 when nothing comes of this in. */
#define WEFT_STAGE_FILTER_MAP(fn, Out, out_, In, in_, ...) \
    WEFT_STAGE_STEP_(fn, WEFT_STAGE_MAY_MAKE, Out, out_, In, in_, ##__VA_ARGS__)

/* WEFT_STAGE_FLAT_MAP(fn, Out, out, In, in, parameters...) { return weft_emit(out, ...); }:
 * the body runs for each item, which it owns, and emits any number. With .ordered what it
 * emits stands in its item's place: behind all of the items before, ahead of all behind. */
#define WEFT_STAGE_FLAT_MAP(fn, Out, out_, In, in_, ...)                                  \
    static int fn##_body_(weft_emitter(Out) const out_, __typeof__(In) in_                \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_(__extension__(weft_emitter(Out))weft_step_->out,            \
                              *(const __typeof__(In) *)weft_step_->in                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STAGE_OPENER_(fn, WEFT_STAGE_EMITS, In, Out, ##__VA_ARGS__)                      \
    WEFT_STEP_BODY_(fn, (weft_emitter(Out) const out_, __typeof__(In) in_), ##__VA_ARGS__)

/* weft_emitter(T): where such a body sends to. weft_emit(out, value): the value itself, of
 * just the type T, which is taken on every path. */
#define weft_emitter(T) __typeof__(__typeof__(T) *(*)(weft_emitter_half *, weft_nothing *))
#define weft_emit(out, ...) WEFT_EMIT_(WEFT_CAT_(weft_value_, __COUNTER__), out, __VA_ARGS__)
#define WEFT_EMIT_(held, out, ...)                                                        \
    weft_checked_(__extension__({                                                         \
        __typeof__(*(out)((weft_emitter_half *)0, 0)) held = __VA_ARGS__;                 \
        weft_emitter_emit(__extension__(weft_emitter_half *)(out), &held, sizeof held);   \
    }))

/* ---- machinery ---------------------------------------------------------------------------- */

#define WEFT_STAGE_STEP_(fn, kind, Out, out_, In, in_, ...)                               \
    static int fn##_body_(__typeof__(Out) *out_, __typeof__(In) in_                       \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_((__typeof__(Out) *)weft_step_->out,                         \
                              *(const __typeof__(In) *)weft_step_->in                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STAGE_OPENER_(fn, kind, In, Out, ##__VA_ARGS__)                                  \
    WEFT_STEP_BODY_(fn, (__typeof__(Out) *out_, __typeof__(In) in_), ##__VA_ARGS__)

/* As WEFT_STEP_, for a body that gets the stage's ends: call is its call, from weft_ends_. */
#define WEFT_STAGE_CALLABLE_(fn, call, ...)                                               \
    WEFT_ARGS_(fn, ##__VA_ARGS__)                                                         \
    static int fn##_enter_(void *weft_args_, void *weft_self_)                            \
    {                                                                                     \
        struct fn##_args_ *weft_a_ = (struct fn##_args_ *)weft_args_;                     \
        const weft_stage_ends *weft_ends_ = (const weft_stage_ends *)weft_self_;          \
        (void)weft_a_;                                                                    \
        return call;                                                                      \
    }                                                                                     \
    WEFT_CALLABLE_TABLE_(fn)

#define WEFT_STAGE_OPENER_(fn, kind, In, Out, ...)                                        \
    WEFT_KEEPS_(Out)                                                                      \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_pipeline *weft_p_,             \
        const weft_stage_opts *weft_opts_, weft_rx(In) *weft_from_                        \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__), weft_rx(Out) *weft_out_)                \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_half_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_); return WEFT_EINVAL, ##__VA_ARGS__) \
        return weft_stage_open(weft_p_, kind, &fn##_callable_, &weft_args_, weft_source_, \
                               sizeof(__typeof__(In)), sizeof(__typeof__(Out)), weft_opts_, \
                               (weft_receiver **)(void *)weft_out_);                      \
    }

#endif
#endif
