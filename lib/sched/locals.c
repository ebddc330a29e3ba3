/* SPDX-License-Identifier: MIT
 * Binding task-local keys, and the end of bindings. */
#include "sched/locals.h"

#include "base/panic.h"
#include "plat/mem.h"
#include "sched/wait.h"

#include <string.h>

WF_NOINLINE void wf_locals_unref_slow(struct wf_locals *locals)
{
    /* acq_rel: what all did who saw it comes before its end. */
    while (locals != NULL && wf_sub_acq_rel(&locals->refs, 1u) == 1) {
        struct wf_locals *before = locals->before;
        if (locals->key->drop != NULL)
            locals->key->drop(locals->value);
        wf_free(locals);
        locals = before;
    }
}

/* ---- public ---------------------------------------------------------------------------------- */

struct binding {
    struct wf_locals *bound; /* NULL: it failed, or was ended */
};
_Static_assert(sizeof(struct binding) <= sizeof(weft_binding), "weft_binding is too small");

static struct binding *binding_of(weft_binding *binding)
{
    return (struct binding *)(void *)binding->opaque_;
}

static int refuse(const weft_local_key *key, const void *value, int rc)
{
    if (key != NULL && key->drop != NULL && value != NULL)
        key->drop((void *)(uintptr_t)value);
    return rc;
}

int weft_local_bind(weft_binding *binding, const weft_local_key *key, const void *value)
{
    struct wf_waiter *self = wf_caller();
    binding_of(binding)->bound = NULL;
    if (key == NULL || value == NULL)
        return refuse(key, value, WEFT_EINVAL);
    if (self == NULL)
        return refuse(key, value, wf_no_waiter());
    struct wf_locals *bound = wf_alloc(1, wf_size_with(sizeof *bound, 1, key->size));
    if (bound == NULL)
        return refuse(key, value, WEFT_ENOMEM);
    wf_store_rlx(&bound->refs, 1u);
    bound->before = self->locals; /* our reference to it becomes the binding's */
    bound->key = key;
    memcpy(bound->value, value, key->size);
    self->locals = bound;
    binding_of(binding)->bound = bound;
    return 0;
}

void weft_local_unbind(weft_binding *binding)
{
    struct wf_waiter *self = wf_caller();
    struct wf_locals *bound = binding_of(binding)->bound;
    if (bound == NULL || self == NULL)
        return;
    WF_MUST(self->locals == bound,
            "weft_local_unbind: \"%s\" is not what the caller has bound last", bound->key->name);
    binding_of(binding)->bound = NULL;
    self->locals = wf_locals_ref(bound->before);
    wf_locals_unref(bound);
}

const void *weft_local_get(const weft_local_key *key)
{
    struct wf_waiter *self = wf_waiter_self();
    const struct wf_locals *at = self != NULL ? self->locals : NULL;
    while (at != NULL && at->key != key)
        at = at->before;
    return at != NULL ? at->value : NULL;
}
