/* SPDX-License-Identifier: MIT */
/* A read-write lock: many readers at a time, or one writer.
 *
 *     static weft_rwlock lock = WEFT_RWLOCK_INIT(.name = "routes");
 *
 *     int route_of(int address)
 *     {
 *         WEFT_READ_LOCK(&lock);               // to the brace; a failed lock returns here
 *         return look_up(address);
 *     }
 *
 * Strictly first come, first served: a reader that comes after a waiting writer waits
 * behind it, so neither kind starves; readers that wait side by side go in together. One
 * that reads already may lock for reading again, at once, but not for writing: it would
 * wait for itself. (This is known of two read locks at a time; a task that reads more of
 * them waits for ever where it would be refused, until a deadline or the deadlock report.)
 *
 * A rwlock that nobody holds may be copied and freed like any memory; all zero is one
 * without a name. A deadline comes from the scope around the call (weft/scope.h).
 */
#ifndef WEFT_RWLOCK_H
#define WEFT_RWLOCK_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_rwlock {
    const char *name;   /* for reports; not copied: lives as long as the rwlock */
    const char *file;   /* where it was made, by WEFT_RWLOCK_INIT */
    int line;
    uint32_t extra_;
    uintptr_t word_;
    void *opaque_[4];
} weft_rwlock;

/* Locks for reading, waiting for a writer that holds it or came first.
 *
 * It has to be unlocked by the task or thread that locked it, before that one ends.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, until it is locked; also on entry, when it is free
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    the caller writes it; or nobody is left who could unlock it
 *          WEFT_EINVAL     rwlock is NULL                                                    */
WEFT_API WEFT_MUST_CHECK int weft_rwlock_read(weft_rwlock *rwlock);

/* Locks for writing, waiting for everybody who holds it or came first.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, until it is locked; also on entry, when it is free
 * From     any thread
 * Returns  as weft_rwlock_read; WEFT_EDEADLK also when the caller reads it: there is no
 *          upgrade, since of two that tried it neither could go on                           */
WEFT_API WEFT_MUST_CHECK int weft_rwlock_write(weft_rwlock *rwlock);

/* As weft_rwlock_read, but never waits, and does not look at cancellation.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EAGAIN     it would wait
 *          WEFT_EDEADLK, WEFT_EINVAL  as weft_rwlock_read                                    */
WEFT_API WEFT_MUST_CHECK int weft_rwlock_try_read(weft_rwlock *rwlock);

/* As weft_rwlock_write, but never waits, and does not look at cancellation.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EAGAIN     it would wait
 *          WEFT_EDEADLK, WEFT_EINVAL  as weft_rwlock_write                                   */
WEFT_API WEFT_MUST_CHECK int weft_rwlock_try_write(weft_rwlock *rwlock);

/* Ends what the caller's lock call began, reading or writing.
 *
 * Ends the program when the caller holds it in neither way.
 *
 * Waits    no
 * From     the task or thread that locked it                                                */
WEFT_API void weft_rwlock_unlock(weft_rwlock *rwlock);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when somebody holds it or waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_rwlock_destroy(weft_rwlock *rwlock);

#ifdef __cplusplus
}
#else

/* WEFT_RWLOCK_INIT() or WEFT_RWLOCK_INIT(.name = "routes"). */
#define WEFT_RWLOCK_INIT(...) { .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ }

/* Locks a rwlock (given by its address) from here to the end of the braces. When it can't be
 * locked the code is returned from this function, which returns int, as with WEFT_TRY. */
#define WEFT_READ_LOCK(rwlock) \
    WEFT_RW_LOCK_(WEFT_CAT_(weft_locked_, __COUNTER__), rwlock, weft_rwlock_read)
#define WEFT_WRITE_LOCK(rwlock) \
    WEFT_RW_LOCK_(WEFT_CAT_(weft_locked_, __COUNTER__), rwlock, weft_rwlock_write)
#define WEFT_RW_LOCK_(locked, rwlock, lock)                                               \
    WEFT_CLEANUP_(weft_rwlock_auto_) weft_rwlock *locked = NULL;                          \
    WEFT_TRY(weft_rwlock_lock_into_(rwlock, lock, &locked))

WEFT_MUST_CHECK WEFT_UNUSED_
static inline int weft_rwlock_lock_into_(weft_rwlock *weft_rwlock_,
                                         int (*weft_lock_)(weft_rwlock *),
                                         weft_rwlock **weft_locked_)
{
    int weft_rc_ = weft_lock_(weft_rwlock_);
    if (weft_rc_ >= 0)
        *weft_locked_ = weft_rwlock_;
    return weft_rc_;
}
WEFT_UNUSED_ static inline void weft_rwlock_auto_(weft_rwlock **weft_locked_)
{
    if (*weft_locked_ != NULL)
        weft_rwlock_unlock(*weft_locked_);
}

#endif
#endif
