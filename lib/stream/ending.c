/* SPDX-License-Identifier: MIT
 * catch and on_end: what happens when a stream ends. A cancelled receive is no end, nor is one that tells
 * of items that were missed: the source has given nothing, and may be asked again. */
#include "stream/adaptor.h"

#include <weft/stream_end.h>

static bool is_end(const struct wf_adaptor *adaptor, int rc)
{
    return rc == 0 || (rc < 0 && rc != WF_NOT_READY && !wf_source_goes_on(&adaptor->rx, rc));
}

/* ---- catch ----------------------------------------------------------------------------------- */

/* The stream that the step opened takes the failed one's place; without one, it is over. */
static int replace_source(struct wf_adaptor *adaptor, int code)
{
    weft_receiver *other = NULL;
    adaptor->rx.is_ended = false;
    wf_adaptor_close_source(adaptor);
    int rc = wf_adaptor_step_opening(adaptor, &code, &other);
    adaptor->source = other;
    if (rc >= 0 && other != NULL && other->elem_size != adaptor->rx.elem_size)
        rc = WEFT_EMSGSIZE;
    return rc < 0 ? wf_adaptor_fail(adaptor, rc) : 0;
}

/* state: whether it was caught already. What follows is not caught again. */
static int catch_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    bool *is_caught = adaptor->state;
    (void)may_wait;
    int rc = wf_adaptor_pull(adaptor, out, true);
    if (rc >= 0 || *is_caught || wf_source_goes_on(&adaptor->rx, rc))
        return rc;
    *is_caught = true;
    rc = replace_source(adaptor, rc);
    return rc < 0 ? rc : wf_adaptor_pull(adaptor, out, true);
}

static const struct wf_adaptor_kind catch_kind = { .name = "catch",
                                                   .next = catch_next,
                                                   .state_size = sizeof(bool),
                                                   .may_wait = true,
                                                   .is_one_type = true };

/* ---- on_end ---------------------------------------------------------------------------------- */

/* state: whether the step has run. */
static int tell(struct wf_adaptor *adaptor, int code)
{
    *(bool *)adaptor->state = true;
    return wf_adaptor_step(adaptor, &code, NULL);
}

static int on_end_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    int rc = wf_adaptor_pull(adaptor, out, may_wait);
    if (rc > 0 || *(bool *)adaptor->state || !is_end(adaptor, rc))
        return rc;
    rc = tell(adaptor, rc);
    if (rc < 0)
        return wf_adaptor_fail(adaptor, rc);
    wf_adaptor_finish(adaptor, may_wait);
    return 0;
}

static void on_end_drop(struct wf_adaptor *adaptor)
{
    int rc = *(bool *)adaptor->state ? 0 : tell(adaptor, WEFT_ECLOSED);
    if (rc < 0 && rc != WEFT_ECLOSED && adaptor->close_code >= 0)
        adaptor->close_code = rc;
}

static const struct wf_adaptor_kind on_end = { .name = "on_end",
                                               .next = on_end_next,
                                               .state_size = sizeof(bool),
                                               .drop = on_end_drop,
                                               .is_one_type = true };

/* ---- opening --------------------------------------------------------------------------------- */

int weft_catch_open(const weft_callable *step, void *args, weft_receiver *source, size_t elem_size,
                    const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&catch_kind, step, args, source, elem_size, elem_size, opts,
                                out_rx);
}

int weft_on_end_open(const weft_callable *step, void *args, weft_receiver *source, size_t elem_size,
                     const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&on_end, step, args, source, elem_size, elem_size, opts, out_rx);
}
