/* SPDX-License-Identifier: MIT
 * Workers: the threads that run tasks, and the runtime they belong to (one a process). */
#ifndef WF_SCHED_WORKER_H
#define WF_SCHED_WORKER_H

#include "base/rng.h"
#include "plat/poller.h"
#include "plat/self.h"
#include "plat/thread.h"
#include "sched/inject.h"
#include "sched/runq.h"
#include "sched/task.h"
#include "sched/timerq.h"

#include <weft/runtime.h>

/* What the last select on this thread saw (chan/select_seen.h). */
struct wf_seen {
    const void *site, *cases; /* where it was called, with what; NULL: nothing is known */
    size_t n_cases;
    uint64_t ready;  /* a bit a case */
    unsigned n_left; /* selects that may still use it */
};

/* One OS thread as weft knows it: a worker's, or a plain one that called weft. plat/self.h holds
 * it. Owner thread only, but for `own` and `token`, which follow wait.h. */
struct wf_thread {
    struct wf_waiter *current; /* the task that runs on it, or &own; first: see wait.h */
    struct wf_worker *worker;  /* NULL: a plain thread */
    struct wf_timerq *timers;  /* where its timers go */
    struct wf_seen seen;

    /* Plain threads only, and who waits as one but is none: it is woken by this instead. */
    void (*on_wake)(struct wf_thread *thread);
    struct wf_waiter own;
    _Atomic uint32_t token; /* whether it sleeps, on this; whether it is woken (wait.c) */
    unsigned spin_turns;    /* how many it spins before it sleeps; 0: not yet known */
    unsigned n_spun_in_vain;
    unsigned n_yielded;      /* how often it gave up its CPU in this wait */
    unsigned n_no_yields;    /* waits that are left in which it does not, */
    unsigned no_yields_span; /* and how many there were of them, less the yields that paid */
    bool yields_first;
    int64_t spin_began_ns; /* or when it first yielded */
    struct wf_rng rng;
    struct wf_link link; /* in the runtime's list of them */
};

/* The thread that a waiter which is no task stands for. */
static inline struct wf_thread *wf_thread_of(struct wf_waiter *waiter)
{
    return WF_CONTAINER(waiter, struct wf_thread, own);
}

/* What a worker counts; one writer, any reader. */
enum wf_stat {
    WF_SPAWNED,
    WF_COMPLETED,
    WF_STEALS,
    WF_PARKS,
    WF_WAKES,
    WF_SWITCHES, /* how often it has picked a task to run */
    WF_JOBS,     /* blocking functions on its own stack */
    WF_POLLS,
    WF_TIMERS_FIRED,
    WF_N_STATS
};

enum { WF_EVENTS_AT_ONCE = 64 };

/* What a task leaves to its worker's native stack; it lies on the task's own. */
struct wf_native_call {
    /* False: the worker is another thread's now, and so is the task. */
    bool (*run)(struct wf_worker *w, struct wf_native_call *call);
    struct wf_task *task;
};

/* A worker has taken a task from another one. */
struct wf_theft {
    struct wf_worker *victim; /* NULL: that is settled */
    int64_t at_ns;
    uint64_t picks;        /* of the thief */
    uint64_t victim_picks; /* when a task was last found to be tiny, and since when it had those */
    int64_t victim_since_ns;
    int64_t rests_until_ns; /* no other is taken before that */
};

struct wf_worker {
    struct wf_runq runq;

