/* SPDX-License-Identifier: MIT
 * Managers: opening one, its yield, closing its lease. Rules N1 to N4 are in manager.h. */
#include "task/manager.h"

#include "base/opts.h"
#include "base/panic.h"
#include "plat/mem.h"
#include "sched/closing.h"
#include "task/generator.h"

/* ---- the body's side ------------------------------------------------------------------------ */

/* N1. Nothing is put for an opener that has left. */
static void put_locked(struct wf_generator *g, const void *value, struct wf_chores *chores)
{
    if (g->is_closing)
        return;
    int rc = wf_chan_try_send_locked(g->chan, value, chores);
    WF_MUST(rc == 0 && wf_load_rlx(&g->turn) == WF_TURN_LOCKED,
            "manager \"%s\": its value could not be put (%d)", g->name, rc);
    g->is_asked = false;
    if (wf_ring_n_full(&g->chan->ring) > 0)
        return;
    g->is_consuming = false; /* handed over: the opener is gone, with its reference (G5) */
    g->refs--;
}

static void put_and_await_close(struct wf_generator *g, const void *value, struct wf_waiter *self)
{
    struct wf_chores chores = { 0 };
    wf_chan_lock(g->chan);
    put_locked(g, value, &chores);
    while (!g->is_closing) {
        wf_wait_begin_shielded(self, WF_ON_DEMAND, g->chan);
        g->state = WF_GENERATOR_PARKED;
        wf_chan_unlock(g->chan);
        wf_chores_do(g->chan, &chores);
        chores = (struct wf_chores){ 0 };
        if (wf_wait_park(self, WF_NEVER) == WF_CLAIM_CLOSED)
            return;
        wf_chan_lock(g->chan);
        g->state = WF_GENERATOR_RUNNING;
    }
    wf_chan_unlock(g->chan);
    wf_chores_do(g->chan, &chores);
}

/* N3. It outlasts the scopes that the body is in now, so it is begun as if in the body's own. */
static void shield_rest(struct wf_generator *g, struct wf_waiter *self)
{
    weft_scope *innermost = self->scope;
    self->scope = &g->scope;
    self->cancel = &wf_scope_of(&g->scope)->cancelled;
    weft_closing_begin(&g->lease->rest);
    self->sealed_shields = self->shields;
    self->scope = innermost;
}

static int refuse_second(struct wf_generator *g)
{
    if (!g->lease->is_misused)
        wf_generator_report(g, "yielded a second time: a manager has one yield, and what follows "
                               "it is its teardown");
    g->lease->is_misused = true;
    return WEFT_ENOYIELD;
}

int wf_manager_yield(struct wf_generator *g, const void *value, struct wf_waiter *self)
{
    if (g->lease->has_yielded)
        return refuse_second(g);
    g->lease->has_yielded = true;
    put_and_await_close(g, value, self);
    shield_rest(g, self);
    return g->lease->told;
}

void wf_manager_body_done(struct weft_lease *lease, int rc)
{
    if (lease->has_yielded) {
        wf_waiter_self()->sealed_shields = 0;
        wf_closing_end(wf_closing_of(&lease->rest));
    }
    lease->rc = rc;
    lease->has_ended = true;
}

/* ---- the lease ------------------------------------------------------------------------------ */

/* False: the end of its scope was first, and it has been told that. */
static bool tell(struct weft_lease *lease, int rc)
{
    struct wf_generator *g = lease->rx->source;
    wf_chan_lock(g->chan);
    bool is_first = !g->is_closing;
    if (is_first)
        lease->told = rc;
    wf_chan_unlock(g->chan);
    return is_first;
}

/* Closes and frees; what the generator's close says. */
static int end(struct weft_lease *lease)
{
    struct wf_generator *g = lease->rx->source;
    const char *name = g->name;
    int rc = wf_receiver_close(lease->rx);
    WF_MUST(rc != WEFT_EDEADLK || lease->has_ended, "manager \"%s\" closes its own lease", name);
    weft_resource_closed(&lease->entry);
    wf_receiver_free(lease->rx);
    return rc;
}

int weft_lease_close(weft_lease *lease, int rc)
{
    wf_note_call();
    if (lease == NULL)
        return rc;
    bool is_told = rc != WEFT_ABANDONED && tell(lease, rc);
    int found = end(lease);
    if (is_told)
        found = lease->rc;
    if (lease->is_misused && found >= 0)
        found = WEFT_ENOYIELD;
    wf_free(lease);
    bool has_no_say = found == 0 && (rc >= 0 || !is_told);
    return has_no_say ? rc : found;
}

/* ---- opening -------------------------------------------------------------------------------- */

static weft_generator_opts read_opts(const weft_manager_opts *opts)
{
    weft_manager_opts all = { 0 };
    wf_opts_copy(&all, sizeof(all), opts);
    return (weft_generator_opts){ .size_ = sizeof(weft_generator_opts), .name = all.name };
}

static int drop_args(const weft_callable *what, void *args, int rc)
{
    if (what->drop != NULL)
        what->drop(args);
    return rc;
}

/* It failed, or the opener was cancelled while it did not: closed here, whatever it has open. */
static int give_up(weft_lease *lease, int rc)
{
    if (rc == 0) {
        wf_generator_report(lease->rx->source, "ended before it yielded: a manager yields once");
        rc = WEFT_ENOYIELD;
    }
    (void)tell(lease, rc);
    weft_note_close_error(end(lease));
    wf_free(lease);
    return rc;
}

int weft_lease_open(const weft_manager_opts *opts, const weft_callable *what, void *args,
                    size_t elem_size, weft_lease **out_lease, void *out, const void *caller)
{
    wf_note_call();
    if (what == NULL)
        return WEFT_EINVAL;
    if (out_lease == NULL || out == NULL)
        return drop_args(what, args, WEFT_EINVAL);
    weft_lease *lease = wf_alloc(1, sizeof *lease);
    if (lease == NULL)
        return drop_args(what, args, WEFT_ENOMEM);
    lease->told = WEFT_ECLOSED;
    weft_generator_opts all = read_opts(opts);
    int rc = wf_generator_open(&all, what, args, elem_size, lease, &lease->rx, caller);
    if (rc < 0) {
        wf_free(lease);
        return rc;
    }
    rc = wf_unnoted(weft_receiver_recv(lease->rx, out, elem_size));
    if (rc <= 0)
        return give_up(lease, rc);
    const struct wf_generator *g = lease->rx->source;
    weft_resource_opened(&lease->entry, "lease of manager", g->name, what->file, what->line);
    *out_lease = lease;
    return 0;
}
