/* SPDX-License-Identifier: MIT
 * What the loop of fused.h calls. */
#include "stream/fused.h"

int wf_fused_make(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    int rc = wf_adaptor_step(adaptor, item, adaptor->out);
    (void)may_wait;
    return rc >= 0 ? WF_MADE : wf_adaptor_fail(adaptor, rc);
}

int wf_fused_look(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    int rc = wf_adaptor_step(adaptor, item, NULL);
    (void)may_wait;
    return rc > 0 ? WF_PASSED : wf_fused_drop(adaptor, item, rc);
}

int wf_fused_give_none(struct wf_adaptor *stage, const struct wf_adaptor *top, int rc)
{
    for (; stage != top; stage = stage->above)
        (void)wf_adaptor_pulled_none(stage->above, &stage->rx, rc);
    return rc;
}

int wf_fused_pull_lowest(struct wf_adaptor *lowest, bool may_wait)
{
    if (!lowest->is_over)
        return wf_adaptor_pull(lowest, lowest->in, may_wait);
    wf_adaptor_finish(lowest, may_wait);
    return 0;
}

int wf_fused_next(struct wf_adaptor *top, void *out, bool may_wait)
{
    return wf_fused_pull(top, out, may_wait);
}
