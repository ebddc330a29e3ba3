/* SPDX-License-Identifier: MIT */
/* Resources that close themselves: a WEFT_AUTO variable is closed at its brace.
 *
 *     typedef struct database database;
 *     int database_open(const char *dsn, database **out_db);
 *     int database_close(database *db);             // may wait: it runs shielded
 *     WEFT_DEFINE_AUTO(database, database_close)
 *
 *     static int main_task(void *arg)
 *     {
 *         WEFT_AUTO(database, db);                  // NULL, so a failed open closes nothing
 *         WEFT_TRY(database_open(arg, &db));
 *         return use(db);                           // closed here, whichever way we leave
 *     }
 *
 * Cleanup runs when a function returns or a brace is left. It does not run on longjmp,
 * exit or a fatal signal, and it cannot change a value that is being returned: to have a
 * say in the result, close on the last line with weft_close_with.
 */
#ifndef WEFT_CLEANUP_H
#define WEFT_CLEANUP_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A shield in force; lives on the caller's stack between begin and end. */
typedef struct weft_shield {
    void *opaque_[2];
} weft_shield;

/* From here to weft_shield_end, cancellation of the surrounding scopes is not seen.
 *
 * For teardown that has to wait. Shields nest, and end in reverse order on the task or
 * thread that began them. A shield has no limit of time: WEFT_SCOPE(s, .shielded = true,
 * .timeout_ns = ...) has one.
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_shield_begin(weft_shield *shield);

/* Ends the shield that weft_shield_begin put in force.
 *
 * Waits    no
 * From     the task or thread that began it                                             */
WEFT_API void weft_shield_end(weft_shield *shield);

/* A closer at work; lives on the caller's stack between begin and end. */
typedef struct weft_closing {
    void *opaque_[18];
} weft_closing;

/* From here to weft_closing_end the caller runs a closer: shielded, within the teardown
 * budget of the runtime, which begins with the first call that may wait. Past it such calls
 * return WEFT_ECANCELED. (A plain thread that is in no scope has no budget.)
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_closing_begin(weft_closing *closing);

/* Whether a closer that returned rc has to be followed by the forced one: the budget is
 * used up and rc is WEFT_ECANCELED. To be asked once, before weft_closing_end.
 *
 * Waits    no
 * From     the task or thread that began it
 * Returns  whether it has to; then the report says that it was                          */
WEFT_API bool weft_closing_force(weft_closing *closing, int rc);

/* Ends what weft_closing_begin began. A closer that has used up its budget is reported, by
 * what the ledger says of the resource (weft/resource.h), or by kind, file and line.
 *
 * Waits    no
 * From     the task or thread that began it                                             */
WEFT_API void weft_closing_end(weft_closing *closing, const char *kind, const char *file,
                               int line);

/* Records what a closer run by a brace had to say.
 *
 * The first negative code becomes the task's result if its body returns 0 or more; the
 * later ones are kept beside it. 0 and positive values, and WEFT_ABANDONED, which is the
 * closer's own argument handed back, are not errors.
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_note_close_error(int rc);

/* What closers run by braces had to say so far.
 *
 * For a task that has an error of its own already, which this one does not replace.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  the first negative code given to weft_note_close_error since the task began, or
 *          since the last call of weft_take_close_error; 0: none                        */
WEFT_API int weft_take_close_error(void);

/* Empties an owner.
 *
 * slot is the address of a pointer or a typed handle; it is read and set to NULL byte by
 * byte, so that the handle's own type does not matter. The caller owns the result.
 *
 * Waits    no
 * From     any thread
 * Returns  what the slot held, NULL if it was empty                                     */
WEFT_API void *weft_slot_take(void *slot);

#ifdef __cplusplus
}
#else

/* ---- declaring ------------------------------------------------------------------------ */

