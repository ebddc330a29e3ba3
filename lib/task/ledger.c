/* SPDX-License-Identifier: MIT
 * The ledger of open resources. Rules L1 to L3 are in ledger.h. */
#include "task/ledger.h"

#include "base/lock.h"
#include "plat/mem.h"
#include "sched/worker.h"
#include "task/scope.h"

#include <string.h>

_Static_assert(sizeof(struct wf_entry) <= sizeof(weft_resource), "weft_resource is too small");

static struct {
    struct wf_lock lock;
    struct wf_list all;
    bool is_service;
} ledger = { WF_LOCK_INIT(WF_RANK_NONE), { { &ledger.all.head, &ledger.all.head } }, false };

static struct wf_entry *entry_of(weft_resource *resource)
{
    return (struct wf_entry *)(void *)resource->opaque_;
}

/* ---- words ---------------------------------------------------------------------------------- */

/* database "orders" (db.c:12) of task #5 "worker" */
static void describe(const struct wf_entry *entry, struct wf_text *text)
{
    wf_text_add(text, "%s", entry->kind);
    if (entry->name != NULL)
        wf_text_add(text, " \"%s\"", entry->name);
    if (entry->file != NULL)
        wf_text_add(text, " (%s:%d)", entry->file, entry->line);
    if (entry->owner_id != 0)
        wf_text_add(text, " of %s #%llu \"%s\"", entry->is_owner_task ? "task" : "thread",
                    (unsigned long long)entry->owner_id, entry->owner_name);
}

void wf_ledger_describe(struct wf_text *text)
{
    wf_lock_acquire(&ledger.lock);
    wf_list_each (link, &ledger.all) {
        wf_text_add(text, "open: ");
        describe(WF_CONTAINER(link, struct wf_entry, link), text);
        wf_text_add(text, "\n");
    }
    wf_lock_release(&ledger.lock);
}

static void send(struct wf_text *text)
{
    if (text->size > 0)
        wf_report(text->data, text->size);
    wf_text_free(text);
}

WF_COLD void wf_ledger_report_overdue(struct wf_closing *closing, const struct wf_entry *entry)
{
    struct wf_text text;
    if (closing->is_reported)
        return;
    closing->is_reported = true;
    wf_text_init(&text);
    wf_text_add(&text, "weft: the close of ");
    describe(entry, &text);
    wf_text_add(&text, " has used up the teardown budget%s\n",
                closing->is_forced ? ", and was forced" : "");
    send(&text);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void add_open(const struct wf_entry *entry, const char *when, struct wf_text *text)
{
    wf_text_add(text, "weft: leak: %s is open: ", when);
    describe(entry, text);
    wf_text_add(text, "\n");
}

/* What nobody can be expected to close any more. Named once: it leaves the list of all. */
static void report_all(const char *when)
{
    struct wf_text text;
    struct wf_link *link;
    wf_text_init(&text);
    wf_lock_acquire(&ledger.lock);
    while ((link = wf_list_pop_front(&ledger.all)) != NULL)
        add_open(WF_CONTAINER(link, struct wf_entry, link), when, &text);
    wf_lock_release(&ledger.lock);
    send(&text);
}

static void stop(int64_t until_ns)
{
    (void)until_ns;
    wf_lock_acquire(&ledger.lock);
    ledger.is_service = false;
    wf_lock_release(&ledger.lock);
    report_all("weft_shutdown has ended the runtime, and this");
}

static struct wf_service service = { .name = "ledger", .stop = stop };

__attribute__((destructor)) static void at_exit(void)
{
    if (!wf_load_rlx(&wf_rt.has_forked))
        report_all("the process exits, and this");
}

/* ---- entering ------------------------------------------------------------------------------- */

static void set_owner_locked(struct wf_entry *entry, struct wf_waiter *self)
{
    entry->is_owner_task = self->is_task;
    entry->owner_id = self->id;
    size_t size = strnlen(self->name, sizeof entry->owner_name - 1);
    memcpy(entry->owner_name, self->name, size);
    entry->owner_name[size] = '\0';
}

static void link_scope_locked(struct wf_entry *entry, struct weft_scope *scope)
{
    entry->scope = scope;
    if (scope == NULL)
        return;
    struct wf_scope *s = wf_scope_of(scope);
    if (!s->has_entries) {
        s->has_entries = true;
        wf_list_init(&s->entries);
    }
    wf_list_push_back(&s->entries, &entry->scope_link);
}

static void enter(struct wf_entry *entry, struct wf_waiter *self, struct weft_scope *scope)
{
    wf_link_init(&entry->scope_link);
    wf_lock_acquire(&ledger.lock);
    bool is_service = ledger.is_service;
    ledger.is_service = true;
    entry->is_open = true;
    wf_list_push_back(&ledger.all, &entry->link);
    set_owner_locked(entry, self);
    link_scope_locked(entry, scope);
    wf_lock_release(&ledger.lock);
    if (!is_service)
        wf_service_register(&service);
}

void weft_resource_opened(weft_resource *resource, const char *kind, const char *name,
                          const char *file, int line)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_entry *entry = entry_of(resource);
    *entry = (struct wf_entry){ .kind = kind, .name = name, .file = file, .line = line };
    if (self != NULL)
        enter(entry, self, wf_scope_lasting(self->scope));
}

