/* SPDX-License-Identifier: MIT */
/* Task-locals: values that a task and all it spawns can see without passing them along.
 *
 *     WEFT_LOCAL(struct request, current_request);         // at file scope: a key
 *
 *     static int serve(int id)
 *     {
 *         WEFT_BIND(current_request, (struct request){ id });       // to the brace
 *         return handle();                             // and all that it calls or spawns
 *     }
 *     ...
 *     const struct request *request = weft_local(current_request);  // NULL: not bound
 *
 * A task, a generator and a blocking call have what was bound where they were spawned,
 * opened or called, and keep it as long as they live; what they bind themselves their
 * parent does not see. A plain thread has its own. For what a function works with, a
 * parameter is better: a task-local is for what everybody in between need not know, a
 * request's number in the log for instance.
 */
#ifndef WEFT_LOCAL_H
#define WEFT_LOCAL_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A key. Lives as long as the program. */
typedef struct weft_local_key {
    size_t size;                 /* of a value, in bytes */
    void (*drop)(void *value);   /* when the last that sees it has ended; must not wait; or NULL */
    const char *name;
} weft_local_key;

/* A value bound to a key; lives in the frame that binds it and does not move. */
typedef struct weft_binding {
    void *opaque_[2];
} weft_binding;

/* Binds key to the value: from here to weft_local_unbind the caller, and all that is spawned
 * by it meanwhile, sees this one.
 *
 * The value is copied, and what it owns belongs to the binding from here on, on every path:
 * it goes to the key's drop. *binding is written on every path too.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EINVAL     key or value is NULL                                              */
WEFT_API WEFT_MUST_CHECK int weft_local_bind(weft_binding *binding, const weft_local_key *key,
                                             const void *value);

/* Ends a binding: the caller sees what it saw before; who has inherited it goes on seeing it.
 *
 * Ends the program unless it is the caller's last one: bindings end in reverse order. One
 * that failed is left alone.
 *
 * Waits    no
 * From     the task or thread that bound it                                                 */
WEFT_API void weft_local_unbind(weft_binding *binding);

/* What key is bound to.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  the value, which is not to be changed and lives as long as the binding is seen by
 *          the caller; NULL when the key is not bound                                       */
WEFT_API const void *weft_local_get(const weft_local_key *key);

#ifdef __cplusplus
}
#else

/* WEFT_LOCAL(T, name) or WEFT_LOCAL(T, name, .drop = fn): a key of this file for values of
 * type T. One that several files share is declared in a header by WEFT_DECLARE_LOCAL(T, name),
 * and defined in one of the files by WEFT_DEFINE_LOCAL(name), with .drop if it has one. */
#define WEFT_LOCAL(T, key, ...)                                                           \
    WEFT_LOCAL_TYPE_(T, key);                                                             \
    WEFT_UNUSED_ static WEFT_LOCAL_VALUE_(key, ##__VA_ARGS__)
#define WEFT_DECLARE_LOCAL(T, key) \
    WEFT_LOCAL_TYPE_(T, key);      \
    extern const struct weft_local_##key key
#define WEFT_DEFINE_LOCAL(key, ...) WEFT_LOCAL_VALUE_(key, ##__VA_ARGS__)

#define WEFT_LOCAL_TYPE_(T, key)  \
    struct weft_local_##key {     \
        weft_local_key key_;      \
        __typeof__(T) *type_;     \
    }
#define WEFT_LOCAL_VALUE_(key, ...)                                                       \
    const struct weft_local_##key key = {                                                 \
        .key_ = { .size = sizeof(*((struct weft_local_##key *)0)->type_), .name = #key,   \
                  ##__VA_ARGS__ }                                                         \
    }

/* The value that the key has for the caller, const T *; NULL when it is not bound. */
#define weft_local(key) ((const __typeof__(*(key).type_) *)weft_local_get(&(key).key_))

/* Binds the key to a value from here to the end of the braces. When it can't be bound the code
 * is returned from this function, which returns int, as with WEFT_TRY. */
#define WEFT_BIND(key, ...) WEFT_BIND_(WEFT_CAT_(weft_binding_, __COUNTER__), key, __VA_ARGS__)
#define WEFT_BIND_(binding, key, ...)                                                     \
    WEFT_CLEANUP_(weft_local_unbind) weft_binding binding = { { NULL, NULL } };           \
    WEFT_TRY(__extension__({                                                              \
        __typeof__(*(key).type_) weft_value_ = __VA_ARGS__;                               \
        weft_local_bind(&binding, &(key).key_, &weft_value_);                             \
    }))

#endif
#endif
