/* SPDX-License-Identifier: MIT */
/* A wait group: a count of things to be done, and waiting until it is 0.
 *
 *     static weft_wait_group open_requests = WEFT_WAIT_GROUP_INIT(.name = "requests");
 *
 *     weft_wait_group_add(&open_requests, 1);           // before it is begun
 *     weft_wait_group_done(&open_requests);             // when it is done
 *     WEFT_TRY(weft_wait_group_wait(&open_requests));   // until none is left
 *
 * To wait for tasks a scope is better: it cancels, collects errors, and can't be left early
 * (weft/scope.h). What was done before a done is seen after a wait that it ended.
 *
 * A group with nothing to be done may be copied and freed like any memory; all zero is one
 * without a name.
 */
#ifndef WEFT_WAIT_GROUP_H
#define WEFT_WAIT_GROUP_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_wait_group {
    const char *name;   /* for reports; not copied: lives as long as the group */
    const char *file;   /* where it was made, by WEFT_WAIT_GROUP_INIT */
    int line;
    uint32_t extra_;
    uintptr_t word_;
    void *opaque_[4];
} weft_wait_group;

/* n more things are to be done.
 *
 * Ends the program when there would be 2^30 of them or more.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_wait_group_add(weft_wait_group *group, uint32_t n);

/* One thing is done; after the last all who wait go on.
 *
 * Ends the program when there was nothing to be done: the count would be wrong from then on.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_wait_group_done(weft_wait_group *group);

/* Waits until nothing is left to be done; not at all if nothing is.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; also on entry, when nothing is left
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    nobody is left who could do it
 *          WEFT_EINVAL     group is NULL                                                     */
WEFT_API WEFT_MUST_CHECK int weft_wait_group_wait(weft_wait_group *group);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when something is left to be done. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_wait_group_destroy(weft_wait_group *group);

#ifdef __cplusplus
}
#else

/* WEFT_WAIT_GROUP_INIT() or WEFT_WAIT_GROUP_INIT(.name = "requests"). */
#define WEFT_WAIT_GROUP_INIT(...) { .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ }

#endif
#endif
