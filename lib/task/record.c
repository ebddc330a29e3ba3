/* SPDX-License-Identifier: MIT
 * Records of tasks: made at the spawn, ended with the task. The rules are in record.h. */
#include "task/record.h"

#include "base/panic.h"
#include "plat/mem.h"
#include "sched/worker.h"

#include <string.h>

static void init(struct weft_task *record, struct weft_scope *scope)
{
    wf_lock_init(&record->lock, WF_RANK_RECORD);
    wf_store_rlx(&record->refs, 1u);
    wf_link_init(&record->link);
    wf_list_init(&record->joiners);
    record->drop = scope->opts.drop;
}

struct weft_task *wf_record_make(struct weft_scope *scope)
{
    struct weft_task *record = wf_alloc(1, sizeof *record);
    if (record != NULL)
        init(record, scope);
    return record;
}

/* ---- starting ones ------------------------------------------------------------------------------ */

/* Under the lock that a cancel holds when it wakes the owner: a spawner may cancel the scope of a
 * task that is about to be gone. */
void wf_starting_set_owner(struct wf_starting *it, struct wf_waiter *owner)
{
    struct wf_scope *s = wf_scope_of(&it->scope);
    wf_lock_acquire(&s->lock);
    s->owner = owner;
    wf_lock_release(&s->lock);
}

void wf_starting_fini(struct wf_starting *it)
{
    wf_starting_set_owner(it, NULL);
    wf_scope_fini(&it->scope);
}

/* The scope comes last: from here on a cancel finds it. */
struct wf_starting *wf_starting_make(struct weft_scope *scope, const weft_callable *what,
                                     const weft_spawn_opts *opts)
{
    struct wf_starting *it = wf_alloc(1, sizeof *it);
    if (it == NULL)
        return NULL;
    init(&it->record, scope);
    it->record.has_own_scope = true;
    it->into = scope;
    it->state = WF_READY_AWAITED;
    it->out = opts->out_ready;
    it->out_size = opts->ready_size;
    it->spawner = wf_waiter_self();
    wf_scope_init(&it->scope, &(struct wf_scope_opts){
                                  .parent = scope,
                                  .deadline_at_ns = WF_NEVER,
                                  .name = opts->name != NULL ? opts->name : what->name,
                                  .file = what->file,
                                  .line = what->line,
                              });
    wf_scope_of(&it->scope)->is_starting = true;
    return it;
}

/* ---- with their tasks --------------------------------------------------------------------------- */

void wf_record_attach(struct weft_task *record, struct wf_task *task)
{
    struct wf_starting *starting = wf_starting_of(record);
    task->record = record;
    task->on_done = wf_record_child_done;
    wf_task_end_fill(&record->end, &task->waiter, task->spawn_file, task->spawn_line, 0);
    if (starting == NULL)
        return;
    task->home = task->waiter.scope = &starting->scope;
    wf_starting_set_owner(starting, &task->waiter);
}

void wf_record_detach(struct wf_task *task)
{
    struct weft_task *record = task->record;
    if (record->has_own_scope)
        wf_starting_fini(wf_starting_of(record));
    wf_record_unref(record);
}

struct weft_task *wf_record_of(struct wf_waiter *self)
{
    struct wf_task *task = wf_task_of(self);
    return task != NULL && task->on_done == wf_record_child_done ? task->record : NULL;
}

/* ---- results ------------------------------------------------------------------------------------ */

static void drop_result(struct weft_task *record)
{
    void *result = record->result;
    record->result = NULL;
    if (result == NULL)
        return;
    if (record->drop != NULL)
        record->drop(result);
    if (result != record->inline_result)
        wf_free(result);
}

void wf_record_unref(struct weft_task *record)
{
    /* acq_rel: who frees it comes after what others did with it. */
    if (wf_sub_acq_rel(&record->refs, 1u) != 1)
        return;
    drop_result(record);
    wf_free(record->has_own_scope ? (void *)wf_starting_of(record) : (void *)record);
}

void wf_records_drop(struct wf_list *ended)
{
    struct wf_link *link;
    while ((link = wf_list_pop_front(ended)) != NULL)
        wf_record_unref(WF_CONTAINER(link, struct weft_task, link));
}

static int keep_result(struct weft_task *record, const void *value, size_t size)
{
    drop_result(record);
    void *place = size <= WF_RECORD_INLINE_RESULT ? record->inline_result : wf_alloc(1, size);
    if (place == NULL)
        return WEFT_ENOMEM;
    memcpy(place, value, size);
    record->result = place;
    record->result_size = size;
    return 0;
}

/* Before its end the record's result is the task's own (J2). The value is the caller's copy, so a
 * drop may write to it. */
int weft_task_give_result(const void *value, size_t size)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    if (!self->is_task)
        return WEFT_ENOTASK;
    if (value == NULL)
        return WEFT_EINVAL;
    struct weft_task *record = wf_record_of(self);
    int rc = record != NULL ? keep_result(record, value, size) : 0;
    if (rc == 0 && record != NULL)
        return 0;
    struct weft_scope *home = wf_task_of(self)->home;
    void (*drop)(void *) = record != NULL ? record->drop : home->opts.drop;
    if (drop != NULL)
        drop((void *)(uintptr_t)value);
    return rc;
}

