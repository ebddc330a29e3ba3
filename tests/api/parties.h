/* SPDX-License-Identifier: MIT
 * The same function run at once by some tasks and some plain threads. */
#ifndef PARTIES_H
#define PARTIES_H

#include "wt_test.h"

#include <weft.h>

enum { MAX_PARTIES = 16 };

struct party {
    int (*fn)(void *arg, unsigned index);
    void *arg;
    unsigned index;
    int rc;
};

WEFT_TASK(party_in_task, (struct party *, party))
{
    party->rc = party->fn(party->arg, party->index);
    return 0;
}

static inline void party_in_thread(void *arg)
{
    struct party *party = arg;
    party->rc = party->fn(party->arg, party->index);
}

/* Indices 0 to n_tasks - 1 are tasks, the others threads. Each has to return 0. */
static inline void run_parties(unsigned n_tasks, unsigned n_threads,
                               int (*fn)(void *arg, unsigned index), void *arg)
{
    struct party parties[MAX_PARTIES];
    wt_thread *threads[MAX_PARTIES];
    unsigned n = n_tasks + n_threads;
    ck_assert_uint_le(n, MAX_PARTIES);
    {
        WEFT_SCOPE(scope);
        for (unsigned i = 0; i < n; i++) {
            parties[i] = (struct party){ .fn = fn, .arg = arg, .index = i, .rc = 1 };
            if (i < n_tasks)
                ck_assert_int_eq(weft_spawn(&scope, party_in_task, &parties[i]), 0);
            else
                threads[i] = wt_thread_start(party_in_thread, &parties[i]);
        }
        for (unsigned i = n_tasks; i < n; i++)
            wt_thread_join(threads[i]);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(parties[i].rc, 0);
}

/* Whatever it is, cancelled or not. */
static inline void ignored(int rc) { (void)rc; }

/* The body in a plain thread and in a task. */
static inline void in_both(int (*body)(void *arg))
{
    ck_assert_int_eq(body(NULL), 0);
    ck_assert_int_eq(weft_run(body, NULL), 0);
}

#endif
