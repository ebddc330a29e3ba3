/* SPDX-License-Identifier: MIT
 * What the files of the simulator share. Nothing outside lib/plat/sim*.c includes it.
 *
 * One OS thread runs everything, so nothing here is atomic. For TSan virtual threads are threads,
 * so these files are built without it. */
#ifndef WF_PLAT_SIM_CORE_H
#define WF_PLAT_SIM_CORE_H

#include "plat/self.h"
#include "plat/ctx.h"
#include "plat/sim.h"

enum { WF_SIM_SLOTS = 16, WF_SIM_NO_SLOT = WF_SIM_SLOTS };

/* How far the threads of all slots had come. */
struct wf_sim_clocks {
    uint32_t of[WF_SIM_SLOTS];
};

/* What a thread knows of the others' stores (sim_memory.c). */
struct wf_sim_view {
    unsigned slot;
    struct wf_sim_clocks known;
    struct wf_sim_clocks
        pending;                 /* what its relaxed loads would have taught: its next fence does */
    struct wf_sim_clocks fenced; /* known at its last fence: what its relaxed stores release */
    uint64_t fence_number;       /* records made before that */
};

#define WF_SIM_START_NS ((int64_t)1000 * 1000000000) /* not 0, "now" to wf_poller_wait */

enum wf_sim_waits { WF_SIM_RUNS, WF_SIM_ON_FUTEX, WF_SIM_ON_POLLER, WF_SIM_ON_END };

/* A virtual thread. It lies at the top of the mapping that holds its stack. */
struct wf_sim_thread {
    struct wf_ctx ctx;
    struct wf_sim_thread *next; /* of those that are live or not joined, by id */
    unsigned id;
    char name[16];
    void (*fn)(void *arg);
    void *arg;
    void *self, *host; /* the pointers of plat/self.h */
    struct wf_held_ranks ranks;
    struct wf_sim_view view;
    void *mapping, *stack_low;
    size_t stack_size;
    unsigned stack_id; /* valgrind's */
#ifdef WF_TSAN
    void *tsan_fiber; /* that of its own stack; ctx has the one it is on */
#endif
    enum wf_sim_waits waits;
    const void *wait_on; /* a word, a poller, a thread; only ever compared */
    int64_t wake_at_ns;
    bool was_woken;   /* else its last wait was ended by time */
    bool is_at_spin;  /* suspended in wf_sim_spin() */
    int64_t priority; /* PCT: the highest runs */
    bool has_ended, is_detached;
};

/* What sim_pct.c keeps of a run. Zeroed: its first round begins at the first point. */
struct wf_sim_pct {
    uint64_t steps;                         /* points in a round */
    uint64_t fall_at[WF_SIM_DEPTH_MAX - 1]; /* where whoever runs falls; UINT64_MAX: done */
    uint64_t ends_at, next_at;              /* the round; the first of all these points */
    int64_t lowest;                         /* priority given so far */
    bool is_stale; /* priorities, or who can run, have changed since the last choice */
};

struct wf_sim {
    bool is_running;
    bool is_busy; /* the simulator itself runs: points do nothing */
    struct wf_sim_opts opts;
    void (*on_stuck)(const char *why);
    int result;
    unsigned n_cpus;
    struct wf_ctx outside; /* whoever called wf_sim_run() */
    struct wf_sim_thread *threads;
    struct wf_sim_thread *current;
    struct wf_sim_thread *leaver; /* has ended; its stack was in use until the switch */
    unsigned n_live, n_started;
    int64_t now_ns;
    uint64_t random_state;
    uint64_t points, n_choices, signature;
    struct wf_sim_pct pct;
    unsigned n_futile;     /* turns of spinning in a row that nobody made use of */
    unsigned n_spin_steps; /* steps of time since a thread last did something else */
};

extern struct wf_sim wf_sim;

/* sim.c */

/* Suspends the caller until wf_sim_wake(on) or at_ns. True: woken; false: the time has come. */
bool wf_sim_wait(enum wf_sim_waits waits, const void *on, int64_t at_ns);

/* Makes a thread's context and puts it into the list; takes it out again. */
void wf_sim_add(struct wf_sim_thread *thread);
void wf_sim_remove(struct wf_sim_thread *thread);

/* For TSan: what happened before the start or the end of the thread is known to the caller. */
void wf_sim_happens_after(void *what);

/* The first thing after a switch, on the stack that was switched to. */
void wf_sim_arrive(void);

/* Tells the sanitizers which stack the thread is on as it is left, and that it is gone. */
void wf_sim_note_stack(struct wf_sim_thread *thread);
void wf_sim_forget_stack(struct wf_sim_thread *thread);

/* sim_run.c */

/* Stops the run: wf_sim_run() returns result. */
WF_NORETURN void wf_sim_give_up(int result, const char *what);

/* Aborts: what the caller does needs virtual threads and there are none. */
WF_NORETURN void wf_sim_refuse(const char *what);

/* sim_choice.c */

/* A bijection that scatters; the next number of the run's generator, below limit. */
uint64_t wf_sim_mix(uint64_t z);
uint64_t wf_sim_draw(uint64_t limit);

/* Is this point one where another thread may go on? */
bool wf_sim_may_switch(void);

/* Who runs next, at any point and when the current thread spins. Time may pass in either. */
struct wf_sim_thread *wf_sim_choose(void);
struct wf_sim_thread *wf_sim_choose_for_spinner(void);

/* Lets at most n of those that wait on it run, drawn from the seed. */
void wf_sim_wake(const void *on, int n);

/* sim_pct.c, for runs with a depth */

/* A thread that has just started; one that spins. */
void wf_sim_pct_admit(struct wf_sim_thread *thread);
void wf_sim_pct_spins(struct wf_sim_thread *thread);

/* At each point: may another thread have to run now? */
bool wf_sim_pct_step(void);

/* Of the threads that fit, of which there is one, that of the highest priority. */
struct wf_sim_thread *wf_sim_pct_first(bool (*fits)(const struct wf_sim_thread *thread));

/* sim_memory.c: nothing but for weak memory */

void wf_sim_memory_begin(void);
void wf_sim_memory_end(void);
void wf_sim_view_begin(struct wf_sim_thread *thread);
void wf_sim_view_end(struct wf_sim_thread *thread);

/* What orders threads besides atomics: starting or waking another, having joined one, an
 * interrupt of a poller, time and the world outside. */
void wf_sim_teach(struct wf_sim_thread *other);
void wf_sim_learn_from(struct wf_sim_thread *joined);
void wf_sim_teach_system(void);
void wf_sim_learn_from_system(void);
void wf_sim_all_know(void);

/* sim_thread.c */

/* A thread with its stack, not in the list yet (NULL: no memory), and its end. */
struct wf_sim_thread *wf_sim_thread_map(const char *name, void (*fn)(void *), void *arg);
void wf_sim_thread_unmap(struct wf_sim_thread *thread);

/* sim_self.c */

/* The current thread is about to end. */
void wf_sim_self_end(void);

/* sim_poller.c */

/* Wakes the threads whose poller has an event, after at most timeout_ms of real time. False if
 * there is none. */
bool wf_sim_poll_fds(int timeout_ms);
void wf_sim_forget_fds(void);

#endif