/* Under the lock the result changes hands; what is to be dropped is, after it. */
int wf_record_take(struct weft_task *record, weft_task_end *out_end, void *out_value, size_t size)
{
    wf_lock_acquire(&record->lock);
    void *result = record->result;
    bool fits = result == NULL || out_value == NULL || size == record->result_size;
    weft_task_end end = record->end;
    end.has_result = result != NULL;
    bool takes = fits && result != NULL && out_value != NULL;
    if (takes) {
        memcpy(out_value, result, size);
        record->result = NULL;
    }
    wf_lock_release(&record->lock);
    if (!fits)
        return WEFT_EMSGSIZE;
    if (out_end != NULL)
        *out_end = end;
    if (takes && result != record->inline_result)
        wf_free(result);
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------------ */

struct joiner {
    struct wf_link link;
    struct wf_waiter *waiter;
};

void wf_record_end(struct weft_task *record, int rc)
{
    struct wf_list woken;
    struct wf_link *link;
    wf_list_init(&woken);
    wf_lock_acquire(&record->lock);
    record->is_ended = true;
    record->end.rc = rc;
    while ((link = wf_list_pop_front(&record->joiners)) != NULL)
        if (wf_wait_claim(WF_CONTAINER(link, struct joiner, link)->waiter, WF_CLAIM_FIRST))
            wf_list_push_back(&woken, link);
    wf_lock_release(&record->lock);
    while ((link = wf_list_pop_front(&woken)) != NULL)
        wf_wait_wake(WF_CONTAINER(link, struct joiner, link)->waiter, WF_WAKE_NEXT);
}

/* Recorded and spread while the child still counts, as in children.c; dropped, too, so that after
 * weft_scope_wait no drop of this scope runs but by who holds a handle. */
void wf_record_child_done(struct wf_task *task, int rc)
{
    struct weft_task *record = task->record;
    struct wf_starting *starting = wf_starting_of(record);
    struct wf_scope *s = wf_scope_of(starting != NULL ? starting->into : task->home);
    bool is_spawners = starting != NULL && wf_starting_end(starting, &rc);
    bool has_won = !is_spawners && wf_scope_note_end(s, task, rc);
    if (rc < 0 || (s->is_race && !has_won))
        drop_result(record);
    wf_record_end(record, rc);
    bool is_kept = s->keeps_records && !is_spawners && (!s->is_race || has_won);
    task->waiter.cancel = &wf_never_cancelled; /* not the flag of a scope that goes with it */
    if (!is_kept)
        wf_record_unref(record);
    struct wf_list granted;
    wf_list_init(&granted);
    struct wf_waiter *collector = NULL;
    wf_lock_acquire(&s->lock);
    wf_list_remove(&task->home_link);
    if (is_kept) {
        wf_list_push_back(&s->ended, &record->link);
        if (s->is_owner_collecting && wf_wait_claim(s->owner, WF_CLAIM_FIRST))
            collector = s->owner;
    }
    if (s->limit > 0)
        wf_limit_give_locked(s, 1, &granted);
    wf_scope_release_locked(s, 1);
    if (collector != NULL)
        wf_wait_wake(collector, WF_WAKE_NEXT);
    wf_limit_wake(&granted);
}

/* ---- joining ------------------------------------------------------------------------------------ */

static void report_stubborn(struct weft_task *record)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text,
                "weft: task #%llu \"%s\", spawned at %s:%d, was cancelled before it was ready, and "
                "is past its teardown budget\n",
                (unsigned long long)record->end.id, record->end.name, record->end.file,
                record->end.line);
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

/* The claim that ended the wait, or WF_CLAIM_FIRST without one. */
static uint32_t await_once(struct weft_task *record, struct wf_waiter *self, bool is_shielded,
                           int64_t limit_ns)
{
    struct joiner joiner = { .waiter = self };
    wf_lock_acquire(&record->lock);
    bool is_ended = record->is_ended;
    if (!is_ended) {
        if (is_shielded)
            wf_wait_begin_shielded(self, WF_ON_JOIN, record);
        else
            wf_wait_begin(self, WF_ON_JOIN, record);
        wf_list_push_back(&record->joiners, &joiner.link);
    }
    wf_lock_release(&record->lock);
    if (is_ended)
        return WF_CLAIM_FIRST;
    uint32_t claim = wf_wait_park(self, limit_ns);
    if (claim != WF_CLAIM_FIRST) { /* W3 */
        wf_lock_acquire(&record->lock);
        wf_list_remove(&joiner.link);
        wf_lock_release(&record->lock);
    }
    return claim;
}

int wf_record_await(struct weft_task *record, struct wf_waiter *self, bool is_shielded)
{
    int64_t limit_ns = is_shielded ? wf_clock_after(wf_rt.config.teardown_budget_ns) : WF_NEVER;
    for (;;) {
        uint32_t claim = await_once(record, self, is_shielded, limit_ns);
        if (claim == WF_CLAIM_FIRST)
            return 0;
        if (claim == WF_CLAIM_TIMEOUT) {
            report_stubborn(record);
            limit_ns = WF_NEVER;
            continue;
        }
        int rc = wf_claim_code(self, claim);
        if (rc < 0 && !is_shielded)
            return rc;
    }
}
