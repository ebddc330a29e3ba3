/* SPDX-License-Identifier: MIT
 * The order in which locks nest: a thread takes a lock only if its rank is higher than that of
 * each lock it holds. Checked at WEFT_CHECK >= 2. Two exceptions, both by an order of their own:
 * select holds several channels (by address), cancel walks scopes (parent before child). */
#ifndef WF_BASE_LOCKRANK_H
#define WF_BASE_LOCKRANK_H

enum wf_rank {
    WF_RANK_NONE,     /* not checked */
    WF_RANK_RUNTIME,  /* starting and stopping the runtime */
    WF_RANK_DEADLINE, /* moving a scope's deadline */
    WF_RANK_TIMERS,   /* a timer queue; its callbacks run under it */
    WF_RANK_SCOPE,    /* one scope; a child after its parent */
    WF_RANK_RECORD,   /* one task's record: its end, its result, who joins it */
    WF_RANK_CHANNEL,  /* one channel; several by address. After scopes: a dump, with scopes locked,
                      * asks for the names of channels, whose list is locked before a channel */
    WF_RANK_POOL,     /* the blocking pool's queue */
    WF_RANK_IOWAIT,   /* the table of waited file descriptors */
    WF_RANK_RUNQ,     /* a worker's queue of unstarted tasks */
    WF_RANK_INJECT,   /* the shared queue */
    WF_RANK_IDLE,     /* the list of parked workers */
    WF_RANK_THREADS,  /* the list of plain threads */
    WF_RANK_SYNC,     /* the queues of some synchronisers; a dump has a scope's or THREADS */
};

#endif