    /* Owner thread only. */
    WF_CACHE_ALIGNED struct wf_thread thread;
    struct wf_ctx native;     /* the thread's own stack: the loop of worker.c */
    struct wf_task *pending;  /* popped, but had not left its stack yet (plat/ctx.h) */
    struct wf_task *finished; /* made its last switch, to be recycled */
#if !WF_CTX_HAS_CALL
    struct wf_native_call *call; /* what the task that was left wants to be done first */
#endif
    struct wf_job *job; /* that is being done on the native stack (blocking/handoff.h) */
    struct wf_stack_cache stacks;
    struct wf_task *free_tasks; /* linked by next */
    uint32_t n_free_tasks;
    uint32_t slot_runs;   /* picks from the slot in a row */
    uint32_t help_length; /* a longer queue than this wants help (pace.h) */
    uint64_t fresh_at;    /* the pick at which an unstarted task comes first (switch.h) */
    uint64_t look_at;     /* the pick at which to look at clock and queues, */
    uint64_t looked_at;   /* the one at which that was done last, */
    uint64_t toured_at;   /* and the one at which it was done from the native stack */
    int64_t now_ns;       /* the clock at the last look */
    int64_t toured_ns;
    int64_t run_ns;           /* how long tasks run between picks, on average, */
    int64_t turn_ns;          /* and until another one is picked (pace.h): measured since */
    int64_t turned_ns;        /* then, */
    uint64_t turned_at;       /* at this pick; */
    int64_t n_stayed;         /* picks since then by which a task has picked itself */
    int64_t fresh_since_ns;   /* the last look at which it had no unstarted tasks */
    size_t surplus_seen;      /* of memory that lies idle (plat/stack.c), as it was last seen, */
    int64_t surplus_since_ns; /* and since when there was no more of it */
    int64_t oldest_ns;        /* when the oldest unstarted task last came first */
    bool is_oldest_due;       /* it does so again, at the next pick (switch.h) */
    bool is_tour_due;         /* timers, descriptors and the shared queue come first */
    bool is_searching;        /* also written by whoever wakes it, under idle_lock */
    int *errno_location;      /* this OS thread's */
    struct wf_poll_event events[WF_EVENTS_AT_ONCE]; /* what the poller had to say */
    uint64_t next_id, ids_end;                      /* task ids taken from wf_rt.next_id */
    struct wf_rng rng;
    struct wf_theft theft; /* the last one, of this thief's (steal.c) */
    unsigned index;
    struct wf_host *host; /* its thread; changed under rt.lock (blocking/handoff.h) */

    /* Set before the thread starts or by idle.c under idle_lock. */
    WF_CACHE_ALIGNED _Atomic uint32_t park_word; /* 0: sleep; 1: token */
    struct wf_link idle_link;
    bool is_polling; /* sleeps in the poller, not on park_word */

    /* May it be lent (blocking/handoff.h)? Written by whoever has it or takes it. */
    _Atomic uint64_t lending;
    _Atomic uint64_t lend_at; /* if lending says this, it is to be lent; any thread */
    uint64_t lending_seen;    /* at the last tick; under rt.lock */

    /* Written by the owner and the poll owner, read by thieves. */
    _Atomic bool wants_help;
    _Atomic uint64_t picks_watched; /* stats[WF_SWITCHES] at the monitor's last look */

    /* The watchdog's own. */
    const struct wf_waiter *task_seen; /* at the last tick, since then; an address */
    uint64_t picks_seen;
    int64_t seen_since_ns;
    bool is_hog_told, is_hog_answered;

    struct wf_timerq timers;
    _Atomic uint64_t stats[WF_N_STATS];
};

/* What an upper layer hangs on the runtime: stopped in reverse order of registering, when the
 * runtime is shut down. */
struct wf_service {
    const char *name;
    void (*stop)(int64_t until_ns);   /* may be NULL */
    void (*stats)(weft_stats *stats); /* adds its own counters; may be NULL */
    bool is_stuck; /* stop could not end all: it is asked again by the next shutdown */
    struct wf_service *next;
    bool is_registered;
};
void wf_service_register(struct wf_service *service);

enum wf_runtime_state { WF_STOPPED, WF_RUNNING, WF_STOPPING };

struct wf_runtime {
    /* Under lock: starting, stopping, counting users. */
    struct wf_lock lock;
    enum wf_runtime_state state;
    uint32_t n_users;                /* root scopes and others that need workers */
    _Atomic uint32_t users_word;     /* changes when one leaves; slept on by a shutdown */
    _Atomic int64_t idle_stop_at_ns; /* when workers without users stop; WF_NEVER: not now */
    struct wf_service *services;
    _Atomic uint64_t spawned_elsewhere; /* tasks made by plain threads; any thread */

