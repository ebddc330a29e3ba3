/* SPDX-License-Identifier: MIT
 * The errors of a scope. The first is kept in the scope; most have no more. The others are on the
 * heap, and one for which there is no memory is only counted. */
#include "plat/mem.h"
#include "sched/worker.h"
#include "task/scope.h"

#include <string.h>

struct error {
    struct wf_link link;
    weft_task_end end;
};

/* A child's code is an error of its scope unless it says that its consumer left, or that it did as
 * the scope's own cancel told it. */
bool wf_scope_is_error(struct wf_scope *s, int rc)
{
    if (rc >= 0 || rc == WEFT_ECLOSED)
        return false;
    return rc != WEFT_ECANCELED || !wf_scope_is_cancelled(s);
}

void wf_task_end_fill(weft_task_end *end, const struct wf_waiter *waiter, const char *file,
                      int line, int rc)
{
    const char *name = waiter->name != NULL ? waiter->name : "";
    size_t size = strnlen(name, sizeof end->name - 1);
    end->id = waiter->is_task ? waiter->id : 0;
    end->rc = rc;
    end->has_result = false;
    end->file = file;
    end->line = line;
    memcpy(end->name, name, size); /* the name itself may go with the task */
    memset(end->name + size, 0, sizeof end->name - size);
}

void wf_errors_add_locked(struct wf_scope *s, const weft_task_end *end)
{
    struct wf_errors *errors = &s->errors;
    if (errors->n++ == 0) {
        errors->first = *end;
        errors->n_kept = 1;
        return;
    }
    struct error *error = wf_alloc(1, sizeof *error);
    if (error == NULL)
        return;
    error->end = *end;
    wf_list_push_back(&errors->others, &error->link);
    errors->n_kept++;
}

void wf_errors_fini(struct wf_errors *errors)
{
    struct wf_link *link;
    while ((link = wf_list_pop_front(&errors->others)) != NULL)
        wf_free(WF_CONTAINER(link, struct error, link));
}

/* ---- public ------------------------------------------------------------------------------------- */

/* What is there to read: a scope that could not be entered has nothing. */
static bool has_begun(weft_scope *scope)
{
    return scope != NULL && !wf_scope_of(scope)->has_left && !wf_load_rlx(&wf_rt.has_forked);
}

size_t weft_scope_n_errors(weft_scope *scope)
{
    if (!has_begun(scope))
        return 0;
    struct wf_scope *s = wf_scope_of(scope);
    wf_lock_acquire(&s->lock);
    size_t n = s->errors.n;
    wf_lock_release(&s->lock);
    return n;
}

static const weft_task_end *find_locked(struct wf_errors *errors, size_t i)
{
    struct wf_link *link = &errors->others.head;
    if (i == 0)
        return &errors->first;
    for (; i > 0; i--)
        link = link->next;
    return &WF_CONTAINER(link, struct error, link)->end;
}

int weft_scope_error(weft_scope *scope, size_t i, weft_task_end *out_end)
{
    if (out_end == NULL || !has_begun(scope))
        return WEFT_EINVAL;
    struct wf_scope *s = wf_scope_of(scope);
    wf_lock_acquire(&s->lock);
    int rc = i < s->errors.n_kept ? 0 : i < s->errors.n ? WEFT_ENOMEM : WEFT_EINVAL;
    if (rc == 0)
        *out_end = *find_locked(&s->errors, i);
    wf_lock_release(&s->lock);
    return rc;
}
