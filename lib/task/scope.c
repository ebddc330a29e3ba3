/* SPDX-License-Identifier: MIT
 * Scopes: entering, waiting, leaving, and what a child's end means. Rules S1 to S5 are in scope.h;
 * cancel.c walks the tree. */
#include "task/scope.h"

#include "base/panic.h"
#include "sched/worker.h"
#include "task/dump.h"
#include "task/trap.h"

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

static void deadline_passed(struct wf_timer *timer)
{
    struct wf_scope *s = WF_CONTAINER(timer, struct wf_scope, deadline);
    wf_scope_cancel(WF_CONTAINER(s, struct weft_scope, opaque_), WF_REASON_DEADLINE);
}

/* Under the parent's lock the flag is inherited and the link made in one step: a cancel of the
 * parent either came before, or finds the new scope (S1). */
static void link_parent(struct wf_scope *s)
{
    struct wf_scope *parent = wf_scope_of(s->parent);
    wf_lock_acquire(&parent->lock);
    if (!s->is_shielded && wf_load_rlx(&parent->cancelled) != 0) {
        wf_store_rlx(&s->cancelled, 1u);
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
    *s = (struct wf_scope){
        .parent = opts->parent,
        .owner = opts->owner,
        .is_shielded = opts->is_shielded,
        .is_root = opts->is_root,
        .deadline_at_ns = opts->deadline_at_ns,
        .name = opts->name,
        .file = opts->file,
        .line = opts->line,
    };
    wf_lock_init(&s->lock, WF_RANK_SCOPE);
    wf_list_init(&s->tasks);
    wf_list_init(&s->scopes);
    wf_list_init(&s->generators);
    wf_link_init(&s->link);
    wf_link_init(&s->root_link);
    if (s->is_root)
        link_root(s);
    if (s->parent != NULL)
        link_parent(s);
    if (s->deadline_at_ns <= wf_clock_now())
        wf_scope_cancel(scope, WF_REASON_DEADLINE);
    else if (s->deadline_at_ns != WF_NEVER)
        wf_timer_start(&s->deadline, s->deadline_at_ns, deadline_passed);
}

static void stop_deadline(struct wf_scope *s)
{
    if (s->deadline.queue != NULL)
        (void)wf_timer_cancel(&s->deadline);
    s->deadline.queue = NULL;
}

void wf_scope_fini(struct weft_scope *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    stop_deadline(s);
    if (s->parent != NULL)
        unlink_parent(s);
    if (s->is_root)
        unlink_root(s);
}

/* ---- children --------------------------------------------------------------------------------------- */

/* In one step: once the first runs, the scope could end before the last is counted. */
int wf_scope_add(struct weft_scope *scope, struct wf_task *tasks)
{
    struct wf_scope *s = wf_scope_of(scope);
    wf_lock_acquire(&s->lock);
    bool is_open = !s->is_ended;
    for (struct wf_task *task = tasks; is_open && task != NULL; task = task->next) {
        s->n_tasks++;
        wf_list_push_back(&s->tasks, &task->home_link);
        task->waiter.cancel = &s->cancelled;
    }
    wf_lock_release(&s->lock);
    return is_open ? 0 : WEFT_ECLOSED;
}

/* A child's code is an error of its scope unless it says that its consumer left, or that it did as
 * the scope's own cancel told it. */
static bool is_error(struct wf_scope *s, int rc)
{
    if (rc >= 0 || rc == WEFT_ECLOSED)
        return false;
    return rc != WEFT_ECANCELED || wf_load_rlx(&s->cancelled) == 0;
}

static bool record_error(struct wf_scope *s, struct wf_task *task, int rc)
{
    wf_lock_acquire(&s->lock);
    bool is_first = is_error(s, rc) && s->first_error == 0;
    if (is_first) {
        s->first_error = rc;
        s->error_name = task->waiter.name;
        s->error_file = task->spawn_file;
        s->error_line = task->spawn_line;
    }
    wf_lock_release(&s->lock);
    return is_first;
}

/* Recorded and spread while the child still counts, so that the scope can't end meanwhile (S2). */
void wf_scope_child_done(struct wf_task *task, int rc)
{
    struct weft_scope *scope = task->home;
    struct wf_scope *s = wf_scope_of(scope);
    if (rc < 0 && record_error(s, task, rc))
        wf_scope_cancel(scope, WF_REASON_ERROR);
    wf_lock_acquire(&s->lock);
    wf_list_remove(&task->home_link);
    struct wf_waiter *joiner = NULL;
    if (--s->n_tasks == 0 && wf_load_rlx(&s->is_owner_joining) &&
        wf_wait_claim(s->owner, WF_CLAIM_FIRST))
        joiner = s->owner;
    wf_lock_release(&s->lock);
    /* From here the scope may be gone. Its owner is not: it waits for our wake, if we claimed. */
    if (joiner != NULL)
        wf_wait_wake(joiner, WF_WAKE_NEXT);
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

static void report_stubborn(struct wf_scope *s)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_text_add(&text,
                "weft: scope \"%s\" (%s:%d) is past its teardown budget and still waits for:\n",
                s->name, s->file, s->line);
    wf_lock_acquire(&s->lock);
    wf_list_each (link, &s->tasks) {
        struct wf_task *task = WF_CONTAINER(link, struct wf_task, home_link);
        wf_text_add(&text, "  task #%llu \"%s\", spawned at %s:%d\n",
                    (unsigned long long)task->waiter.id, task->waiter.name, task->spawn_file,
                    task->spawn_line);
    }
    wf_lock_release(&s->lock);
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
        bool has_budget = wf_load_acq(&s->cancelled) != 0 && !is_reported;
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

/* ---- public ----------------------------------------------------------------------------------------------- */

static int64_t deadline_of(const weft_scope_opts *opts)
{
    int64_t at_ns = WF_NEVER;
    if (opts->timeout_ns != 0)
        at_ns = wf_clock_after(opts->timeout_ns);
    if (opts->deadline_at_ns != 0)
        at_ns = WF_MIN(at_ns, opts->deadline_at_ns);
    return at_ns;
}

void weft_scope_enter(weft_scope *scope, const char *file, int line)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_scope *s = wf_scope_of(scope);
    if (self == NULL) {
        *s = (struct wf_scope){ .is_ended = true, .has_left = true, .rc = wf_no_waiter() };
        return;
    }
    bool is_root = self->scope == NULL;
    int rc = is_root ? wf_runtime_enter() : 0;
    if (rc < 0) {
        *s = (struct wf_scope){ .is_ended = true, .has_left = true, .rc = rc };
        return;
    }
    wf_scope_init(scope, &(struct wf_scope_opts){
                             .parent = self->scope,
                             .owner = self,
                             .deadline_at_ns = deadline_of(&scope->opts),
                             .is_shielded = scope->opts.shielded || self->shields > 0,
                             .is_root = is_root,
                             .name = scope->opts.name != NULL ? scope->opts.name : "scope",
                             .file = file,
                             .line = line,
                         });
    s->outer_cancel = self->cancel;
    self->scope = scope;
    self->cancel = &s->cancelled;
}

/* Later calls in the brace belong to the scope around it. */
static void step_out(struct wf_scope *s, struct wf_waiter *self)
{
    self->scope = s->parent;
    self->cancel = s->outer_cancel;
}

static int outcome(struct wf_scope *s)
{
    if (s->first_error < 0)
        return s->first_error;
    if (wf_load_rlx(&s->cancelled) == 0)
        return 0;
    if (s->is_from_above)
        return WEFT_ECANCELED;
    switch (s->reason) {
    case WF_REASON_DEADLINE: return WEFT_ETIMEDOUT;
    case WF_REASON_DEADLOCK: return WEFT_EDEADLK;
    default: return 0;
    }
}

/* False: somebody has spawned into it since the last child ended. */
static bool try_to_end(struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    bool is_over = s->n_tasks == 0;
    if (is_over) {
        s->is_ended = true;
        s->rc = outcome(s);
    }
    wf_lock_release(&s->lock);
    return is_over;
}

static void end_scope(weft_scope *scope, struct wf_waiter *self)
{
    struct wf_scope *s = wf_scope_of(scope);
    do
        wf_scope_join(scope, self);
    while (!try_to_end(s));
    stop_deadline(s);
    step_out(s, self);
}

static bool has_children(struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    bool has_some = s->n_tasks > 0;
    wf_lock_release(&s->lock);
    return has_some;
}

int weft_scope_wait(weft_scope *scope)
{
    if (scope == NULL)
        return WEFT_EINVAL;
    struct wf_scope *s = wf_scope_of(scope);
    if (s->is_ended)
        return s->rc;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (s->owner != self || self->scope != scope)
        return WEFT_EINVAL;
    end_scope(scope, self);
    return s->rc;
}

void weft_scope_leave(weft_scope *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    if (s->has_left)
        return;
    struct wf_waiter *self = wf_waiter_self();
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
    wf_scope_close_generators(scope);
    wf_scope_fini(scope);
    s->has_left = true;
    if (s->is_root)
        wf_runtime_leave();
}

void weft_scope_cancel(weft_scope *scope)
{
    if (wf_load_rlx(&wf_rt.has_forked)) /* its locks may have been held by others */
        return;
    if (scope != NULL && !wf_scope_of(scope)->has_left)
        wf_scope_cancel(scope, WF_REASON_ASKED);
}

bool weft_scope_is_cancelled(weft_scope *scope)
{
    return scope != NULL && wf_load_acq(&wf_scope_of(scope)->cancelled) != 0;
}

weft_scope *weft_root_scope(void)
{
    struct wf_waiter *self = wf_waiter_self();
    weft_scope *scope = self != NULL ? self->scope : NULL;
    while (scope != NULL && wf_scope_of(scope)->parent != NULL)
        scope = wf_scope_of(scope)->parent;
    return scope;
}
