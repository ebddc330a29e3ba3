/* SPDX-License-Identifier: MIT
 * Scopes: entering, waiting, leaving. Rules S1 to S6 are in scope.h; children.c counts and joins the
 * children, cancel.c walks the tree. */
#include "task/scope.h"

#include "base/panic.h"
#include "sched/closing.h"
#include "sched/worker.h"
#include "task/ledger.h"
#include "task/record.h"

#include <string.h>
#include <weft/runtime.h>

_Static_assert(sizeof(struct wf_scope) <= sizeof(((weft_scope *)NULL)->opaque_),
               "weft_scope has no room for struct wf_scope");

/* ---- roots, for dumps and the deadlock report ------------------------------------------------- */

static struct {
    struct wf_lock lock;
    struct wf_list list;
} roots = { WF_LOCK_INIT(WF_RANK_NONE), { { &roots.list.head, &roots.list.head } } };

void wf_scope_each_root(void (*fn)(struct weft_scope *root, void *arg), void *arg)
{
    wf_lock_acquire(&roots.lock);
    wf_list_each (link, &roots.list) {
        struct wf_scope *s = WF_CONTAINER(link, struct wf_scope, root_link);
        fn(WF_CONTAINER(s, struct weft_scope, opaque_), arg);
    }
    wf_lock_release(&roots.lock);
}

static void link_root(struct wf_scope *s)
{
    wf_lock_acquire(&roots.lock);
    wf_list_push_back(&roots.list, &s->root_link);
    wf_lock_release(&roots.lock);
}

static void unlink_root(struct wf_scope *s)
{
    wf_lock_acquire(&roots.lock);
    wf_list_remove(&s->root_link);
    wf_lock_release(&roots.lock);
}

/* ---- making and ending ---------------------------------------------------------------------------- */

/* Under the parent's lock the flag is inherited and the link made in one step: a cancel of the
 * parent either came before, or finds the new scope (S1). */
static void link_parent(struct wf_scope *s)
{
    struct wf_scope *parent = wf_scope_of(s->parent);
    wf_lock_acquire(&parent->lock);
    uint32_t flag = s->is_shielded ? WF_FLAG_CLEAR : wf_load_rlx(&parent->cancelled);
    wf_store_rlx(&s->cancelled, flag);
    if (flag == WF_FLAG_CANCELLED) {
        s->reason = parent->reason;
        s->is_from_above = true;
    }
    wf_list_push_back(&parent->scopes, &s->link);
    wf_lock_release(&parent->lock);
}

static void unlink_parent(struct wf_scope *s)
{
    struct wf_scope *parent = wf_scope_of(s->parent);
    wf_lock_acquire(&parent->lock);
    wf_list_remove(&s->link);
    wf_lock_release(&parent->lock);
}

void wf_scope_init(struct weft_scope *scope, const struct wf_scope_opts *opts)
{
    struct wf_scope *s = wf_scope_of(scope);
    /* From n_tasks on one by one: most of it is not looked at before it is set. */
    memset(s, 0, offsetof(struct wf_scope, n_tasks));
    s->is_shielded = opts->is_shielded;
    s->is_root = opts->is_root;
    s->n_tasks = 0;
    s->n_places = 0;
    s->reason.kind = WF_REASON_NONE;
    s->errors.n = s->errors.n_kept = 0;
    s->deadline.queue = NULL;
    s->rc = 0;
    s->parent = opts->parent;
    s->owner = opts->owner;
    s->name = opts->name;
    s->file = opts->file;
    s->line = opts->line;
    wf_lock_init(&s->lock, WF_RANK_SCOPE);
    wf_list_init(&s->tasks);
    wf_list_init(&s->scopes);
    wf_list_init(&s->generators);
    wf_list_init(&s->ended);
    wf_list_init(&s->spawners);
    wf_list_init(&s->errors.others);
    wf_link_init(&s->link);
    wf_link_init(&s->root_link);
    if (s->is_root)
        link_root(s);
    if (s->parent != NULL)
        link_parent(s);
    wf_deadline_start(scope, opts);
}

void wf_scope_fini(struct weft_scope *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    if (s->deadline.queue != NULL)
        wf_deadline_stop(s);
    if (WF_UNLIKELY(s->has_entries))
        wf_ledger_end_scope_slow(scope);
    if (s->parent != NULL)
        unlink_parent(s);
    if (s->is_root)
        unlink_root(s);
    if (s->errors.n > 1)
        wf_errors_fini(&s->errors);
    if (!wf_list_is_empty(&s->ended))
        wf_records_drop(&s->ended);
}

