/* SPDX-License-Identifier: MIT */
/* What every other header of weft builds on: attributes, versions, time units, errno.
 *
 * Durations and points in time are int64_t nanoseconds everywhere; the unit macros
 * keep call sites readable:
 *
 *     weft_sleep(WEFT_MS(250));
 *
 * Options are structs whose zero is the default, passed by pointer, NULL for all
 * defaults. WEFT_OPTS(kind, ...) builds one in place and fills its size_:
 *
 *     weft_lines("server.log", WEFT_OPTS(lines, .keep_ends = true), &lines);
 *
 * The functions serve C and C++; the macros that give them types are for C alone.
 */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- attributes -------------------------------------------------------------------- */

#define WEFT_API        __attribute__((visibility("default")))
#define WEFT_MUST_CHECK __attribute__((warn_unused_result))
#define WEFT_UNUSED_    __attribute__((unused))

/* For what a call fills at once: not cleared before, whatever -ftrivial-auto-var-init says. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define WEFT_UNSET_     __attribute__((uninitialized))
#endif
#endif
#ifndef WEFT_UNSET_
#define WEFT_UNSET_
#endif

/* ---- version ----------------------------------------------------------------------- */

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
#define WEFT_VERSION_NUM \
    (WEFT_VERSION_MAJOR * 10000u + WEFT_VERSION_MINOR * 100u + WEFT_VERSION_PATCH)

/* The version of the library that is linked, in the form of WEFT_VERSION_NUM.
 *
 * Compare it with WEFT_VERSION_NUM, the version of the headers compiled against.
 *
 * Waits    no
 * From     any thread, before the runtime has started too
 * Returns  major * 10000 + minor * 100 + patch                                          */
WEFT_API unsigned weft_version(void);

/* ---- time units -------------------------------------------------------------------- */

#define WEFT_NS(n)  ((int64_t)(n))
#define WEFT_US(n)  ((int64_t)(n) * 1000)
#define WEFT_MS(n)  ((int64_t)(n) * 1000000)
#define WEFT_SEC(n) ((int64_t)(n) * 1000000000)

/* ---- errno ------------------------------------------------------------------------- */

/* The address of errno, looked up afresh at each call.
 *
 * A task may resume on another thread. The C library declares its own accessor as a
 * function whose result never changes, so compilers keep the old thread's address across
 * a wait; weft therefore points errno at this one. The value itself belongs to the task:
 * saved where it waits, restored where it resumes. Weft never reports through errno.
 *
 * A source file that never runs inside a task may say WEFT_KEEP_ERRNO before including
 * weft and keep the C library's definition.
 *
 * Waits    no
 * From     any thread
 * Returns  the address of the calling thread's errno, valid until the next wait         */
WEFT_API int *weft_errno_location(void);

#ifndef WEFT_KEEP_ERRNO
#undef errno
#define errno (*weft_errno_location())
#endif

#ifdef __cplusplus
}
#else

/* ---- what the macros of the other headers share --------------------------------------- */

/* The options of one kind (spawn, chan, generator, lines ...), built in place:
 * WEFT_OPTS(spawn, .name = "reader") points at a weft_spawn_opts that lives to the
 * end of the enclosing braces. */
#define WEFT_OPTS(kind, ...) \
    (&(weft_##kind##_opts){ .size_ = sizeof(weft_##kind##_opts), __VA_ARGS__ })

#define WEFT_CAT_(a, b)     WEFT_CAT2_(a, b)
#define WEFT_CAT2_(a, b)    a##b
#define WEFT_CLEANUP_(f)    __attribute__((cleanup(f)))

/* gcc forgets warn_unused_result at the end of a statement expression: this puts it back. */
WEFT_MUST_CHECK __attribute__((unused, always_inline))
static inline int weft_checked_(int rc) { return rc; }

#endif
#endif
