/* SPDX-License-Identifier: MIT */
/* GLib's thread pool: each of the callers gives it a job and waits for its end. */
#include "pool.h"

#include <glib.h>
#include <poll.h>

enum what { TRIVIAL, COMPUTES, SLEEPS };

struct caller {
    GMutex mutex;
    GCond cond;
    int64_t n;
    int64_t sum;
    enum what what;
    gboolean is_done;
};

static GThreadPool *pool;

static void job(gpointer data, gpointer unused)
{
    struct caller *caller = data;
    (void)unused;
    int64_t began_ns = now_ns();
    while (caller->what == COMPUTES && now_ns() - began_ns < 100000)
        ;
    if (caller->what == SLEEPS)
        (void)poll(NULL, 0, 1);
    g_mutex_lock(&caller->mutex);
    caller->is_done = TRUE;
    g_cond_signal(&caller->cond);
    g_mutex_unlock(&caller->mutex);
}

static gpointer call_all(gpointer data)
{
    struct caller *caller = data;
    for (int64_t i = 0; i < caller->n; i++) {
        caller->is_done = FALSE;
        g_thread_pool_push(pool, caller, NULL);
        g_mutex_lock(&caller->mutex);
        while (!caller->is_done)
            g_cond_wait(&caller->cond, &caller->mutex);
        g_mutex_unlock(&caller->mutex);
        caller->sum += i & 1;
    }
    return NULL;
}

static void call_from(int64_t n, int n_callers, enum what what)
{
    struct caller *callers = g_new0(struct caller, n_callers);
    GThread **threads = g_new0(GThread *, n_callers);
    int64_t n_each = n / n_callers > 0 ? n / n_callers : 1, sum = 0;
    pool = g_thread_pool_new(job, NULL, what == SLEEPS ? 512 : 4, FALSE, NULL);
    int64_t began_ns = now_ns();
    for (int i = 0; i < n_callers; i++) {
        callers[i].n = n_each;
        callers[i].what = what;
        g_mutex_init(&callers[i].mutex);
        g_cond_init(&callers[i].cond);
        threads[i] = g_thread_new("caller", call_all, &callers[i]);
    }
    for (int i = 0; i < n_callers; i++) {
        g_thread_join(threads[i]);
        sum += callers[i].sum;
    }
    int64_t took_ns = now_ns() - began_ns;
    check("calls", sum, n_each / 2 * n_callers);
    g_thread_pool_free(pool, FALSE, TRUE);
    g_free(threads);
    g_free(callers);
    if (what == SLEEPS)
        in_ms(took_ns);
    else
        per_op(took_ns, n_each * n_callers);
}

void to_thread(int64_t n, int workers) { (void)workers, call_from(n, 1, TRIVIAL); }
void to_thread_c64(int64_t n, int workers) { (void)workers, call_from(n, 64, TRIVIAL); }
void to_thread_100us(int64_t n, int workers) { (void)workers, call_from(n, 1, COMPUTES); }
void blocking_sleep1ms(int64_t n, int workers) { (void)workers, call_from(n, 64, SLEEPS); }
void blocking_sleep1ms_c1(int64_t n, int workers) { (void)workers, call_from(n, 1, SLEEPS); }
void blocking_sleep1ms_c1000(int64_t n, int workers) { (void)workers, call_from(n, 1000, SLEEPS); }
