/* SPDX-License-Identifier: MIT */
/* Cancellation and deadlines: both belong to a scope and reach all below it.
 *
 *     WEFT_SCOPE(limit, .timeout_ns = WEFT_SEC(2), .move_on = true);
 *     int rc = ask(server, &answer);                 // WEFT_ECANCELED when it takes longer
 *     WEFT_TRY(weft_scope_wait_with(&limit, rc));
 *     if (weft_scope_has_expired(&limit))
 *         answer = no_answer;
 *
 * Cancellation stays: in a cancelled or expired scope every call that may wait returns
 * WEFT_ECANCELED until the scope is left, also one that could go on at once; calls that
 * never wait (weft_try_...) go on working. A loop that computes asks weft_checkpoint. A
 * shield, or a scope that is .shielded, sees only what is cancelled inside it.
 *
 * The scope that was cancelled swallows it: weft_scope_wait returns 0, and WEFT_ETIMEDOUT
 * for its own deadline (0 with .move_on). When a scope around it was cancelled too, it
 * returns WEFT_ECANCELED. A scope in which nothing was cut short by its deadline did well.
 * Who is cancelled and expired counts as cancelled.
 *
 * Nested scopes have the earliest of their deadlines. A deadline is never early.
 */
#ifndef WEFT_CANCEL_H
#define WEFT_CANCEL_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- cancelling ----------------------------------------------------------------------- */

/* Why a scope is cancelled: the first reason, which stays. */
typedef struct weft_cancel_reason {
    int code;            /* the caller's; of the error; WEFT_ETIMEDOUT, WEFT_EDEADLK,
                            WEFT_ABANDONED when the scope was left, else WEFT_ECANCELED */
    const char *text;    /* in words, never NULL */
    const char *file;    /* where: the call of weft_cancel, the spawn of the child that */
    int line;            /* failed or has won, else the scope itself */
} weft_cancel_reason;

/* Cancels the scope: its children and the calls made in it return WEFT_ECANCELED.
 *
 * A second time, and after its end, it does nothing.
 *
 * Waits    no
 * From     any thread that knows the scope still exists                                   */
WEFT_API void weft_scope_cancel(weft_scope *scope);

/* The same with a reason, for the cancelled to read. Usually called by weft_cancel.
 *
 * text and file are not copied: they live as long as the scope, as literals do. NULL is
 * "cancelled". The code is for reading, not for weft_scope_wait; 0 is WEFT_ECANCELED.
 *
 * Waits    no
 * From     any thread that knows the scope still exists                                   */
WEFT_API void weft_scope_cancel_because(weft_scope *scope, int code, const char *text,
                                        const char *file, int line);

/* Whether calls made in the scope return WEFT_ECANCELED now, its deadline included.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  whether it is cancelled or expired                                             */
WEFT_API bool weft_scope_is_cancelled(weft_scope *scope);

/* Why the scope is cancelled; NULL asks for the caller's own innermost scope.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  whether it is cancelled, with the reason in *out                               */
WEFT_API bool weft_scope_reason(weft_scope *scope, weft_cancel_reason *out);

/* ---- deadlines ------------------------------------------------------------------------ */

/* Whether the scope's own deadline is why it ended or is about to: for .move_on.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  after weft_scope_wait: whether something in it was cut short by that. Before:
 *          whether it has passed, and nobody has cancelled it besides                     */
WEFT_API bool weft_scope_has_expired(weft_scope *scope);

/* Moves the scope's own deadline: earlier, later, or INT64_MAX for none.
 *
 * A point in the past expires it at once. From a return of 0 on, the old one has no effect.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  0
 *          WEFT_ETIMEDOUT  too late: it has expired
 *          WEFT_ECLOSED    the scope has ended                                            */
WEFT_API WEFT_MUST_CHECK int weft_scope_set_deadline(weft_scope *scope, int64_t at_ns);

/* When the caller's calls will be cut short: the earliest deadline around it.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  a point of weft_now_ns(), in a closer the end of its budget; INT64_MAX: none, or
 *          behind a shield; INT64_MIN: the caller is cancelled already                     */
WEFT_API int64_t weft_deadline(void);

#ifdef __cplusplus
}
#else

/* weft_cancel(&scope, -ENOSPC, "the disk is full"): with the place of the call. */
#define weft_cancel(scope, code, text) \
    weft_scope_cancel_because(scope, code, text, __FILE__, __LINE__)

#endif
#endif
