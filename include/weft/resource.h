/* SPDX-License-Identifier: MIT */
/* The ledger of open resources: what is left open is named, with its place and its task.
 *
 *     typedef struct database {
 *         weft_resource entry;
 *         ...
 *     } database;
 *
 *     int database_open(const char *dsn, database **out_db)
 *     {
 *         ...
 *         WEFT_OPENED(&db->entry, "database", db->dsn);   // at its end: now there is one
 *         *out_db = db;
 *         return 0;
 *     }
 *     int database_close(database *db)
 *     {
 *         ...
 *         weft_resource_closed(&db->entry);               // before its memory goes
 *         free(db);
 *     }
 *
 * An entry belongs to the task that opened the resource and to its innermost scope. When a
 * scope ends, what its tasks have opened and nobody has closed is reported as a leak; what
 * the scope's owner has opened belongs to the scope around it from then on. Whoever takes a
 * resource over from another task, to keep it longer than that one's scope, says
 * weft_resource_adopted. What is open when weft_shutdown ends the runtime, or the process
 * exits, is named too. A close past its teardown budget is reported by the entry's words.
 *
 * Leases of managers and files are in the ledger by themselves; files belong to no scope,
 * since tasks hand them on as they like.
 */
#ifndef WEFT_RESOURCE_H
#define WEFT_RESOURCE_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One resource's entry, kept in the resource itself. Zeroed: not in the ledger. */
typedef struct weft_resource {
    void *opaque_[16];
} weft_resource;

/* Enters a resource that has just been opened.
 *
 * kind, name and file are not copied: they live as long as the resource; name may be NULL.
 * Usually called by WEFT_OPENED. On the blocking pool's threads the entry belongs to no
 * task: enter it after the blocking call.
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_resource_opened(weft_resource *entry, const char *kind, const char *name,
                                   const char *file, int line);

/* Takes it out, when the resource is closed; one that is not in the ledger stays out.
 *
 * Waits    no
 * From     any thread                                                                   */
WEFT_API void weft_resource_closed(weft_resource *entry);

/* The caller and its innermost scope are the ones it belongs to from here on.
 *
 * Waits    no
 * From     a task or any thread                                                         */
WEFT_API void weft_resource_adopted(weft_resource *entry);

/* Reports it as a leak now: what it stands on has been closed, and it has not. when is how the
 * report begins ("the pool is closed, and this"). It is named once, and stays its holder's to
 * close; one that is not in the ledger is not named.
 *
 * Waits    no
 * From     any thread                                                                   */
WEFT_API void weft_resource_left(weft_resource *entry, const char *when);

#ifdef __cplusplus
}
#else

#define WEFT_OPENED(entry, kind, name) \
    weft_resource_opened(entry, kind, name, __FILE__, __LINE__)

#endif
#endif
