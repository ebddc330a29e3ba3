/* SPDX-License-Identifier: MIT
 * A scope's children: counting them in and out, what the end of one means for the others, and
 * waiting for the last (scope.h, S2). */
#include "base/panic.h"
#include "sched/worker.h"
#include "task/scope.h"
#include "task/trap.h"

#include <weft/runtime.h>

enum { STUBBORN_NAMED = 16 };

/* In one step: once the first runs, the scope could end before the last is counted. */
int wf_scope_add(struct weft_scope *scope, struct wf_task *tasks)
{
    struct wf_scope *s = wf_scope_of(scope);
    wf_lock_acquire(&s->lock);
    bool is_open = !s->is_ended;
    for (struct wf_task *task = tasks; is_open && task != NULL; task = task->next) {
        s->n_tasks++;
        wf_list_push_back(&s->tasks, &task->home_link);
        task->waiter.cancel = &wf_scope_of(task->home)->cancelled;
    }
    wf_lock_release(&s->lock);
    return is_open ? 0 : WEFT_ECLOSED;
}

/* ---- the end of one ----------------------------------------------------------------------------- */

/* What a closer had to say in a task that had an error of its own. */
static void add_secondary_locked(struct wf_scope *s, weft_task_end end, int close_error)
{
    bool is_another = close_error < 0 && close_error != end.rc;
    end.rc = close_error;
    if (WF_UNLIKELY(is_another))
        wf_errors_add_locked(s, &end);
}

/* False: it changes nothing for the others. */
static bool note_failure(struct wf_scope *s, const struct wf_task *task, int rc)
{
    weft_task_end end;
    wf_lock_acquire(&s->lock);
    bool is_error = wf_scope_is_error(s, rc);
    if (is_error) {
        wf_task_end_fill(&end, &task->waiter, task->spawn_file, task->spawn_line, rc);
        wf_errors_add_locked(s, &end);
    }
    s->was_felt |= rc == WEFT_ECANCELED && !is_error;
    bool is_first = is_error && s->errors.n == 1;
    if (is_error)
        add_secondary_locked(s, end, task->waiter.close_error);
    wf_lock_release(&s->lock);
    return is_first && !s->is_supervisor && !s->is_race;
}

static bool note_success(struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    bool is_first = !s->has_winner;
    s->has_winner = true;
    wf_lock_release(&s->lock);
    return is_first;
}

/* Cancels the others, if that is what it means. */
static void spread(struct wf_scope *s, const struct wf_task *task, enum wf_cancel_reason kind,
                   int code)
{
    wf_scope_cancel_for(wf_scope_public(s), &(struct wf_reason){
                                                .kind = kind,
                                                .code = code,
                                                .file = task->spawn_file,
                                                .line = task->spawn_line,
                                            });
}

bool wf_scope_note_end(struct wf_scope *s, const struct wf_task *task, int rc)
{
    if (rc < 0 && note_failure(s, task, rc))
        spread(s, task, WF_REASON_ERROR, rc);
    bool has_won = rc >= 0 && s->is_race && note_success(s);
    if (has_won)
        spread(s, task, WF_REASON_RACE, WEFT_ECANCELED);
    return has_won;
}

static inline void release_locked(struct wf_scope *s, uint32_t n)
{
    struct wf_waiter *joiner = NULL;
    s->n_tasks -= n;
    if (s->n_tasks == 0 && (wf_load_rlx(&s->is_owner_joining) || s->is_owner_collecting) &&
        wf_wait_claim(s->owner, WF_CLAIM_FIRST))
        joiner = s->owner;
    wf_lock_release(&s->lock);
    /* From here the scope may be gone. Its owner is not: it waits for our wake, if we claimed. */
    if (joiner != NULL)
        wf_wait_wake(joiner, WF_WAKE_NEXT);
}

void wf_scope_release_locked(struct wf_scope *s, uint32_t n) { release_locked(s, n); }

/* Recorded and spread while the child still counts, so that the scope can't end meanwhile (S2). */
void wf_scope_child_done(struct wf_task *task, int rc)
{
    struct wf_scope *s = wf_scope_of(task->home);
    if (WF_UNLIKELY(rc < 0))
        (void)wf_scope_note_end(s, task, rc);
    wf_lock_acquire(&s->lock);
    wf_list_remove(&task->home_link);
    release_locked(s, 1);
}

/* ---- joining ------------------------------------------------------------------------------------------ */

static bool begin_join(struct wf_scope *s, struct wf_waiter *self)
{
    wf_lock_acquire(&s->lock);
    bool has_to_wait = s->n_tasks > 0;
    if (has_to_wait) {
        wf_wait_begin_shielded(self, WF_ON_CHILDREN, s);
        /* seq [trap-dekker]: before the look at who receives (reports.c). */
        wf_store_seq(&s->is_owner_joining, true);
    }
    wf_lock_release(&s->lock);
    return has_to_wait;
}

static void end_join(struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    wf_store_rlx(&s->is_owner_joining, false);
    wf_lock_release(&s->lock);
}

/* There may be a million: the first are named, the others counted. */
static void name_children(struct wf_scope *s, struct wf_text *text)
{
    unsigned n = 0;
    wf_lock_acquire(&s->lock);
    wf_list_each (link, &s->tasks) {
        struct wf_task *task = WF_CONTAINER(link, struct wf_task, home_link);
        if (n++ == STUBBORN_NAMED)
            break;
        wf_text_add(text, "  task #%llu \"%s\", spawned at %s:%d\n",
                    (unsigned long long)task->waiter.id, task->waiter.name, task->spawn_file,
                    task->spawn_line);
    }
    if (n > STUBBORN_NAMED)
        wf_text_add(text, "  and more: %u in all\n", s->n_tasks);
    wf_lock_release(&s->lock);
}

static void report_stubborn(struct wf_scope *s)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text,
                "weft: scope \"%s\" (%s:%d) is past its teardown budget and still waits for:\n",
                s->name, s->file, s->line);
    name_children(s, &text);
    wf_report(text.data, text.size);
    wf_text_free(&text);
}

/* A join is never given up. Once the scope is cancelled its children have the teardown budget;
 * past it they are named, and waited for all the same. */
void wf_scope_join(struct weft_scope *scope, struct wf_waiter *self)
{
    struct wf_scope *s = wf_scope_of(scope);
    int64_t limit_ns = WF_NEVER;
    bool is_reported = false;
    while (begin_join(s, self)) {
        wf_trap_check_scope(scope);
        bool has_budget = wf_scope_is_cancelled(s) && !is_reported;
        if (has_budget && limit_ns == WF_NEVER)
            limit_ns = wf_clock_after(wf_rt.config.teardown_budget_ns);
        uint32_t claim = wf_wait_park(self, is_reported ? WF_NEVER : limit_ns);
        end_join(s);
        if (claim == WF_CLAIM_TIMEOUT) {
            report_stubborn(s);
            is_reported = true;
        }
    }
}
