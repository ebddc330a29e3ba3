/* SPDX-License-Identifier: MIT
 * The ledger of open resources (weft/resource.h).
 *
 * One lock for all entries: opening and closing are rare beside what they open, and an entry's
 * scope changes under the feet of whoever closes it on another thread.
 *   L1  An entry that is open and was not reported is in the list of all; if it has a scope, in
 *       that scope's list too.
 *   L2  A scope's has_entries is set before its first entry, by its owner or one of its tasks: who
 *       ends the scope has joined those, so it need not lock to see that there are none.
 *   L3  Of a scope that has ended there is no entry: those of its owner have moved up, the others
 *       are reported and have no scope.
 *
 * A WEFT_AUTO variable registers nothing where it is declared: it is empty then, and only the open
 * knows what there is and what it is called. Rejected: a node in the variable, on a list of the
 * task's. It would cost every variable two links, say nothing of what was stolen from it (the
 * usual leak), and dangle after a longjmp or an exit. */
#ifndef WF_TASK_LEDGER_H
#define WF_TASK_LEDGER_H

#include "base/list.h"
#include "base/panic.h"
#include "sched/closing.h"

#include <weft/resource.h>

struct weft_scope;

/* Lives in weft_resource::opaque_. Under the ledger's lock, but for is_open, which is the holder's. */
struct wf_entry {
    bool is_open, is_owner_task;
    struct wf_link link;       /* in the list of all; on none once it was reported */
    struct wf_link scope_link; /* in scope's list */
    struct weft_scope *scope;  /* NULL: none */
    const char *kind, *name, *file;
    int line;
    uint64_t owner_id;
    char owner_name[24]; /* a copy: the owner may be gone when it is printed */
};

/* The scope ends; all its tasks have been joined (L3). */
void wf_ledger_end_scope_slow(struct weft_scope *scope);

/* The same as weft_resource_opened, but the entry belongs to no scope: for what tasks hand on as
 * they like. It is named at the shutdown or the exit, at the latest. */
void wf_ledger_open_at_large(weft_resource *entry, const char *kind, const char *name);

/* For a dump: a line for each. */
void wf_ledger_describe(struct wf_text *text);

/* This closer has used up the budget. Says so once. */
void wf_ledger_report_overdue(struct wf_closing *closing, const struct wf_entry *entry);

#endif
