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
 * thread that began them. A shielded wait has the teardown budget of the runtime.
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_shield_begin(weft_shield *shield);

/* Ends the shield that weft_shield_begin put in force.
 *
 * Waits    no
 * From     the task or thread that began it                                             */
WEFT_API void weft_shield_end(weft_shield *shield);

/* Records what a closer run by a brace had to say.
 *
 * The first negative code becomes the task's result if its body returns 0 or more; the
 * later ones are kept beside it. 0 and positive values, and WEFT_ABANDONED, which is the
 * closer's own argument handed back, are not errors.
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_note_close_error(int rc);

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
        WEFT_CLOSE_HELD_(type, close(weft_held_))                                         \
        return weft_rc_ < 0 || weft_closed_ >= 0 ? weft_rc_ : weft_closed_;               \
    }                                                                                     \
    WEFT_AUTO_HOOK_(type, 0)

/* The same for int close(type *, int rc), which is told how it went: rc is what the
 * caller of weft_close_with said, or WEFT_ABANDONED when the brace closes. */
#define WEFT_DEFINE_AUTO_STATUS(type, close)                                              \
    WEFT_UNUSED_ static inline int type##_close_with_(type **weft_slot_, int weft_rc_)    \
    {                                                                                     \
        WEFT_CLOSE_HELD_(type, close(weft_held_, weft_rc_))                               \
        return weft_closed_;                                                              \
    }                                                                                     \
    WEFT_AUTO_HOOK_(type, WEFT_ABANDONED)

#define WEFT_CLOSE_HELD_(type, call)                                                      \
    type *weft_held_ = *weft_slot_;                                                       \
    weft_shield weft_shield_;                                                             \
    int weft_closed_;                                                                     \
    if (weft_held_ == NULL)                                                               \
        return weft_rc_;                                                                  \
    *weft_slot_ = NULL;                                                                   \
    weft_shield_begin(&weft_shield_);                                                     \
    weft_closed_ = call;                                                                  \
    weft_shield_end(&weft_shield_);

#define WEFT_AUTO_HOOK_(type, outcome)                                                    \
    WEFT_UNUSED_ static inline void type##_auto_(type **weft_slot_)                       \
    {                                                                                     \
        if (*weft_slot_ != NULL)                                                          \
            weft_note_close_error(type##_close_with_(weft_slot_, outcome));               \
    }

#endif
#endif
