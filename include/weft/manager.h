/* SPDX-License-Identifier: MIT */
/* Managers: a resource written as one function, with its set-up, one yield and its teardown.
 *
 *     WEFT_MANAGER(connected, struct link *, (const char *, host))
 *     {
 *         struct link link;                       // lives on the manager's own stack
 *         WEFT_TRY(link_up(&link, host));         // fails: so does the open, with this code
 *         int rc = weft_yield(&link);             // whoever opened it uses the link now
 *         link_down(&link);                       // always runs, shielded; may wait
 *         return rc;
 *     }
 *     ...
 *     WEFT_AUTO(weft_lease, lease);
 *     struct link *link;
 *     WEFT_TRY(connected("example.org", &lease, &link));
 *     return weft_close_with(lease, talk(link));  // or the brace closes it
 *
 * The yield returns when the lease is closed: what weft_close_with was told, 0 or more
 * included; WEFT_ECLOSED when a brace closed it or the scope ended that it was opened in;
 * WEFT_ECANCELED when the opener was cancelled before it had the value. A cancel does not
 * wake it: the user of the value unwinds first. What the manager returns is what
 * weft_close_with yields: another code replaces the one it was told, 0 suppresses an error
 * (and leaves a result of 0 or more as it was). So don't put WEFT_TRY around the yield,
 * unless WEFT_AUTO variables do all of the teardown.
 *
 * A manager yields exactly once. One that ends before, or yields again, is reported by name
 * and place, and its open or close returns WEFT_ENOYIELD.
 */
#ifndef WEFT_MANAGER_H
#define WEFT_MANAGER_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/generator.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an open gave: closing it runs the manager's teardown. */
typedef struct weft_lease weft_lease;

typedef struct weft_manager_opts {
    size_t size_;
    const char *name;            /* default: the name the definer gave; not copied */
} weft_manager_opts;

/* Starts the manager what, with the arguments at args, and waits until it has yielded.
 *
 * args is copied and what it owns is consumed on every path. The value, elem_size bytes, is
 * written to out and lives until the lease is closed; the lease is the caller's to close.
 * opts may be NULL; caller is an address in the code that opens it, for reports. The
 * manager's scope is below the one current here and closes it at the latest.
 *
 * Waits    the task, for the set-up
 * Cancel   yes: the set-up is cancelled and waited for, and nothing is open afterwards
 * From     a task or any thread
 * Returns  0
 *          WEFT_ECANCELED
 *          WEFT_ENOYIELD   it returned 0 or more before it yielded: a report says so
 *          what the set-up failed with, or WEFT_ENOMEM                                     */
WEFT_API WEFT_MUST_CHECK int weft_lease_open(const weft_manager_opts *opts,
                                             const weft_callable *what, void *args,
                                             size_t elem_size, weft_lease **out_lease,
                                             void *out, const void *caller);

/* Ends the lease: its manager's yield returns rc, and its teardown is waited for.
 *
 * WEFT_ABANDONED says that nobody knows how it went, which the yield returns as
 * WEFT_ECLOSED; then a manager that hands that on, or 0, ended well. NULL is nothing to do.
 *
 * Waits    the task, or a plain thread, for the teardown
 * Cancel   no: shielded; past the teardown budget the manager's own waits are cancelled
 * From     any thread, but not the manager itself
 * Returns  what the manager made of rc; rc when it returned 0 and rc was 0 or more
 *          WEFT_ENOYIELD   it yielded again: a report says so                              */
WEFT_API int weft_lease_close(weft_lease *lease, int rc);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO_STATUS(weft_lease, weft_lease_close)

/* WEFT_MANAGER(fn, T, parameters...) { body } defines the two openers
 *     int fn(parameters..., weft_lease **out_lease, T *out);
 *     int fn_with(const weft_manager_opts *opts, parameters..., weft_lease **out_lease, T *out); */
#define WEFT_MANAGER(fn, T, ...)                                                          \
    static int fn##_body_(weft_rx(T) weft_this_generator                                  \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_CALLABLE_(fn, fn##_body_(__extension__(weft_rx(T))weft_self_                     \
                                  WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__) \
    WEFT_MANAGER_OPEN_(fn, fn##_with, weft_opts_, T,                                      \
                       (const weft_manager_opts *weft_opts_, ), ##__VA_ARGS__)            \
    WEFT_MANAGER_OPEN_(fn, fn, NULL, T, (), ##__VA_ARGS__)                                \
    static int fn##_body_(WEFT_UNUSED_ weft_rx(T) weft_this_generator                     \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__))

/* Not inlined, so that the return address is the caller's. */
#define WEFT_MANAGER_OPEN_(fn, opener, opts, T, first, ...)                               \
    WEFT_UNUSED_ WEFT_MUST_CHECK __attribute__((noinline)) static int opener(             \
        WEFT_BARE_ first WEFT_EACH_(WEFT_P_TAKEC_, ##__VA_ARGS__)                         \
        weft_lease **weft_lease_, __typeof__(T) *weft_out_)                               \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_lease_open(opts, &fn##_callable_, &weft_args_, sizeof *weft_out_,     \
                               weft_lease_, weft_out_, __builtin_return_address(0));      \
    }

#endif
#endif