void wf_ledger_open_at_large(weft_resource *resource, const char *kind, const char *name)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_entry *entry = entry_of(resource);
    *entry = (struct wf_entry){ .kind = kind, .name = name };
    if (self != NULL)
        enter(entry, self, NULL);
}

void weft_resource_adopted(weft_resource *resource)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_entry *entry = entry_of(resource);
    if (self == NULL || !entry->is_open)
        return;
    wf_lock_acquire(&ledger.lock);
    wf_list_remove(&entry->scope_link);
    set_owner_locked(entry, self);
    link_scope_locked(entry, wf_scope_lasting(self->scope));
    wf_lock_release(&ledger.lock);
}

/* The holder may close it meanwhile: the list, not is_open, says whether there is something to name. */
void weft_resource_left(weft_resource *resource, const char *when)
{
    struct wf_entry *entry = entry_of(resource);
    struct wf_text text;
    wf_text_init(&text);
    wf_lock_acquire(&ledger.lock);
    if (entry->link.next != NULL && wf_link_is_linked(&entry->link)) {
        add_open(entry, when, &text);
        wf_list_remove(&entry->link);
        wf_list_remove(&entry->scope_link);
    }
    wf_lock_release(&ledger.lock);
    send(&text);
}

/* A closer says so itself. */
static void check_budget(const struct wf_entry *entry)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_closing *closing = self != NULL ? self->closing : NULL;
    if (closing != NULL && WF_UNLIKELY(wf_closing_is_over(closing)))
        wf_ledger_report_overdue(closing, entry);
}

void weft_resource_closed(weft_resource *resource)
{
    struct wf_entry *entry = entry_of(resource);
    if (!entry->is_open || wf_load_rlx(&wf_rt.has_forked))
        return;
    check_budget(entry);
    wf_lock_acquire(&ledger.lock);
    entry->is_open = false;
    wf_list_remove(&entry->link);
    wf_list_remove(&entry->scope_link);
    wf_lock_release(&ledger.lock);
}

/* ---- the end of a scope --------------------------------------------------------------------- */

static bool is_owners(const struct wf_entry *entry, const struct wf_scope *s)
{
    return s->owner != NULL && entry->owner_id == s->owner->id;
}

static void add_leak(const struct wf_entry *entry, const struct wf_scope *s, struct wf_text *text)
{
    wf_text_add(text, "weft: leak: scope \"%s\" (%s:%d) has ended, and this is open: ", s->name,
                s->file, s->line);
    describe(entry, text);
    wf_text_add(text, "\n");
}

WF_NOINLINE void wf_ledger_end_scope_slow(struct weft_scope *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    struct wf_text text;
    struct wf_link *link;
    wf_text_init(&text);
    wf_lock_acquire(&ledger.lock);
    while ((link = wf_list_pop_front(&s->entries)) != NULL) {
        struct wf_entry *entry = WF_CONTAINER(link, struct wf_entry, scope_link);
        bool moves_up = is_owners(entry, s);
        if (!moves_up) {
            add_leak(entry, s, &text);
            wf_list_remove(&entry->link);
        }
        link_scope_locked(entry, moves_up ? s->parent : NULL);
    }
    wf_lock_release(&ledger.lock);
    send(&text);
}
