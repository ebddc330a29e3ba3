/* SPDX-License-Identifier: MIT
 * What the loop of fused.h calls. */
#include "stream/fused.h"

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
