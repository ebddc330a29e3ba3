/* SPDX-License-Identifier: MIT */
/* A semaphore: so many at a time. Also what other libraries call a capacity limiter.
 *
 *     static weft_semaphore downloads = WEFT_SEMAPHORE_INIT(4, .name = "downloads");
 *
 *     WEFT_TASK(fetch, (const char *, url))
 *     {
 *         WEFT_ACQUIRE(&downloads, 1);         // given back at the brace
 *         return download(url);
 *     }
 *
 * Strictly first come, first served: one that wants many permits is not starved by others
 * that want few. Permits belong to nobody: one task may acquire and another release.
 *
 * One that nobody waits for may be copied and freed like any memory; all zero is one without
 * permits and without a name. A deadline comes from the scope around the call.
 */
#ifndef WEFT_SEMAPHORE_H
#define WEFT_SEMAPHORE_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_semaphore {
    const char *name;   /* for reports; not copied: lives as long as the semaphore */
    const char *file;   /* where it was made, by WEFT_SEMAPHORE_INIT */
    int line;
    uint32_t max;       /* more permits than this there may not be; 0: no such limit */
    uintptr_t word_;
    void *opaque_[4];
} weft_semaphore;

/* The most permits that there may be and that a call may ask for. */
#define WEFT_PERMITS_MAX 0x3fffffffu

/* Takes n permits, waiting until there are that many and all who came first have theirs.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: none is taken; also on entry, when there are enough
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    nobody is left who could release any
 *          WEFT_EINVAL     n is 0, or more than there can be; semaphore is NULL              */
WEFT_API WEFT_MUST_CHECK int weft_semaphore_acquire(weft_semaphore *semaphore, uint32_t n);

/* As weft_semaphore_acquire, but never waits, and does not look at cancellation.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EAGAIN     there are not enough, or others wait
 *          WEFT_EINVAL     as weft_semaphore_acquire                                         */
WEFT_API WEFT_MUST_CHECK int weft_semaphore_try_acquire(weft_semaphore *semaphore, uint32_t n);

/* Gives n permits back, or adds them; those who wait get them in order.
 *
 * Ends the program when there would be more than .max, or than WEFT_PERMITS_MAX: somebody
 * has released what they had not acquired.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_semaphore_release(weft_semaphore *semaphore, uint32_t n);

/* How many permits are free. Others may be taking them meanwhile.
 *
 * Waits    no
 * From     any thread
 * Returns  the number                                                                        */
WEFT_API uint32_t weft_semaphore_free(const weft_semaphore *semaphore);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when somebody waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_semaphore_destroy(weft_semaphore *semaphore);

#ifdef __cplusplus
}
#else

/* WEFT_SEMAPHORE_INIT(4) or WEFT_SEMAPHORE_INIT(4, .max = 4, .name = "downloads"): n permits
 * at first. */
#define WEFT_SEMAPHORE_INIT(n, ...) \
    { .file = __FILE__, .line = __LINE__, .word_ = (uintptr_t)(n) * 2, ##__VA_ARGS__ }

/* Takes n permits (of a semaphore given by its address) from here to the end of the braces.
 * When it can't have them the code is returned from this function, which returns int, as
 * with WEFT_TRY. */
#define WEFT_ACQUIRE(semaphore, n) \
    WEFT_ACQUIRE_(WEFT_CAT_(weft_permits_, __COUNTER__), semaphore, n)
#define WEFT_ACQUIRE_(permits, semaphore, n)                                              \
    WEFT_CLEANUP_(weft_permits_auto_) struct weft_permits_ permits = { NULL, 0 };         \
    WEFT_TRY(weft_semaphore_acquire_into_(semaphore, n, &permits))

struct weft_permits_ {
    weft_semaphore *from_;
    uint32_t n_;
};
WEFT_MUST_CHECK WEFT_UNUSED_
static inline int weft_semaphore_acquire_into_(weft_semaphore *weft_semaphore_, uint32_t weft_n_,
                                               struct weft_permits_ *weft_permits_)
{
    int weft_rc_ = weft_semaphore_acquire(weft_semaphore_, weft_n_);
    if (weft_rc_ >= 0)
        *weft_permits_ = (struct weft_permits_){ weft_semaphore_, weft_n_ };
    return weft_rc_;
}
WEFT_UNUSED_ static inline void weft_permits_auto_(struct weft_permits_ *weft_permits_)
{
    if (weft_permits_->from_ != NULL)
        weft_semaphore_release(weft_permits_->from_, weft_permits_->n_);
}

#endif
#endif
