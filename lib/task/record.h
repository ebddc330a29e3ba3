/* SPDX-License-Identifier: MIT
 * A record: what outlives a task for those who want to know how it ended. Only tasks that somebody
 * may ask about have one: with a handle, in a scope with .joins or a race, or started by
 * weft_spawn_ready. To users it is a weft_task.
 *
 *   J1  References: the task's (until its end), each handle, and the list of a scope's ended
 *       children. The spawner that waits for "ready" has one too.
 *   J2  The result belongs to the record from the moment it is given; whoever takes it (a joiner,
 *       under the lock) or the last reference, by drop, ends that. Only the task gives one, before
 *       its end.
 *   J3  is_ended is set once, under the lock, and all who wait are claimed with it: who then looks
 *       finds the end.
 *   J4  A task that is about to say that it is ready runs in a scope of its own (ready.c), below
 *       the one it was spawned into, so that it alone can be cancelled. That scope lasts until the
 *       task ends. */
#ifndef WF_TASK_RECORD_H
#define WF_TASK_RECORD_H

#include "task/scope.h"

enum { WF_RECORD_INLINE_RESULT = 32 };

enum wf_ready_state {
    WF_READY_UNASKED,
    WF_READY_AWAITED,
    WF_READY_SAID,
    WF_READY_FAILED,  /* the task has ended without */
    WF_READY_GIVEN_UP /* by the spawner */
};

struct weft_task {
    struct wf_lock lock;
    _Atomic uint32_t refs;
    struct wf_link link; /* in the scope's list of ended ones; its lock */

    /* Constant. */
    void (*drop)(void *result);
    bool has_own_scope; /* it is a struct wf_starting */

    /* Under lock. */
    bool is_ended;
    weft_task_end end; /* id, name and place: from the beginning */
    struct wf_list joiners;
    void *result; /* NULL: none */
    size_t result_size;
    _Alignas(16) unsigned char inline_result[WF_RECORD_INLINE_RESULT];
};

/* The record of a task that has to say that it is ready. */
struct wf_starting {
    struct weft_task record;
    struct weft_scope scope; /* J4 */
    struct weft_scope *into; /* the one it was spawned into */

    /* Under the record's lock. */
    enum wf_ready_state state;
    struct wf_waiter *spawner; /* AWAITED: who waits, */
    void *out;                 /* where the value goes, */
    size_t out_size;
};

/* For a task that is made and not started. A starting one's home is its own scope (J4). */
struct weft_task *wf_record_make(struct weft_scope *scope);
struct wf_starting *wf_starting_make(struct weft_scope *scope, const weft_callable *what,
                                     const weft_spawn_opts *opts);
void wf_record_attach(struct weft_task *record, struct wf_task *task);
void wf_record_detach(struct wf_task *task); /* that will not start */
void wf_record_unref(struct weft_task *record);
void wf_records_drop(struct wf_list *ended);

/* Of the running task; NULL: it has none. */
struct weft_task *wf_record_of(struct wf_waiter *self);

/* The on_done of tasks with a record, and of others in a scope with a limit. */
void wf_record_child_done(struct wf_task *task, int rc);
void wf_limit_child_done(struct wf_task *task, int rc);

/* Sets the end, and wakes who waits for it. */
void wf_record_end(struct weft_task *record, int rc);

/* Waits for the end: 0, or why the wait ended. A shielded one is reported past its budget. */
int wf_record_await(struct weft_task *record, struct wf_waiter *self, bool is_shielded);

/* Moves the result, if any, to out_value, or drops it where that is NULL. WEFT_EMSGSIZE: neither. */
int wf_record_take(struct weft_task *record, weft_task_end *out_end, void *out_value, size_t size);

void wf_starting_set_owner(struct wf_starting *it, struct wf_waiter *owner);
void wf_starting_fini(struct wf_starting *it);

/* ready.c: at the end of such a task, and after its start, by the spawner. */
bool wf_starting_end(struct wf_starting *it, int *rc); /* was it awaited until now? */
int wf_starting_await(struct wf_starting *it);

/* limit.c: places for n children, to be given back by wf_limit_leave if they are not added; and the
 * spawner, who counts as a child meanwhile. */
int wf_limit_enter(struct weft_scope *scope, uint32_t n);
void wf_limit_leave(struct wf_scope *s, uint32_t n_unused);
void wf_limit_give_locked(struct wf_scope *s, uint32_t n, struct wf_list *granted);
void wf_limit_wake(struct wf_list *granted);

static inline struct wf_starting *wf_starting_of(struct weft_task *record)
{
    return record->has_own_scope ? WF_CONTAINER(record, struct wf_starting, record) : NULL;
}

#endif
