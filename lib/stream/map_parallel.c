/* SPDX-License-Identifier: MIT
 * map_parallel: several tasks make results of one source's items.
 *
 * A generator's body opens a scope, starts the workers in it and yields what they make. In order, a
 * worker makes its result in the place number % limit, where it waits until those before it were
 * given; unordered, it sends it.
 *
 *   H1  A worker takes a permit of the window before it pulls; the body gives one back when it gives
 *       a result, of which it has a copy by then. So the numbers pulled and not given lie within
 *       `limit`, a place is free when its result is made, and the channel has room: a send never
 *       waits.
 *   H2  The end, and an error of the source, is a result too, with the number after the last: it is
 *       acted on when all before it were given. So is an error of a step, unless unordered.
 *   H3  A result is in a worker's hand, in the channel, in its place, or the consumer's.
 *   H4  In order. A place is its worker's until that says, under `lock`, that it is full; then it is
 *       the body's. The body says under `lock` that it waits for the next one; who fills that sends
 *       an empty result for it to wake up by, one at a time. */
#include "stream/parallel.h"

#include "base/opts.h"
#include "plat/mem.h"

#include <weft/cancel.h>
#include <weft/generator.h>
#include <weft/semaphore.h>
#include <weft/stream_task.h>

#include <string.h>

struct map_parallel {
    weft_receiver *source;
    struct wf_worker_step step;
    weft_parallel_opts opts;
    size_t in_size, out_size;
};

struct result {
    uint64_t number;
    int code; /* 1: value is one; else what the stream ends with */
    bool is_full, is_end_of_source;
    void (*drop)(void *);
    _Alignas(16) char value[];
};

struct run {
    struct map_parallel *map;
    struct wf_shared_source shared;
    weft_semaphore window;
    weft_scope scope;
    weft_receiver *results;
    size_t result_size;
    char *places;        /* limit results */
    struct wf_lock lock; /* n_given and is_awaited, where the workers read them: in order */
    uint64_t n_given;
    bool is_awaited;
    struct result *coming; /* the one that is received */
    struct result *last;   /* unordered: the end of the source, until all are given */
};

static void drop_result(void *item)
{
    struct result *result = item;
    if (result->code > 0)
        wf_drop_item(result->drop, result->value);
}

/* ---- workers --------------------------------------------------------------------------------- */

struct worker {
    struct run *run;
    weft_sender *tx;
    struct wf_worker_step step;
};

static struct result *place_of(struct run *run, uint64_t number)
{
    return (struct result *)(void *)(run->places +
                                     (number % run->map->opts.limit) * run->result_size);
}

/* What the worker makes a result in: its own, or the place. */
static struct result *result_of(struct run *run, struct result *own)
{
    struct result *place = place_of(run, own->number);
    if (run->map->opts.unordered)
        return own;
    place->number = own->number;
    place->drop = own->drop;
    place->is_end_of_source = own->is_end_of_source;
    return place;
}

/* H4 */
static bool fill(struct run *run, struct result *place)
{
    wf_lock_acquire(&run->lock);
    bool wakes = run->is_awaited && place->number == run->n_given;
    place->is_full = true;
    run->is_awaited = run->is_awaited && !wakes;
    wf_lock_release(&run->lock);
    return wakes;
}

/* Gives it to the body. */
static int hand_over(struct worker *worker, struct result *own, struct result *result)
{
    struct run *run = worker->run;
    if (result != own) {
        if (!fill(run, result))
            return 0;
        own->code = 0;
    }
    int rc = weft_sender_send(worker->tx, own, run->result_size);
    if (rc < 0)
        drop_result(own);
    return rc;
}

/* 1: there is more to do. */
static int make_one(struct worker *worker, void *item, struct result *own)
{
    struct run *run = worker->run;
    int rc = weft_semaphore_acquire(&run->window, 1);
    if (rc >= 0)
        rc = wf_shared_pull(&run->shared, item, &own->number, &own->is_end_of_source);
    bool is_ours = rc == WEFT_ECANCELED && weft_scope_is_cancelled(&run->scope);
    if (is_ours || (rc <= 0 && !own->is_end_of_source))
        return rc;
    struct result *result = result_of(run, own);
    result->code = rc;
    if (rc > 0) {
        rc = worker->step.step->enter(worker->step.args,
                                      &(struct weft_step){ .in = item, .out = result->value });
        result->code = rc < 0 ? rc : 1;
    }
    bool goes_on = result->code > 0;
    rc = hand_over(worker, own, result);
    return rc < 0 ? rc : goes_on;
}