    /* Constant while running. */
    weft_config config;     /* defaults filled in */
    unsigned n_workers_max; /* that there is room for */
    struct wf_worker *workers;
    _Atomic unsigned n_workers; /* grows for the watchdog alone (watchdog.h); written under lock */
    struct wf_poller poller;

    /* Any thread. */
    struct wf_inject inject;
    struct wf_timerq thread_timers; /* plain threads' timers */
    _Atomic uint64_t next_id;
    _Atomic uint32_t n_places;                /* tasks alive, if there is a max_tasks */
    _Atomic uint64_t ended_stats[WF_N_STATS]; /* of workers that are gone; under lock */
    _Atomic bool is_stopping;
    _Atomic bool has_forked;

    /* Parked workers (idle.c). */
    WF_CACHE_ALIGNED struct wf_lock idle_lock;
    struct wf_list idle;     /* under idle_lock */
    _Atomic uint32_t n_idle; /* length of idle; written under idle_lock */
    _Atomic uint32_t n_searching;
    struct wf_worker *poll_owner;  /* under idle_lock: who has the poller, or NULL */
    _Atomic int64_t poll_until_ns; /* until when it sleeps; INT64_MIN: nobody does */

    /* Plain threads known. A lock of its own: a worker that reports a deadlock needs it when a
     * shutdown may be waiting for that worker with rt.lock held. */
    struct wf_lock threads_lock;
    struct wf_list threads;

    /* For the deadlock report. */
    _Atomic uint32_t jobs;          /* blocking jobs queued or running */
    _Atomic uint32_t n_helpers;     /* weft's own threads besides the workers */
    _Atomic uint32_t n_plain;       /* plain threads with a record */
    _Atomic uint32_t plain_waiting; /* of those, parked and not yet woken (wait.c) */
    _Atomic uint32_t plain_timed;   /* of those, parked with a time limit */
    _Atomic uint64_t plain_epoch;   /* grows whenever one of them parks or wakes */
};

extern struct wf_runtime wf_rt;

/* Whoever is in the array has been there since before the first worker began. */
static inline unsigned wf_n_workers(void) { return wf_load_rlx_raw(&wf_rt.n_workers); }

/* runtime.c: settings, start, stop. A user keeps the workers from stopping. */
WF_MUST_CHECK int wf_runtime_enter(void);
void wf_runtime_leave(void);

/* One more worker than there are. False: there is no room or no thread for it, or the runtime starts
 * or stops just now. */
WF_MUST_CHECK bool wf_runtime_grow(void);

int64_t wf_runtime_idle_stop_at(void);
void wf_runtime_idle_stop(void); /* stops the workers if it is time */
uint64_t wf_seed_from_system(void);
void wf_thread_forget(void); /* frees the caller's record */
/* The same by one that asks for a deadlock itself, or has a worker next, which does: to wake another
 * thread for that, with each job of the pool's, cost two switches a job. */
void wf_thread_forget_quietly(void);

/* In a child that was forked by the only thread there was, without a record, with nothing of weft
 * running: it is as good as new. */
void wf_thread_after_clean_fork(void);
uint64_t wf_stat(enum wf_stat stat); /* all workers', those gone included */
uint64_t wf_live_tasks(void);        /* exact when no worker runs */

/* The caller's record: made on first use. NULL as wf_waiter_self(). */
struct wf_thread *wf_thread_make_slow(void);
static inline struct wf_thread *wf_thread_self(void)
{
    struct wf_thread *thread = wf_self_get();
    return WF_LIKELY(thread != NULL) ? thread : wf_thread_make_slow();
}

/* A random number for the caller, who is known (wf_waiter_self): of its worker's generator, or of a
 * plain thread's own. Never 0. */
WF_WORKER_LOCAL static inline uint64_t wf_random(void)
{
    struct wf_thread *thread = wf_self_get();
    return wf_rng_next(thread->worker != NULL ? &thread->worker->rng : &thread->rng);
}

