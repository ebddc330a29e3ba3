/* SPDX-License-Identifier: MIT
 * Runs of lent items. Invariants: buffer.h. */
#include "stream/buffer.h"
#include "stream/pumped.h"

enum { RUN_MOST = 1024, MOST_BYTES = 1 << 20 };

void wf_lent_run_free(struct wf_lent_run *run)
{
    if (run == NULL)
        return;
    wf_lent_drop(run->lent);
    wf_free(run);
}

static void run_drop(void *item) { wf_lent_run_free(*(struct wf_lent_run **)item); }

/* ---- the task ---------------------------------------------------------------------------------- */

static size_t run_room(size_t capacity)
{
    size_t half = WF_MAX(capacity / 2, (size_t)1);
    return WF_MIN(half, (size_t)RUN_MOST);
}

/* Of MOST_BYTES, where both bound what is queued: the items, and the blocks that they pin. The first
 * run of a block counts for all of it. */
static size_t weigh(const struct wf_lent_run *run, const struct wf_lent *last, size_t capacity)
{
    size_t of_items = run->n * ((MOST_BYTES + capacity - 1) / capacity);
    size_t of_block = run->lent != last ? run->lent->room : 0;
    return WF_MAX(of_items, of_block);
}

static int make_run(weft_receiver *source, size_t capacity, const struct wf_lent *last,
                    struct wf_lent_run **out_run)
{
    size_t room = run_room(capacity);
    struct wf_lent_run *run = wf_realloc(NULL,
                                         wf_size_with(sizeof *run, room, sizeof run->items[0]));
    if (run == NULL)
        return WEFT_ENOMEM;
    int rc = weft_receiver_recv_many(source, run->items, room, sizeof run->items[0]);
    if (rc <= 0) {
        wf_free(run);
        return rc;
    }
    run->n = (size_t)rc;
    run->lent = source->ops->hold(source);
    run->weight = weigh(run, last, capacity);
    *out_run = run;
    return rc;
}

int wf_runs_pump(weft_receiver *source, weft_sender *tx, size_t capacity)
{
    const struct wf_lent *last = NULL; /* to be compared alone */
    for (;;) {
        struct wf_lent_run *run = NULL;
        int rc = make_run(source, capacity, last, &run);
        if (rc <= 0)
            return rc;
        last = run->lent;
        rc = weft_sender_send(tx, &run, sizeof run);
        if (rc < 0) {
            wf_lent_run_free(run);
            return wf_pumped_sent(rc);
        }
    }
}

static size_t weight_of(const void *item) { return (*(struct wf_lent_run *const *)item)->weight; }

weft_chan_opts wf_runs_chan_opts(size_t capacity, const char *name)
{
    return (weft_chan_opts){ .capacity = capacity,
                             .name = name,
                             .weigh = weight_of,
                             .max_weight = MOST_BYTES,
                             .drop = run_drop };
}

/* ---- the receiver -------------------------------------------------------------------------------- */

static void give_back(struct wf_adaptor *adaptor)
{
    struct wf_runs_state *state = adaptor->state;
    wf_lent_run_free(state->held);
    state->held = NULL;
    adaptor->run = (struct wf_run){ NULL, NULL };
}

static int runs_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct wf_run *run = &adaptor->run;
    struct wf_runs_state *state = adaptor->state;
    if (run->next == run->end) {
        give_back(adaptor);
        int rc = wf_adaptor_pull(adaptor, adaptor->in, may_wait);
        if (rc <= 0)
            return rc;
        wf_copy_value(&state->held, adaptor->in, sizeof state->held);
        run->next = (char *)state->held->items;
        run->end = (char *)(state->held->items + state->held->n);
    }
    wf_copy_value(out, run->next, sizeof(weft_line));
    run->next += sizeof(weft_line);
    return 1;
}

static const struct wf_adaptor_kind kind = { .name = "buffer",
                                             .next = runs_next,
                                             .drop = give_back,
                                             .ref = wf_runs_ref,
                                             .state_size = sizeof(struct wf_runs_state) };

int wf_runs_open(weft_receiver *runs, size_t elem_size, const char *name, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = runs,
            .in_size = sizeof(struct wf_lent_run *),
            .out_size = elem_size,
            .opts = &(weft_stream_opts){ .name = name, .lends_items = true },
            .state_room = sizeof(struct wf_runs_state),
        },
        out_rx);
}