void wf_scope_watch(struct weft_scope *scope)
{
    wf_store_seq(&wf_scope_of(scope)->cancelled, (uint32_t)WF_FLAG_WATCHED);
}

/* ---- public ----------------------------------------------------------------------------------------------- */

/* Never entered: what is done with it returns rc. */
static void refuse(struct wf_scope *s, int rc)
{
    *s = (struct wf_scope){ .is_ended = true, .has_left = true, .rc = rc };
}

static bool are_valid(const weft_scope_opts *opts)
{
    return opts->limit >= 0 && !(opts->race && opts->supervisor);
}

static void set_rules(struct wf_scope *s, const weft_scope_opts *opts)
{
    s->is_supervisor = opts->supervisor;
    s->is_race = opts->race;
    s->moves_on = opts->move_on;
    s->keeps_records = opts->joins || opts->race;
    s->limit = s->n_places = (uint32_t)opts->limit;
    s->has_rules = s->keeps_records || s->limit > 0;
}

/* The clock is read only for a deadline. */
static void read_deadline(const weft_scope_opts *opts, struct wf_scope_opts *out)
{
    int64_t now_ns = 0;
    if (WF_LIKELY((opts->timeout_ns | opts->deadline_at_ns) == 0))
        return;
    now_ns = wf_clock_now();
    if (opts->timeout_ns != 0)
        out->deadline_at_ns = wf_clock_from(now_ns, opts->timeout_ns);
    if (opts->deadline_at_ns != 0)
        out->deadline_at_ns = WF_MIN(out->deadline_at_ns, opts->deadline_at_ns);
    out->has_expired = out->deadline_at_ns <= now_ns;
}

void weft_scope_enter(weft_scope *scope, const char *file, int line)
{
    struct wf_waiter *self = wf_caller();
    struct wf_scope *s = wf_scope_of(scope);
    if (self == NULL || !are_valid(&scope->opts)) {
        refuse(s, self == NULL ? wf_no_waiter() : WEFT_EINVAL);
        return;
    }
    struct wf_scope_opts opts = {
        .parent = self->scope,
        .owner = self,
        .deadline_at_ns = WF_NEVER,
        .is_shielded = scope->opts.shielded || wf_is_shielded_from(self, self->scope),
        .is_root = self->scope == NULL,
        .name = scope->opts.name != NULL ? scope->opts.name : "scope",
        .file = file,
        .line = line,
    };
    read_deadline(&scope->opts, &opts);
    if (WF_UNLIKELY(self->closing != NULL))
        opts.deadline_at_ns = wf_closing_deadline(self, opts.deadline_at_ns);
    int rc = opts.is_root ? wf_runtime_enter() : 0;
    if (rc < 0) {
        refuse(s, rc);
        return;
    }
    wf_scope_init(scope, &opts);
    set_rules(s, &scope->opts);
    s->outer_cancel = self->cancel;
    s->outer_felt_cancel = self->felt_cancel;
    self->felt_cancel = false;
    self->scope = scope;
    self->cancel = &s->cancelled;
}

/* Later calls in the brace belong to the scope around it. A shield that was begun in it stays. */
static void step_out(struct wf_scope *s, struct wf_waiter *self)
{
    self->scope = s->parent;
    if (self->cancel == &s->cancelled)
        self->cancel = s->outer_cancel;
    self->felt_cancel = s->outer_felt_cancel;
}

static int outcome_of_race(const struct wf_scope *s)
{
    if (s->has_winner)
        return 0;
    if (s->errors.n > 0)
        return s->errors.first.rc;
    return wf_scope_is_cancelled(s) ? WEFT_ECANCELED : WEFT_ECLOSED;
}

/* Of a scope that is cancelled, and no outer one. It swallows its own cancel; its deadline counts
 * only if something was cut short by it. */
static int outcome_of_cancel(const struct wf_scope *s)
{
    if (s->reason.kind == WF_REASON_DEADLOCK)
        return WEFT_EDEADLK;
    return s->has_expired && !s->moves_on ? WEFT_ETIMEDOUT : 0;
}

static int outcome(const struct wf_scope *s)
{
    if (s->errors.n > 0 && !s->is_supervisor && !s->is_race)
        return s->errors.first.rc;
    if (s->is_from_above)
        return WEFT_ECANCELED;
    int rc = wf_scope_is_cancelled(s) && !s->has_winner ? outcome_of_cancel(s) : 0;
    return rc == 0 && s->is_race ? outcome_of_race(s) : rc;
}

