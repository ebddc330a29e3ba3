/* SPDX-License-Identifier: MIT */
/* Deferred calls: for what has an end but no type of its own.
 *
 *     char *text = malloc(size);
 *     weft_defer(free, text);
 *     ...                                  // freed here, whichever way we leave
 *
 * What is opened and closed more than once is better a type with WEFT_DEFINE_AUTO
 * (weft/cleanup.h): it can be handed over, and told how it went.
 */
#ifndef WEFT_DEFER_H
#define WEFT_DEFER_H

#include <weft/base.h>
#include <weft/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What weft_defer declares: a call that is due at its brace. */
typedef struct weft_deferred {
    void (*run)(void *arg);
    int (*close)(void *arg);     /* or this one, whose error is noted */
    void *arg;
} weft_deferred;

/* The cleanup of weft_defer: runs it, shielded.
 *
 * Waits    if what it runs does
 * Cancel   no: shielded
 * From     a task or any thread                                                         */
WEFT_API void weft_deferred_run(weft_deferred *deferred);

#ifdef __cplusplus
}
#else

/* weft_defer(fn, arg): calls fn(arg) at the end of the braces, whichever way they are left.
 * fn is void fn(void *) or int fn(void *), whose error is noted as a closer's is. It may
 * wait: it runs shielded. The argument is read here, not at the brace. */
#define weft_defer(fn, arg)                                                               \
    WEFT_UNUSED_ WEFT_CLEANUP_(weft_deferred_run) weft_deferred                           \
        WEFT_CAT_(weft_deferred_, __COUNTER__) =                                          \
            _Generic(&*(fn), int (*)(void *): weft_defer_close_,                          \
                             void (*)(void *): weft_defer_run_)((fn), (arg))
WEFT_UNUSED_ static inline weft_deferred weft_defer_run_(void (*fn)(void *), void *arg)
{ return (weft_deferred){ .run = fn, .close = NULL, .arg = arg }; }
WEFT_UNUSED_ static inline weft_deferred weft_defer_close_(int (*fn)(void *), void *arg)
{ return (weft_deferred){ .run = NULL, .close = fn, .arg = arg }; }

#endif
#endif