/* The worker that the caller runs on; NULL on a plain thread. */
WF_WORKER_LOCAL static inline struct wf_worker *wf_worker_self(void)
{
    struct wf_thread *thread = wf_thread_self();
    return WF_LIKELY(thread != NULL) ? thread->worker : NULL;
}

/* The same; NULL, too, on a thread without a record. */
WF_WORKER_LOCAL static inline struct wf_worker *wf_worker_known(void)
{
    struct wf_thread *thread = wf_self_get();
    return WF_LIKELY(thread != NULL) ? thread->worker : NULL;
}

/* The same for a task, which is on one. */
WF_WORKER_LOCAL static inline struct wf_worker *wf_worker_here(void)
{
    struct wf_thread *thread = wf_self_get();
    return thread->worker;
}

/* worker.c */
/* Runs it, by its thread: its host's. True: the runtime stops; false: it is another thread's now. */
WF_MUST_CHECK bool wf_worker_serve(struct wf_worker *w);
void wf_worker_call(struct wf_native_call *call); /* by the task itself; returns when it has run */
void wf_worker_yield_task(struct wf_task *self);  /* behind all in the ring; others run */
void wf_worker_begin_task(void);                  /* a task's first act on its stack */
/* The end of a task. Returns the next one to begin on its stack; or does not return. */
struct wf_task *wf_worker_exit_task(struct wf_task *self);
void wf_ready(struct wf_task *task, enum wf_wake when); /* puts it on a queue */
/* n unstarted ones, linked by next, the first to run last. */
void wf_ready_fresh(struct wf_task *tasks, uint32_t n);
/* n woken ones, linked by next, after what is queued. */
void wf_ready_all(struct wf_task *first, struct wf_task *last, uint32_t n);
/* steal.c: everything but its own queues. The caller ends the search that this may begin. */
struct wf_task *wf_worker_find(struct wf_worker *w);

/* idle.c */
void wf_idle_notify(void);              /* work was pushed: wake a worker if that helps */
bool wf_idle_park(struct wf_worker *w); /* sleep until there may be work; false: stop */
void wf_idle_begin_search(struct wf_worker *w);
void wf_idle_end_search(struct wf_worker *w); /* it found work: the next may search */
bool wf_idle_may_search(void);
bool wf_has_work(void); /* steal.c: anything to take anywhere? */
void wf_idle_timer_added(int64_t at_ns);
void wf_idle_wake_all(void);
int64_t wf_next_timer(void);
unsigned wf_poll(struct wf_worker *w); /* due timers and ready descriptors, without sleeping */

/* deadlock.c: can nothing ever run again? Asked by a worker that would be the last to sleep; true:
 * it was reported, and whoever could be woken has been. */
bool wf_deadlock_check(void);
/* The same by any other thread, which is marked as waiting, or as gone. Takes rt.lock. */
void wf_deadlock_suspect(void);
/* Is there, besides the caller, a thread of the program's own that does not wait in weft? The
 * caller counts if it is a plain thread that has not parked. While there is a user. */
bool wf_is_thread_elsewhere(bool is_caller_counted);
void wf_trap_is_pending(void); /* if there was: look for traps when all wait (reports.c) */

void wf_report_stuck(void); /* says what keeps a shutdown waiting */
void wf_report_hog(const struct wf_waiter *task, int64_t d_ns);
void wf_cancel_all(void); /* each root scope, as a shutdown begins */

/* Layer 4 knows scopes and channels: how to report, and cancel what is in it. Set before main. */
struct wf_report_hooks {
    void (*deadlock)(void);                                  /* says it */
    void (*hog)(const struct wf_waiter *task, int64_t d_ns); /* an address: it may be gone */
    void (*cancel_deadlocked)(void);
    void (*traps)(void);
    void (*stuck)(void);
    void (*cancel_all)(void);
};
void wf_report_hooks(const struct wf_report_hooks *hooks);

#endif
