/* SPDX-License-Identifier: MIT
 * How the stages of a pipeline fare: numbers, and a table of them. */
#include "stream/pipeline.h"

#include "base/panic.h"
#include "chan/meter.h"

#include <string.h>

int weft_pipeline_error(const weft_pipeline *pipeline, const char **out_stage)
{
    const struct wf_pipeline *p = wf_pipeline_of(pipeline);
    /* acquire [stage-failed]: the code is set. */
    const struct wf_stage *stage = wf_load_acq(&p->failed);
    if (stage == NULL)
        return 0;
    if (out_stage != NULL)
        *out_stage = stage->name;
    return wf_load_rlx(&stage->code);
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* The clock is read under the lock, so that a sum asked for later is no smaller. */
int64_t wf_stage_count(struct wf_stage *stage, int n_more)
{
    wf_lock_acquire(&stage->times);
    int64_t now_ns = wf_clock_now();
    stage->alive_ns += stage->n_running * (now_ns - stage->at_ns);
    stage->at_ns = now_ns;
    stage->n_running += (uint32_t)n_more;
    int64_t alive_ns = stage->alive_ns;
    wf_lock_release(&stage->times);
    return alive_ns;
}

static void add_input(struct wf_chan *ch, weft_stage_stats *s)
{
    wf_chan_lock(ch);
    s->n_in = ch->n_received;
    s->n_waiting = wf_ring_n_full(&ch->ring);
    s->capacity = ch->ring.capacity;
    wf_chan_unlock(ch);
    s->peak = wf_load_rlx(&ch->meter->peak);
    s->wait_in_ns = wf_load_rlx(&ch->meter->recv_wait_ns);
}

static void add_output(struct wf_chan *ch, weft_stage_stats *s)
{
    wf_chan_lock(ch);
    s->n_out = ch->n_sent;
    wf_chan_unlock(ch);
    s->wait_out_ns = wf_load_rlx(&ch->meter->send_wait_ns);
}

static weft_stage_stats stats_of(struct wf_stage *stage)
{
    weft_stage_stats s = { .name = stage->name,
                           .n_workers = stage->n_workers,
                           .alive_ns = wf_stage_count(stage, 0) };
    if (stage->in != NULL)
        add_input(stage->in, &s);
    if (stage->out != NULL)
        add_output(stage->out, &s);
    s.work_ns = WF_MAX(s.alive_ns - s.wait_in_ns - s.wait_out_ns, 0);
    return s;
}

int weft_pipeline_stats(const weft_pipeline *pipeline, size_t i, weft_stage_stats *out_stats)
{
    if (pipeline == NULL || out_stats == NULL)
        return 0;
    struct wf_stage *stage = wf_pipeline_of(pipeline)->first;
    while (i-- > 0 && stage != NULL)
        stage = stage->next;
    if (stage == NULL)
        return 0;
    size_t size = out_stats->size_ != 0 ? out_stats->size_ : sizeof *out_stats;
    weft_stage_stats s = stats_of(stage);
    s.size_ = size;
    memcpy(out_stats, &s, WF_MIN(size, sizeof s));
    return 1;
}

/* ---- the table ------------------------------------------------------------------------------- */

static unsigned percent(int64_t part, int64_t whole)
{
    return whole > 0 ? (unsigned)((double)part / (double)whole * 100 + 0.5) : 0;
}

static void add_count(struct wf_text *text, const struct wf_chan *ch, uint64_t n)
{
    if (ch != NULL)
        wf_text_add(text, " %12llu", (unsigned long long)n);
    else
        wf_text_add(text, " %12s", "-");
}

static void add_row(struct wf_text *text, const struct wf_stage *stage, const weft_stage_stats *s)
{
    wf_text_add(text, "%-20s %7u", s->name, s->n_workers);
    add_count(text, stage->in, s->n_in);
    add_count(text, stage->out, s->n_out);
    wf_text_add(text, " %5u %% %5u %% %5u %%", percent(s->work_ns, s->alive_ns),
                percent(s->wait_in_ns, s->alive_ns), percent(s->wait_out_ns, s->alive_ns));
    if (stage->in != NULL)
        wf_text_add(text, " %6llu/%llu", (unsigned long long)s->peak,
                    (unsigned long long)s->capacity);
    wf_text_add(text, "\n");
}

static void add_table(struct wf_text *text, const weft_pipeline *pipeline)
{
    const char *slowest = NULL, *failed = NULL;
    unsigned most = 0;
    wf_text_add(text, "%-20s %7s %12s %12s %7s %7s %7s %6s\n", "stage", "workers", "in", "out",
                "works", "no item", "no room", "peak");
    struct wf_stage *stage = wf_pipeline_of(pipeline)->first;
    for (; stage != NULL; stage = stage->next) {
        weft_stage_stats s = stats_of(stage);
        unsigned share = percent(s.work_ns, s.alive_ns);
        add_row(text, stage, &s);
        if (slowest == NULL || share > most) {
            slowest = s.name;
            most = share;
        }
    }
    if (slowest != NULL)
        wf_text_add(text, "slowest: %s\n", slowest);
    int code = weft_pipeline_error(pipeline, &failed);
    if (code < 0)
        wf_text_add(text, "failed: %s: %s\n", failed, weft_strerror(code));
}

int weft_pipeline_print(const weft_pipeline *pipeline, FILE *to)
{
    struct wf_text text;
    if (pipeline == NULL || to == NULL)
        return WEFT_EINVAL;
    wf_text_init(&text);
    add_table(&text, pipeline);
    int rc = text.is_cut ? WEFT_ENOMEM : fwrite(text.data, 1, text.size, to) < text.size ? -EIO : 0;
    wf_text_free(&text);
    return rc;
}