/* False: there are children, perhaps spawned since the last one ended. */
static bool try_to_end(struct wf_scope *s, const struct wf_waiter *self)
{
    wf_lock_acquire(&s->lock);
    bool is_over = s->n_tasks == 0;
    if (is_over) {
        s->is_ended = true;
        s->has_expired = s->reason.kind == WF_REASON_DEADLINE && !s->is_from_above &&
                         !s->was_asked && (s->was_felt || self->felt_cancel);
        s->rc = outcome(s);
        /* Who passes an outer cancel on makes it felt there. */
        s->outer_felt_cancel |= s->is_from_above && s->rc == WEFT_ECANCELED;
    }
    wf_lock_release(&s->lock);
    return is_over;
}

static void end_scope(weft_scope *scope, struct wf_waiter *self)
{
    struct wf_scope *s = wf_scope_of(scope);
    while (!try_to_end(s, self))
        wf_scope_join(scope, self);
    wf_deadline_stop(s);
    step_out(s, self);
}

static bool has_children(struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    bool has_some = s->n_tasks > 0;
    wf_lock_release(&s->lock);
    return has_some;
}

/* 1: the caller may end it; else what to return at once. */
static int may_wait(weft_scope *scope)
{
    if (scope == NULL)
        return WEFT_EINVAL;
    struct wf_scope *s = wf_scope_of(scope);
    if (s->is_ended)
        return s->rc;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    return s->owner == self && self->scope == scope ? 1 : WEFT_EINVAL;
}

int weft_scope_wait(weft_scope *scope)
{
    wf_note_call();
    int rc = may_wait(scope);
    if (rc <= 0)
        return rc;
    end_scope(scope, wf_waiter_self());
    return wf_scope_of(scope)->rc;
}

/* Was it an error of its own? */
static bool note_body(struct wf_scope *s, const struct wf_waiter *self, int rc)
{
    weft_task_end end;
    wf_task_end_fill(&end, self, s->file, s->line, rc);
    wf_lock_acquire(&s->lock);
    bool is_error = wf_scope_is_error(s, rc);
    if (is_error)
        wf_errors_add_locked(s, &end);
    s->was_felt |= rc == WEFT_ECANCELED;
    wf_lock_release(&s->lock);
    return is_error;
}

int weft_scope_wait_with(weft_scope *scope, int rc)
{
    int may = may_wait(scope);
    if (may <= 0)
        return may < 0 ? may : rc;
    struct wf_scope *s = wf_scope_of(scope);
    struct wf_waiter *self = wf_caller();
    bool is_error = rc < 0 && note_body(s, self, rc);
    if (rc < 0)
        wf_scope_cancel_for(scope, &(struct wf_reason){
                                       .kind = is_error ? WF_REASON_ERROR : WF_REASON_LEFT,
                                       .code = rc,
                                   });
    end_scope(scope, self);
    bool is_swallowed = rc == WEFT_ECANCELED && !is_error;
    return s->rc < 0 || is_swallowed ? s->rc : rc;
}

void weft_scope_leave(weft_scope *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    if (s->has_left)
        return;
    struct wf_waiter *self = wf_caller();
    if (self == NULL) /* a forked child: nothing of it exists here */
        return;
    WF_MUST(s->owner == self, "weft_scope_leave: scope \"%s\" (%s:%d) was entered by another task",
            s->name, s->file, s->line);
    if (!s->is_ended) {
        WF_MUST(self->scope == scope, "weft_scope_leave: scope \"%s\" (%s:%d) is not the innermost",
                s->name, s->file, s->line);
        if (has_children(s))
            wf_scope_cancel(scope, WF_REASON_LEFT);
        end_scope(scope, self);
    }
    if (s->had_generators)
        wf_scope_close_generators(scope);
    wf_scope_fini(scope);
    s->has_left = true;
    if (s->is_root)
        wf_runtime_leave();
}

/* Not a generator's, which has no owner: it ends with the body and waits for nobody. */
weft_scope *weft_root_scope(void)
{
    struct wf_waiter *self = wf_waiter_self();
    weft_scope *scope = self != NULL ? self->scope : NULL;
    while (scope != NULL && wf_scope_of(scope)->parent != NULL)
        scope = wf_scope_of(scope)->parent;
    return scope != NULL && wf_scope_of(scope)->owner != NULL ? scope : NULL;
}
