/* SPDX-License-Identifier: MIT */
/* A condition: waiting, with a mutex held, until another says that something has changed.
 *
 *     static weft_mutex lock = WEFT_MUTEX_INIT();
 *     static weft_cond has_work = WEFT_COND_INIT(.name = "has work");
 *
 *     WEFT_LOCK(&lock);
 *     while (n_jobs == 0)
 *         WEFT_TRY(weft_cond_wait(&has_work, &lock));
 *     n_jobs--;
 *
 * In a loop, since what was true when the signal came may no longer be when the mutex is
 * had again. Signals wake in the order in which the wait was begun. A channel does the same
 * with less to get wrong, where what is waited for can be sent.
 *
 * All zero is a condition without a name.
 */
#ifndef WEFT_COND_H
#define WEFT_COND_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/mutex.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_cond {
    const char *name;   /* for reports; not copied: lives as long as the condition */
    const char *file;   /* where it was made, by WEFT_COND_INIT */
    int line;
    uint32_t extra_;
    uintptr_t word_;
    void *opaque_[4];
} weft_cond;

/* Unlocks the mutex and waits for a signal, in one step: none that comes after the mutex was
 * unlocked is missed. Locks it again before it returns, on every path.
 *
 * Waits    the task, or a plain thread; for the mutex again too
 * Cancel   yes, while it waits for the signal; one that has come is not lost: it is the
 *          result, or goes to the next
 * From     who holds the mutex
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    nobody is left who could signal
 *          WEFT_EINVAL     the caller does not hold the mutex, others wait with another one,
 *                          or an argument is NULL                                            */
WEFT_API WEFT_MUST_CHECK int weft_cond_wait(weft_cond *cond, weft_mutex *mutex);

/* Wakes the one that has waited longest, if there is one.
 *
 * Best called with the mutex held: who is about to wait can't miss it then.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_cond_signal(weft_cond *cond);

/* Wakes all that wait.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_cond_broadcast(weft_cond *cond);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when somebody waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_cond_destroy(weft_cond *cond);

#ifdef __cplusplus
}
#else

/* WEFT_COND_INIT() or WEFT_COND_INIT(.name = "has work"). */
#define WEFT_COND_INIT(...) { .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ }

#endif
#endif