static int worker_enter(void *args, void *self)
{
    struct worker *worker = args;
    struct run *run = worker->run;
    void *item = wf_alloc(1, run->map->in_size);
    struct result *result = wf_alloc(1, run->result_size);
    (void)self;
    int rc = item == NULL || result == NULL ? WEFT_ENOMEM : 1;
    if (rc > 0)
        result->drop = run->map->opts.drop;
    while (rc > 0)
        rc = make_one(worker, item, result);
    wf_free(item);
    wf_free(result);
    weft_half_drop(&worker->tx);
    wf_worker_step_drop(&worker->step);
    return rc;
}

static void worker_drop(void *args)
{
    struct worker *worker = args;
    weft_half_drop(&worker->tx);
    wf_worker_step_drop(&worker->step);
}

static int worker_clone(void *args)
{
    struct worker *worker = args;
    weft_sender *tx = weft_half_ref(worker->tx, __FILE__, __LINE__);
    if (tx == NULL)
        return WEFT_ENOMEM;
    int rc = wf_worker_step_clone(&worker->step);
    if (rc < 0)
        weft_half_drop(&tx);
    else
        worker->tx = tx;
    return rc;
}

static const weft_callable worker_task = { .enter = worker_enter,
                                           .drop = worker_drop,
                                           .clone = worker_clone,
                                           .args_size = sizeof(struct worker),
                                           .name = "map_parallel" };

/* ---- the body -------------------------------------------------------------------------------- */

/* Of `coming`, which the window's next one may not overwrite. */
static int give(struct run *run, weft_receiver *self)
{
    weft_semaphore_release(&run->window, 1);
    return weft_generator_yield(self, run->coming->value, run->map->out_size);
}

/* Is the next result there? If not, the body waits for it. */
static bool next_is_full(struct run *run)
{
    wf_lock_acquire(&run->lock);
    bool is_full = place_of(run, run->n_given)->is_full;
    run->is_awaited = !is_full;
    wf_lock_release(&run->lock);
    return is_full;
}

static void empty_place(struct run *run, struct result *place)
{
    memcpy(run->coming, place, run->result_size);
    wf_lock_acquire(&run->lock);
    place->is_full = false;
    run->n_given++;
    wf_lock_release(&run->lock);
}

/* All that are there: 1, the next one is not; 0 the end; <0. */
static int give_in_order(struct run *run, weft_receiver *self)
{
    while (next_is_full(run)) {
        empty_place(run, place_of(run, run->n_given));
        if (run->coming->code <= 0)
            return run->coming->code;
        int given = give(run, self);
        if (given < 0)
            return given;
    }
    return 1;
}

static int give_as_they_come(struct run *run, weft_receiver *self)
{
    struct result *coming = run->coming;
    if (coming->is_end_of_source) {
        memcpy(run->last, coming, run->result_size);
    } else {
        run->n_given++;
        int rc = coming->code > 0 ? give(run, self) : coming->code;
        if (rc < 0)
            return rc;
    }
    bool is_over = run->last->is_end_of_source && run->n_given == run->last->number;
    return is_over ? run->last->code : 1;
}

/* A worker that fails otherwise than by a result cancels the scope, which then says why. */
static int why_without_result(struct run *run, int rc)
{
    int failed = weft_scope_wait(&run->scope);
    return failed < 0 ? failed : rc;
}

static int give_all(struct run *run, weft_receiver *self)
{
    bool in_order = !run->map->opts.unordered;
    int rc = in_order ? give_in_order(run, self) : 1;
    while (rc > 0) {
        rc = wf_receiver_next(run->results, run->coming);
        if (rc <= 0)
            return why_without_result(run, rc);
        rc = in_order ? give_in_order(run, self) : give_as_they_come(run, self);
    }
    return rc;
}

static int start_workers(struct run *run)
{
    struct map_parallel *map = run->map;
    struct worker worker = { .run = run };
    int rc = weft_channel_open(run->result_size,
                               &(weft_chan_opts){ .capacity = map->opts.limit,
                                                  .name = map->opts.name,
                                                  .drop = drop_result },
                               &worker.tx, &run->results, __FILE__, __LINE__);
    if (rc < 0)
        return rc;
    worker.step = map->step;
    map->step.args = NULL;
    return weft_scope_spawn(
        &run->scope, &(weft_spawn_opts){ .name = map->opts.name, .copies = (int)map->opts.limit },
        &worker_task, &worker, __FILE__, __LINE__);
}

