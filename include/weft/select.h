/* SPDX-License-Identifier: MIT */
/* Select: waits for the first of several sends, receives and timers, and does just that one.
 *
 *     enum { JOB, LOG, LATE };
 *     struct job job;
 *     int rc;
 *     switch (weft_select(&rc, [JOB]  = weft_on_recv(jobs, &job),
 *                              [LOG]  = weft_on_send(log, &text),
 *                              [LATE] = weft_on_after(WEFT_SEC(1)))) {
 *     case JOB:  if (rc == 0) WEFT_DROP(jobs);       // the end: the case disables itself
 *                break;
 *     case LOG:  ...
 *     default:   return WEFT_ECANCELED;              // what select returned is negative
 *     }
 *
 * Among several that are ready a fair choice is made; weft_select_ordered takes the first.
 * A NULL half, or a gap between the designators, is a disabled case.
 */
#ifndef WEFT_SELECT_H
#define WEFT_SELECT_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_case_kind {
    WEFT_CASE_NONE,      /* a gap: disabled */
    WEFT_CASE_RECV,
    WEFT_CASE_SEND,
    WEFT_CASE_AFTER,
    WEFT_CASE_NOTHING    /* taken when no other is ready */
};

/* One thing to wait for. Made by the functions below; zeroed, it is disabled. */
typedef struct weft_case {
    int kind;            /* enum weft_case_kind */
    void *half;          /* the weft_receiver or weft_sender; NULL: disabled */
    void *value;         /* where to write, or what to send; the caller's, past the select */
    size_t size;         /* of the value */
    int64_t at_ns;       /* when WEFT_CASE_AFTER is due */
} weft_case;

/* Makes the case "a value or the end comes from rx", done as weft_receiver_recv does it.
 *
 * *out is written when the case is done, and stays the caller's.
 *
 * Waits    no
 * From     any thread
 * Returns  the case; a disabled one for a NULL rx                                          */
WEFT_API weft_case weft_case_recv(weft_receiver *rx, void *out, size_t size);

/* Makes the case "tx takes this value", done as weft_sender_send does it.
 *
 * *value is copied when the case is done, and the caller keeps it otherwise.
 *
 * Waits    no
 * From     any thread
 * Returns  the case; a disabled one for a NULL tx                                          */
WEFT_API weft_case weft_case_send(weft_sender *tx, const void *value, size_t size);

/* Makes the case "d_ns have passed since this call"; 0 or less is ready at once.
 *
 * Waits    no
 * From     any thread
 * Returns  the case                                                                        */
WEFT_API weft_case weft_on_after(int64_t d_ns);

/* Makes the case "none of the others is ready": with it, the select does not wait.
 *
 * Waits    no
 * From     any thread
 * Returns  the case                                                                        */
WEFT_API weft_case weft_on_nothing(void);

/* Waits until one case is ready, does it, and leaves no trace in the others.
 *
 * A closed channel is ready: a receive with 0, a send with WEFT_ECLOSED. The same half
 * may occur twice. *out_rc gets what the receive (1, 0 or an error) or the send (0 or an
 * error) returned, 0 for another case; it may be NULL and is written only when a case was
 * done. Several ready ones: one of them, each as likely as the next; of 16 cases or more
 * one that has just become ready may be passed over in n_cases / 8 calls.
 *
 * Waits    the task, or a plain thread; not with weft_on_nothing
 * Cancel   yes, unless weft_on_nothing is among the cases: no case is done
 * From     any thread
 * Returns  the index of the case that was done
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EINVAL     every case is disabled
 *          WEFT_EMSGSIZE   a size is not the element's
 *          WEFT_ECLOSED    the caller has closed a half that is among them
 *          WEFT_ENOTSUP    a source that may wait inside is among them
 *          WEFT_EOVERFLOW  more than 65,535 cases
 *          WEFT_ENOMEM     to wait for more than 8 cases, or to choose among more than 64
 *
 * It looks only at as many cases as it takes to find one that is ready: what is wrong with
 * another is reported by the call that comes to it, at the latest by one that would wait.  */
WEFT_API WEFT_MUST_CHECK int weft_select_from(const weft_case *cases, size_t n_cases,
                                              int *out_rc);

/* As weft_select_from, but of several ready cases the first is done.
 *
 * A case that is always ready starves those after it: put "stop" first. All cases are looked
 * at, and what is wrong with one reported, before any is done.
 *
 * Waits, Cancel, From, Returns    as weft_select_from                                         */
WEFT_API WEFT_MUST_CHECK int weft_select_from_ordered(const weft_case *cases, size_t n_cases,
                                                      int *out_rc);

#ifdef __cplusplus
}
#else

/* weft_on_recv(rx, &value) and weft_on_send(tx, &value): both point at a variable. */
#define weft_on_recv(rx, out) \
    weft_case_recv(WEFT_RX_RAW_(rx), (WEFT_RX_ELEM_(rx) *){ out }, sizeof(WEFT_RX_ELEM_(rx)))
#define weft_on_send(tx, value) \
    weft_case_send(WEFT_TX_RAW_(tx), (const WEFT_TX_ELEM_(tx) *){ value }, \
                   sizeof(WEFT_TX_ELEM_(tx)))

/* weft_select(&rc, cases...): fair. weft_select_ordered(&rc, cases...): the first ready. */
#define weft_select(out_rc, ...) \
    WEFT_SELECT_(weft_select_from, WEFT_CAT_(weft_cases_, __COUNTER__), out_rc, __VA_ARGS__)
#define weft_select_ordered(out_rc, ...) \
    WEFT_SELECT_(weft_select_from_ordered, WEFT_CAT_(weft_cases_, __COUNTER__), out_rc, \
                 __VA_ARGS__)
#define WEFT_SELECT_(select, held, out_rc, ...)                                           \
    weft_checked_(__extension__({                                                         \
        const weft_case held[] = { __VA_ARGS__ };                                         \
        select(held, sizeof held / sizeof held[0], out_rc);                               \
    }))

#endif
#endif
