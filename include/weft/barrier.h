/* SPDX-License-Identifier: MIT */
/* A barrier: so many parties wait for each other, then all go on, round by round.
 *
 *     static weft_barrier step = WEFT_BARRIER_INIT(4, .name = "step");
 *
 *     for (;;) {
 *         compute_my_part();
 *         if (WEFT_TRY(weft_barrier_wait(&step)) == 1)
 *             write_down_the_whole();          // one of the four
 *         WEFT_TRY(weft_barrier_wait(&step));
 *     }
 *
 * One that nobody waits for may be copied and freed like any memory.
 */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_barrier {
    const char *name;   /* for reports; not copied: lives as long as the barrier */
    const char *file;   /* where it was made, by WEFT_BARRIER_INIT */
    int line;
    uint32_t parties;   /* how many have to come; not to be changed while any waits */
    uintptr_t word_;
    void *opaque_[4];
} weft_barrier;

/* Waits until as many have come as there are parties; the last of them wakes the others.
 *
 * What each did before is seen by all after it. A party that is cancelled has not come: the
 * round is then complete when another has come in its place.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, until the last has come; also on entry
 * From     any thread
 * Returns  1 to the one that came last, 0 to the others
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    nobody is left who could come
 *          WEFT_EINVAL     it has no parties, or barrier is NULL                             */
WEFT_API WEFT_MUST_CHECK int weft_barrier_wait(weft_barrier *barrier);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when somebody waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_barrier_destroy(weft_barrier *barrier);

#ifdef __cplusplus
}
#else

/* WEFT_BARRIER_INIT(4) or WEFT_BARRIER_INIT(4, .name = "step"). */
#define WEFT_BARRIER_INIT(n, ...) \
    { .file = __FILE__, .line = __LINE__, .parties = (n), ##__VA_ARGS__ }

#endif
#endif
