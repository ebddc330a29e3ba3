/* SPDX-License-Identifier: MIT */
/* An event: something has happened, and all who wait for it go on.
 *
 *     static weft_event is_ready = WEFT_EVENT_INIT(.name = "is ready");
 *
 *     WEFT_TRY(weft_event_wait(&is_ready));    // here
 *     weft_event_set(&is_ready);               // there; from now on nobody waits
 *
 * What was done before weft_event_set is seen after a wait for it. One that nobody waits for
 * may be freed like any memory; all zero is one that is not set and has no name.
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_event {
    const char *name;   /* for reports; not copied: lives as long as the event */
    const char *file;   /* where it was made, by WEFT_EVENT_INIT */
    int line;
    uint32_t extra_;
    uintptr_t word_;
    void *opaque_[4];
} weft_event;

/* Waits until the event is set; not at all if it is.
 *
 * Once woken by a set it returns 0, also when the event has been reset meanwhile.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; also on entry, when it is set
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EDEADLK    nobody is left who could set it
 *          WEFT_EINVAL     event is NULL                                                     */
WEFT_API WEFT_MUST_CHECK int weft_event_wait(weft_event *event);

/* Sets it: all who wait go on. A second time it does nothing.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_event_set(weft_event *event);

/* From here on it has not happened: who comes now waits for the next set.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_event_reset(weft_event *event);

/* Whether it is set now.
 *
 * Waits    no
 * From     any thread
 * Returns  whether a wait would return at once                                               */
WEFT_API bool weft_event_is_set(const weft_event *event);

/* Checks that it is no longer in use, before its memory goes. There is nothing to free, so
 * this call is optional.
 *
 * Ends the program when somebody waits for it. NULL is left alone.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_event_destroy(weft_event *event);

#ifdef __cplusplus
}
#else

/* WEFT_EVENT_INIT() or WEFT_EVENT_INIT(.name = "is ready"). */
#define WEFT_EVENT_INIT(...) { .file = __FILE__, .line = __LINE__, ##__VA_ARGS__ }

#endif
#endif
