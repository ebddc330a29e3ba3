/* SPDX-License-Identifier: MIT
 * A run of the simulator, from its start to its end or until it is given up. */
#include "plat/sim_core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_POINTS     ((uint64_t)20 * 1000 * 1000)
#define SWITCH_PERCENT 10

struct wf_sim wf_sim = { .now_ns = WF_SIM_START_NS, .n_cpus = 2 };

uint64_t wf_sim_points(void) { return wf_sim.points; }

uint64_t wf_sim_choices(void) { return wf_sim.n_choices; }

uint64_t wf_sim_signature(void) { return wf_sim.signature; }

void wf_sim_refuse(const char *what)
{
    fprintf(stderr, "weft simulator: %s outside of wf_sim_run(), where no other thread is\n", what);
    abort();
}

#ifdef WF_TSAN
/* Of TSan's runtime, which has no header for it: all virtual threads share one errno. */
void AnnotateBenignRaceSized(const char *file, int line, void *at, size_t size, const char *why);
#endif

static void start(const struct wf_sim_opts *opts, void (*on_stuck)(const char *why))
{
    wf_sim = (struct wf_sim){
        .opts = *opts,
        .on_stuck = on_stuck,
        .now_ns = WF_SIM_START_NS,
        .random_state = wf_sim_mix(opts->seed + 1),
    };
    if (wf_sim.opts.switch_percent == 0)
        wf_sim.opts.switch_percent = SWITCH_PERCENT;
    if (wf_sim.opts.max_points == 0)
        wf_sim.opts.max_points = MAX_POINTS;
    wf_sim.opts.pct_depth = WF_MIN(wf_sim.opts.pct_depth, (unsigned)WF_SIM_DEPTH_MAX);
#ifdef WF_TSAN
    AnnotateBenignRaceSized(__FILE__, __LINE__, &errno, sizeof(errno), "errno");
#endif
    wf_sim.n_cpus = 2 + (unsigned)wf_sim_draw(2);
    wf_sim_memory_begin();
}

/* What is left: threads that nobody joined, and all of them when the run was given up. */
static void unmap_all(void)
{
    while (wf_sim.threads != NULL) {
        struct wf_sim_thread *thread = wf_sim.threads;
        wf_sim_remove(thread);
        if (!thread->has_ended)
            wf_sim_forget_stack(thread);
        wf_sim_thread_unmap(thread);
    }
}

int wf_sim_run(const struct wf_sim_opts *opts, void (*fn)(void *arg), void *arg,
               void (*on_stuck)(const char *why))
{
    if (wf_sim.is_running) {
        fputs("weft simulator: wf_sim_run() inside of wf_sim_run()\n", stderr);
        abort();
    }
    start(opts, on_stuck);
    struct wf_sim_thread *first = wf_sim_thread_map("first", fn, arg);
    if (first == NULL)
        return -ENOMEM;
    wf_ctx_adopt(&wf_sim.outside);
    wf_sim.is_busy = true;
    wf_sim.is_running = true;
    wf_sim_add(first);
    wf_sim.current = first;
    wf_ctx_switch(&wf_sim.outside, &first->ctx);
    wf_sim_arrive();
    wf_sim_happens_after(&wf_sim);
    wf_sim.is_running = false;
    wf_sim.current = NULL;
    wf_sim_memory_end();
    unmap_all();
    wf_sim_forget_fds();
    wf_ctx_unadopt(&wf_sim.outside);
    return wf_sim.result;
}

static void describe(char *text, size_t size, const char *what)
{
    static const char *const states[] = { "can run", "waits on a futex", "waits for fds",
                                          "waits for a thread to end" };
    int used = snprintf(text, size, "%s at point %llu:", what, (unsigned long long)wf_sim.points);
    for (struct wf_sim_thread *t = wf_sim.threads; t != NULL && (size_t)used < size; t = t->next)
        if (!t->has_ended)
            used += snprintf(text + used, size - (size_t)used, " %u %s %s;", t->id, t->name,
                             states[t->waits]);
}

void wf_sim_give_up(int result, const char *what)
{
    static char why[1024];
    wf_sim.is_busy = true;
    wf_sim.result = result;
    describe(why, sizeof why, what);
    if (wf_sim.on_stuck != NULL)
        wf_sim.on_stuck(why);
    wf_sim_note_stack(wf_sim.current);
    wf_ctx_switch(&wf_sim.current->ctx, &wf_sim.outside);
    abort();
}
