/* SPDX-License-Identifier: MIT */
/* A mutex: one task or thread at a time, and those who wait for it wait as in weft.
 *
 *     static weft_mutex lock = WEFT_MUTEX_INIT(.name = "cache");
 *
 *     int cache_put(int key, int value)
 *     {
 *         WEFT_LOCK(&lock);                    // to the brace; a failed lock returns here
 *         return insert(key, value);
 *     }
 *
 * A pthread_mutex_t holds up the worker, and may not be held over a wait; this one parks
 * the task alone and may. Those who wait are served first come, first served, but for a
 * bounded number of overtakers: while the first in line is being woken, WEFT_OVERTAKES_MAX
 * others at most may have the mutex before it does. An uncontended pair of calls is two
 * atomic operations. A mutex that nobody holds may be copied and freed like any memory; all
 * zero is one without a name.
 *
 * A deadline comes from the scope around the call (weft/scope.h).
 */
#ifndef WEFT_MUTEX_H
#define WEFT_MUTEX_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_OVERTAKES_MAX 8

typedef struct weft_mutex {
    const char *name;   /* for reports; not copied: lives as long as the mutex */
    const char *file;   /* where it was made, by WEFT_MUTEX_INIT */
    int line;
    uint32_t extra_;
    uintptr_t word_;
    void *opaque_[4];
} weft_mutex;

/* Locks the mutex, waiting while another holds it.
 *
 * It has to be unlocked by the task or thread that locked it, before that one ends.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, until it is locked; also on entry, when the mutex is free
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    the caller holds it already; or nobody is left who could unlock it
 *          WEFT_EINVAL     mutex is NULL                                                     */
WEFT_API WEFT_MUST_CHECK int weft_mutex_lock(weft_mutex *mutex);

/* As weft_mutex_lock, but never waits, and does not look at cancellation.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EAGAIN     another holds it, or it is the turn of one who waits
 *          WEFT_EDEADLK    the caller holds it already; WEFT_EINVAL for NULL                 */
WEFT_API WEFT_MUST_CHECK int weft_mutex_try_lock(weft_mutex *mutex);

/* Unlocks it; the first in line is woken.
 *
 * Ends the program when the caller does not hold it: what it protects can't be trusted any
 * more.
 *
 * Waits    no
 * From     the task or thread that locked it                                                */
WEFT_API void weft_mutex_unlock(weft_mutex *mutex);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when somebody holds it or waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_mutex_destroy(weft_mutex *mutex);

#ifdef __cplusplus
}
#else

/* WEFT_MUTEX_INIT() or WEFT_MUTEX_INIT(.name = "cache"). */
#define WEFT_MUTEX_INIT(...) { .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ }

/* Locks a mutex (given by its address) from here to the end of the braces. When it can't be
 * locked the code is returned from this function, which returns int, as with WEFT_TRY. */
#define WEFT_LOCK(mutex) WEFT_LOCK_(WEFT_CAT_(weft_locked_, __COUNTER__), mutex)
#define WEFT_LOCK_(locked, mutex)                                                         \
    WEFT_CLEANUP_(weft_mutex_auto_) weft_mutex *locked = NULL;                            \
    WEFT_TRY(weft_mutex_lock_into_(mutex, &locked))

WEFT_MUST_CHECK WEFT_UNUSED_
static inline int weft_mutex_lock_into_(weft_mutex *weft_mutex_, weft_mutex **weft_locked_)
{
    int weft_rc_ = weft_mutex_lock(weft_mutex_);
    if (weft_rc_ >= 0)
        *weft_locked_ = weft_mutex_;
    return weft_rc_;
}
WEFT_UNUSED_ static inline void weft_mutex_auto_(weft_mutex **weft_locked_)
{
    if (*weft_locked_ != NULL)
        weft_mutex_unlock(*weft_locked_);
}

#endif
#endif