/* WEFT_AUTO(type, var): a type *var, NULL at first, closed at its brace. */
#define WEFT_AUTO(type, var)                                                              \
    WEFT_UNUSED_ int (*const weft_closer_of_##var)(type **, int) = type##_close_with_;    \
    WEFT_CLEANUP_(type##_auto_) type *var = NULL

/* ---- handing over ---------------------------------------------------------------------- */

/* Hands an owner over to a call that takes one: it is empty afterwards. */
#define WEFT_MOVE(owner)  (&(owner))

/* Takes the value out of an owner, to be stored or returned: it is empty afterwards. A
 * half that goes to another task inside a value is better taken by weft_half_take, or
 * reports name its old holder until the new one has used it. */
#define WEFT_STEAL(owner) (__extension__(__typeof__(owner))weft_slot_take(&(owner)))

/* ---- closing with an outcome ------------------------------------------------------------ */

/* The last line of a function: closes the WEFT_AUTO variable of this name, telling its
 * closer rc, and yields what the closer made of it. The variable is empty afterwards;
 * one that holds nothing yields rc.
 *
 *     return weft_close_with(txn, rc);                                                    */
#define weft_close_with(var, rc) weft_checked_(weft_closer_of_##var(&(var), rc))

/* The value of an expression that is an error code when negative: then it is returned
 * from this function. For a function that returns int. */
#define WEFT_TRY(...) WEFT_TRY_(WEFT_CAT_(weft_rc_, __COUNTER__), __VA_ARGS__)
#define WEFT_TRY_(rc, ...)                                                                \
    __extension__({                                                                       \
        __auto_type rc = __VA_ARGS__;                                                     \
        if (rc < 0)                                                                       \
            return (int)rc;                                                               \
        rc;                                                                               \
    })

/* ---- cleanup hooks ----------------------------------------------------------------------- */

/* Makes WEFT_AUTO(type, x) and (auto, type, x) work for int close(type *).
 * weft_close_with then yields rc when that is an error, else what close found, else rc. */
#define WEFT_DEFINE_AUTO(type, close)                                                     \
    WEFT_UNUSED_ static inline int type##_close_with_(type **weft_slot_, int weft_rc_)    \
    {                                                                                     \
        WEFT_CLOSE_HELD_(type, close(weft_held_), )                                       \
        return weft_rc_ < 0 || weft_closed_ >= 0 ? weft_rc_ : weft_closed_;               \
    }                                                                                     \
    WEFT_AUTO_HOOK_(type, 0)

/* The same for int close(type *, int rc), which is told how it went: rc is what the
 * caller of weft_close_with said, or WEFT_ABANDONED when the brace closes. */
#define WEFT_DEFINE_AUTO_STATUS(type, close)                                              \
    WEFT_UNUSED_ static inline int type##_close_with_(type **weft_slot_, int weft_rc_)    \
    {                                                                                     \
        WEFT_CLOSE_HELD_(type, close(weft_held_, weft_rc_), )                             \
        return weft_closed_;                                                              \
    }                                                                                     \
    WEFT_AUTO_HOOK_(type, WEFT_ABANDONED)

/* The same with a forced closer, void abort(type *), which must not wait. When close has
 * used up the teardown budget its waits return WEFT_ECANCELED; if it returns that, it has
 * left the resource to abort, which then ends it as roughly as it has to, and the outcome
 * is WEFT_ETIMEDOUT. */
#define WEFT_DEFINE_AUTO_FORCED(type, close, abort)                                       \
    WEFT_UNUSED_ static inline int type##_close_with_(type **weft_slot_, int weft_rc_)    \
    {                                                                                     \
        WEFT_CLOSE_HELD_(type, close(weft_held_), WEFT_FORCE_(abort))                     \
        return weft_rc_ < 0 || weft_closed_ >= 0 ? weft_rc_ : weft_closed_;               \
    }                                                                                     \
    WEFT_AUTO_HOOK_(type, 0)
#define WEFT_DEFINE_AUTO_STATUS_FORCED(type, close, abort)                                \
    WEFT_UNUSED_ static inline int type##_close_with_(type **weft_slot_, int weft_rc_)    \
    {                                                                                     \
        WEFT_CLOSE_HELD_(type, close(weft_held_, weft_rc_), WEFT_FORCE_(abort))           \
        return weft_closed_;                                                              \
    }                                                                                     \
    WEFT_AUTO_HOOK_(type, WEFT_ABANDONED)

#define WEFT_FORCE_(abort)                                                                \
    if (weft_closing_force(&weft_closing_, weft_closed_)) {                                 \
        abort(weft_held_);                                                                \
        weft_closed_ = WEFT_ETIMEDOUT;                                                    \
    }

#define WEFT_CLOSE_HELD_(type, call, force)                                               \
    type *weft_held_ = *weft_slot_;                                                       \
    weft_closing weft_closing_;                                                           \
    int weft_closed_;                                                                     \
    if (weft_held_ == NULL)                                                               \
        return weft_rc_;                                                                  \
    *weft_slot_ = NULL;                                                                   \
    weft_closing_begin(&weft_closing_);                                                   \
    weft_closed_ = call;                                                                  \
    force                                                                                 \
    weft_closing_end(&weft_closing_, #type, __FILE__, __LINE__);

#define WEFT_AUTO_HOOK_(type, outcome)                                                    \
    WEFT_UNUSED_ static inline void type##_auto_(type **weft_slot_)                       \
    {                                                                                     \
        if (*weft_slot_ != NULL)                                                          \
            weft_note_close_error(type##_close_with_(weft_slot_, outcome));               \
    }                                                                                     \
    WEFT_UNUSED_ static inline int type##_exit_(void *weft_it_, int weft_rc_)             \
    {                                                                                     \
        type *weft_held_ = (type *)weft_it_;                                              \
        return type##_close_with_(&weft_held_, weft_rc_);                                 \
    }

#endif
#endif