static int run_body(struct run *run, weft_receiver *self)
{
    unsigned limit = run->map->opts.limit;
    run->places = wf_alloc(limit, run->result_size);
    run->coming = wf_alloc(1, run->result_size);
    run->last = wf_alloc(1, run->result_size);
    if (run->places == NULL || run->coming == NULL || run->last == NULL)
        return WEFT_ENOMEM;
    run->scope.opts = (weft_scope_opts){ .size_ = sizeof(weft_scope_opts),
                                         .name = run->map->opts.name };
    weft_scope_enter(&run->scope, __FILE__, __LINE__);
    int rc = start_workers(run);
    if (rc >= 0)
        rc = give_all(run, self);
    weft_scope_leave(&run->scope);
    for (unsigned i = 0; i < limit; i++)
        if (place_of(run, i)->is_full)
            drop_result(place_of(run, i));
    return rc;
}

static void map_drop(void *args)
{
    struct map_parallel *map = args;
    weft_half_drop(&map->source);
    wf_worker_step_drop(&map->step);
}

/* Says less than an error of the source's teardown. */
static bool is_told_to_leave(int rc) { return rc == WEFT_ECLOSED || rc == WEFT_ECANCELED; }

static int map_enter(void *args, void *self)
{
    struct map_parallel *map = args;
    struct run *run = wf_alloc(1, sizeof *run);
    int rc = WEFT_ENOMEM;
    if (run != NULL) {
        run->map = map;
        wf_shared_init(&run->shared, map->source, map->opts.name);
        run->window = (weft_semaphore)WEFT_SEMAPHORE_INIT(map->opts.limit, .name = map->opts.name);
        wf_lock_init(&run->lock, WF_RANK_SYNC);
        run->result_size = wf_size_with(sizeof(struct result), 1,
                                        (map->out_size + 15) & ~(size_t)15);
        rc = run_body(run, self);
        weft_half_drop(&run->results);
        weft_semaphore_destroy(&run->window);
        wf_free(run->places);
        wf_free(run->coming);
        wf_free(run->last);
        wf_free(run);
    }
    int closed = wf_receiver_close(map->source);
    map_drop(map);
    return rc >= 0 || (closed < 0 && is_told_to_leave(rc)) ? WF_MIN(closed, 0) : rc;
}

static const weft_callable map_task = { .enter = map_enter,
                                        .drop = map_drop,
                                        .args_size = sizeof(struct map_parallel),
                                        .name = "map_parallel" };

/* ---- opening --------------------------------------------------------------------------------- */

static weft_parallel_opts read_opts(const weft_parallel_opts *opts, const weft_callable *step)
{
    weft_parallel_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.name == NULL)
        all.name = step->name;
    if (all.limit == 0)
        all.limit = 8;
    return all;
}

static int check(const weft_callable *step, const weft_receiver *source, size_t in_size,
                 size_t out_size, const weft_parallel_opts *opts)
{
    if (source == NULL || step == NULL || out_size == 0 || opts->limit > WEFT_PERMITS_MAX)
        return WEFT_EINVAL;
    wf_half_must_be(&source->half, WF_HALF_RECEIVER, "weft_map_parallel_open", "source");
    if (source->elem_size != in_size)
        return WEFT_EMSGSIZE;
    return source->lends_items ? WEFT_ENOTSUP : 0;
}

int weft_map_parallel_open(const weft_callable *step, void *args, weft_receiver *source,
                           size_t in_size, size_t out_size, const weft_parallel_opts *opts,
                           weft_receiver **out_rx)
{
    wf_note_call();
    struct map_parallel map = { .source = source, .in_size = in_size, .out_size = out_size };
    if (step != NULL)
        map.opts = read_opts(opts, step);
    int rc = check(step, source, in_size, out_size, &map.opts);
    if (rc < 0 && step != NULL && step->drop != NULL)
        step->drop(args);
    if (rc >= 0)
        rc = wf_worker_step_make(&map.step, step, args);
    if (rc >= 0)
        return wf_unnoted(weft_generator_open(
            &(weft_generator_opts){ .name = map.opts.name, .drop = map.opts.drop }, &map_task, &map,
            out_size, out_rx, __builtin_return_address(0)));
    (void)wf_receiver_close_and_free(source);
    return rc;
}
