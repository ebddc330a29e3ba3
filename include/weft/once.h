/* SPDX-License-Identifier: MIT */
/* Once: something is set up by whoever needs it first, and all others wait until it is.
 *
 *     static weft_once is_set_up = WEFT_ONCE_INIT(.name = "tables");
 *     static int set_up(void *arg);            // may wait, and may fail
 *
 *     WEFT_TRY(weft_once_run(&is_set_up, set_up, NULL));
 *
 * It is done when the function has returned 0 or more. One that failed, by a cancel for
 * instance, is run again by the next who waits or comes: nothing is poisoned.
 *
 * All zero is a once that is not done and has no name.
 */
#ifndef WEFT_ONCE_H
#define WEFT_ONCE_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_once {
    const char *name;   /* for reports; not copied: lives as long as the once */
    const char *file;   /* where it was made, by WEFT_ONCE_INIT */
    int line;
    uint32_t extra_;
    uintptr_t word_;
    void *opaque_[4];
} weft_once;

/* Returns when fn has been run: by this call as fn(arg), or by another, which it waits for.
 *
 * What fn did is seen by all whose call returns 0.
 *
 * Waits    the task, or a plain thread; and whatever fn does
 * Cancel   yes, while another runs it; also on entry, when it is done
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    called by fn itself; or fn waits for what can never happen
 *          WEFT_EINVAL     an argument is NULL
 *          any other       what fn returned in this call, if negative                       */
WEFT_API WEFT_MUST_CHECK int weft_once_run(weft_once *once, int (*fn)(void *arg), void *arg);

/* Whether it is done.
 *
 * Waits    no
 * From     any thread
 * Returns  true when a run would return at once; what fn did is seen then                    */
WEFT_API bool weft_once_is_done(const weft_once *once);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program while a call runs it or waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_once_destroy(weft_once *once);

#ifdef __cplusplus
}
#else

/* WEFT_ONCE_INIT() or WEFT_ONCE_INIT(.name = "tables"). */
#define WEFT_ONCE_INIT(...) { .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ }

#endif
#endif
