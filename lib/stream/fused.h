/* SPDX-License-Identifier: MIT
 * Adjacent adaptors that pass items on, as one loop: map, filter, take and the like.
 *
 * A receive from the topmost asks only what the lowest of them pulls, and hands each item from one
 * to the next by its address: in the source's run, in the lowest one's `in`, or in the `out` of the
 * one that made it. Nothing is done ahead of its demand: a step runs for an item when all those
 * before it were given or dropped, as if each adaptor had pulled the one below.
 *
 * An item's memory stays as it is until the receive returns: who closes what is below takes a copy
 * before.
 *
 * Rejected: runs of items through the steps, which cost a call a run. A step would run for items
 * that nobody has asked for, and its effects and errors would come early. */
#ifndef WF_STREAM_FUSED_H
#define WF_STREAM_FUSED_H

#include "stream/adaptor.h"

/* What a map and a filter do with an item: as kind->pass. */
int wf_fused_make(struct wf_adaptor *adaptor, void *item, bool may_wait);
int wf_fused_look(struct wf_adaptor *adaptor, void *item, bool may_wait);

/* What a filter does with an item for which its step said rc, no more than 0. */
static inline int wf_fused_drop(struct wf_adaptor *adaptor, void *item, int rc)
{
    wf_drop_item(adaptor->rx.drop_item, item);
    return WF_LIKELY(rc == 0) ? WF_DROPPED : wf_adaptor_fail(adaptor, rc);
}

WF_INLINE int wf_fused_pass(struct wf_adaptor *stage, void *item, bool may_wait)
{
    int rc;
    switch (stage->passing) {
    case WF_PASSES_MADE:
        stage->call.in = item;
        rc = stage->enter(stage->args, &stage->call);
        return WF_LIKELY(rc >= 0) ? WF_MADE : wf_adaptor_fail(stage, rc);
    case WF_PASSES_KEPT:
        stage->call.in = item;
        rc = stage->enter(stage->args, &stage->call);
        return WF_LIKELY(rc > 0) ? WF_PASSED : wf_fused_drop(stage, item, rc);
    case WF_PASSES_COUNTED:
        if (WF_LIKELY(--*(uint64_t *)stage->state > 0))
            return WF_PASSED;
        break;
    default: break;
    }
    return stage->kind->pass(stage, item, may_wait);
}

/* Without a run: into the lowest one's `in`, as recv or try_recv. */
int wf_fused_pull_lowest(struct wf_adaptor *lowest, bool may_wait);

/* The stage gives no item, but rc: as if each one up to the top had pulled the one below. */
int wf_fused_give_none(struct wf_adaptor *stage, const struct wf_adaptor *top, int rc);

/* From the stage up to the top. 1: into out; WF_DROPPED, 0 the end, <0. */
WF_INLINE int wf_fused_pass_up(struct wf_adaptor *stage, struct wf_adaptor *top, void *item,
                               void *out, bool may_wait)
{
    for (;;) {
        int rc = wf_fused_pass(stage, item, may_wait);
        if (rc == WF_MADE)
            item = stage->out;
        else if (WF_UNLIKELY(rc != WF_PASSED))
            return rc > 0 ? rc : wf_fused_give_none(stage, top, rc);
        if (stage == top)
            break;
        stage = stage->above;
    }
    wf_copy_value(out, item, top->rx.elem_size);
    return 1;
}

/* wf_fused_next, in its caller's frame. */
WF_INLINE int wf_fused_pull(struct wf_adaptor *top, void *out, bool may_wait)
{
    for (;;) {
        struct wf_adaptor *stage = top->lowest;
        struct wf_run *run = stage->run_below;
        void *item = run->next;
        if (WF_LIKELY(item != run->end)) {
            run->next += stage->in_size;
        } else {
            int rc = wf_fused_pull_lowest(stage, may_wait);
            if (rc <= 0)
                return wf_fused_give_none(stage, top, rc);
            item = stage->in;
        }
        int rc = wf_fused_pass_up(stage, top, item, out, may_wait);
        if (WF_LIKELY(rc != WF_DROPPED))
            return rc;
        rc = wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

#endif
