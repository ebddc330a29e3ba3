/* SPDX-License-Identifier: MIT
 * Connecting to the first of several addresses that answers (RFC 8305, "happy eyeballs").
 *
 * A task for each attempt, in a scope of this call. The caller starts the next when the last one
 * has failed, or has not answered within the stagger; whoever connects first puts its socket where
 * the caller finds it, and the others are cancelled and closed before this returns. */
#include "net/connect.h"

#include <weft/cancel.h>
#include <weft/chan.h>
#include <weft/scope.h>

/* What came of an attempt; owned by the channel until it is received. */
struct outcome {
    int number, rc;
    weft_socket *socket;
};

struct attempt {
    const weft_address *to;
    const weft_connect_opts *opts;
    weft_sender *outcomes; /* the caller's: it outlives the scope */
    int number;
};

static void drop_outcome(void *it) { (void)weft_socket_close(((struct outcome *)it)->socket); }

/* The channel has room for all. */
static int try_one(void *args, void *self)
{
    const struct attempt *attempt = args;
    struct outcome outcome = { .number = attempt->number };
    (void)self;
    outcome.rc = wf_connect_one(attempt->to, attempt->opts, &outcome.socket);
    if (weft_sender_try_send(attempt->outcomes, &outcome, sizeof outcome) < 0)
        drop_outcome(&outcome);
    return 0;
}

static const weft_callable attempt_task = { .enter = try_one,
                                            .args_size = sizeof(struct attempt),
                                            .name = "weft_connect",
                                            .file = __FILE__,
                                            .line = __LINE__ };

struct race {
    const weft_address *to;
    const weft_connect_opts *opts;
    weft_sender *tx;
    weft_receiver *rx;
    int n, n_begun, n_failed;
    int rc; /* of the first address that failed, as in the order of addresses */
    int first_failed;
    weft_socket *winner;
};

static void take(struct race *race, const struct outcome *outcome)
{
    if (outcome->rc == 0) {
        race->winner = outcome->socket;
        return;
    }
    race->n_failed++;
    if (outcome->number < race->first_failed) {
        race->first_failed = outcome->number;
        race->rc = outcome->rc;
    }
}

/* One that no task can be had for has failed; those under way go on. */
static void begin_next(struct race *race, weft_scope *scope)
{
    struct attempt attempt = { .to = &race->to[race->n_begun],
                               .opts = race->opts,
                               .outcomes = race->tx,
                               .number = race->n_begun };
    struct outcome failed = { .number = race->n_begun++ };
    failed.rc = weft_scope_spawn(scope, NULL, &attempt_task, &attempt, __FILE__, __LINE__);
    if (failed.rc < 0)
        take(race, &failed);
}

/* 1: the next outcome; 0: none within the stagger; negative: the caller is cancelled. */
static WF_NOINLINE int await_outcome(struct race *race, struct outcome *outcome)
{
    weft_scope pause = { .opts = { .size_ = sizeof(weft_scope_opts), .name = "weft_connect" } };
    if (race->n_begun < race->n)
        pause.opts.timeout_ns = race->opts->stagger_ns;
    weft_scope_enter(&pause, __FILE__, __LINE__);
    int rc = weft_receiver_recv(race->rx, outcome, sizeof *outcome);
    int ended = weft_scope_wait(&pause);
    weft_scope_leave(&pause);
    return rc < 0 && ended == WEFT_ETIMEDOUT ? 0 : rc;
}

static int run(struct race *race, weft_scope *scope)
{
    int rc = 0;
    while (rc >= 0 && race->winner == NULL && race->n_failed < race->n) {
        struct outcome outcome;
        if (race->n_begun < race->n)
            begin_next(race, scope);
        if (race->n_begun == race->n_failed)
            continue; /* none is under way */
        rc = await_outcome(race, &outcome);
        if (rc > 0)
            take(race, &outcome);
    }
    return rc;
}

static WF_NOINLINE int run_in_scope(struct race *race)
{
    weft_scope scope = { .opts = { .size_ = sizeof(weft_scope_opts), .name = "weft_connect" } };
    weft_scope_enter(&scope, __FILE__, __LINE__);
    int rc = run(race, &scope);
    weft_scope_leave(&scope); /* cancels the others, and joins them */
    if (race->winner != NULL)
        return 0;
    return rc < 0 ? rc : race->rc;
}

int wf_connect_race(const weft_address *to, int n, const weft_connect_opts *opts, weft_socket **out)
{
    struct race race = { .to = to, .opts = opts, .n = n, .first_failed = n };
    weft_chan_opts chan_opts = { .size_ = sizeof chan_opts,
                                 .capacity = (size_t)n,
                                 .drop = drop_outcome,
                                 .name = "weft_connect" };
    int rc = weft_channel_open(sizeof(struct outcome), &chan_opts, &race.tx, &race.rx, __FILE__,
                               __LINE__);
    if (rc < 0)
        return rc;
    rc = run_in_scope(&race);
    weft_half_drop(&race.tx);
    weft_half_drop(&race.rx); /* with whoever connected too late */
    if (rc >= 0)
        *out = race.winner;
    return rc;
}
