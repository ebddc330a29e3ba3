/* SPDX-License-Identifier: MIT
 * Who comes first: strictly the one that waits longest, but for the mutex, where the first in line
 * may be overtaken WEFT_OVERTAKES_MAX times. Tasks and plain threads stand in the same line. */
#include "sync/queue.h"
#include "wt_test.h"

#include <weft.h>

enum { N_LINE = 6, N_HOGS = 2 };

/* ---- a line of known order ------------------------------------------------------------------- */

static unsigned n_waiting(const void *object)
{
    const struct wf_sync *s = object;
    unsigned n = 0;
    wf_sync_lock(s);
    if (wf_sync_has_queue(s))
        wf_list_each (link, &s->queue)
            n++;
    wf_sync_unlock(s);
    return n;
}

struct line {
    void *object;
    int (*come)(struct line *line, unsigned index);
    unsigned n; /* who have come and stand in line */
    /* Written by those whose turn it is, one at a time. */
    unsigned order[N_LINE], n_served;
    long n_overtaken, seen_overtaken[N_LINE];
    _Atomic unsigned n_over;
};

struct stand {
    struct line *line;
    unsigned index;
};

static void serve(struct line *line, unsigned index)
{
    line->order[line->n_served] = index;
    line->seen_overtaken[line->n_served++] = line->n_overtaken;
}

WEFT_TASK(stand_as_task, (struct stand *, it))
{
    int rc = it->line->come(it->line, it->index);
    (void)wf_add_seq(&it->line->n_over, 1u);
    return rc;
}

static void stand_as_thread(void *arg)
{
    struct stand *it = arg;
    ck_assert_int_eq(it->line->come(it->line, it->index), 0);
    (void)wf_add_seq(&it->line->n_over, 1u);
}

static bool is_complete(void *arg)
{
    struct line *line = arg;
    return n_waiting(line->object) == line->n;
}

static bool is_served(void *arg)
{
    struct line *line = arg;
    return wf_load_seq(&line->n_over) == line->n;
}

/* Lines up one after the other, lets `go` begin, and ends when all have been served. */
static void line_up(struct line *line, void (*go)(struct line *line))
{
    struct stand stands[N_LINE];
    wt_thread *threads[N_LINE] = { NULL };
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < N_LINE; i++) {
        stands[i] = (struct stand){ line, i };
        if (i % 3 == 1)
            threads[i] = wt_thread_start(stand_as_thread, &stands[i]);
        else
            ck_assert_int_eq(weft_spawn(&scope, stand_as_task, &stands[i]), 0);
        line->n = i + 1;
        wt_until(is_complete, line);
    }
    go(line);
    for (unsigned i = 1; i < N_LINE; i += 3)
        wt_thread_join(threads[i]);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert(is_served(line));
    for (unsigned i = 0; i < N_LINE; i++)
        ck_assert_uint_eq(line->order[i], i);
}

/* ---- mutex ----------------------------------------------------------------------------------- */

static int lock_in_line(struct line *line, unsigned index)
{
    WEFT_TRY(weft_mutex_lock(line->object));
    serve(line, index);
    weft_mutex_unlock(line->object);
    return 0;
}

static void overtake(void *arg)
{
    struct line *line = arg;
    while (!is_served(line)) {
        int rc = wt_random_below(2) == 0 ? weft_mutex_try_lock(line->object)
                                         : weft_mutex_lock(line->object);
        if (rc == WEFT_EAGAIN)
            continue;
        ck_assert_int_eq(rc, 0);
        line->n_overtaken += line->n_served < N_LINE;
        weft_mutex_unlock(line->object);
    }
}

static void unlock_and_overtake(struct line *line)
{
    wt_thread *hogs[N_HOGS];
    for (int i = 0; i < N_HOGS; i++)
        hogs[i] = wt_thread_start(overtake, line);
    weft_mutex_unlock(line->object);
    overtake(line);
    for (int i = 0; i < N_HOGS; i++)
        wt_thread_join(hogs[i]);
}

WT_TEST(mutex_is_overtaken_a_bounded_number_of_times)
{
    wt_seeds_at_most(100);
    weft_mutex lock = WEFT_MUTEX_INIT(.name = "line");
    struct line line = { .object = &lock, .come = lock_in_line };
    ck_assert_int_eq(weft_mutex_lock(&lock), 0);
    line_up(&line, unlock_and_overtake);
    long before = 0;
    for (int i = 0; i < N_LINE; i++) {
        ck_assert_int_le(line.seen_overtaken[i] - before, WEFT_OVERTAKES_MAX);
        before = line.seen_overtaken[i];
    }
    weft_mutex_destroy(&lock);
    const struct wf_sync *s = (const struct wf_sync *)(const void *)&lock;
    ck_assert_uint_eq(s->line_up.n_overtaken, 0); /* the next line may be overtaken as often */
    ck_assert(!s->line_up.is_waking);
}

static void just_unlock(struct line *line) { weft_mutex_unlock(line->object); }

WT_TEST(mutex_in_order)
{
    weft_mutex lock = WEFT_MUTEX_INIT();
    struct line line = { .object = &lock, .come = lock_in_line };
    ck_assert_int_eq(weft_mutex_lock(&lock), 0);
    line_up(&line, just_unlock);
    weft_mutex_destroy(&lock);
}

/* ---- semaphore ------------------------------------------------------------------------------- */

static uint32_t wanted_by(unsigned index) { return 1 + (index * 2 + 1) % 3; }

/* Gives exactly what the next in line wants, so that they are served one at a time. */
static int acquire_in_line(struct line *line, unsigned index)
{
    WEFT_TRY(weft_semaphore_acquire(line->object, wanted_by(index)));
    serve(line, index);
    if (index + 1 < N_LINE)
        weft_semaphore_release(line->object, wanted_by(index + 1));
    return 0;
}

static void release_first(struct line *line) { weft_semaphore_release(line->object, wanted_by(0)); }

/* Each wants another number: the few, for whom there would be enough, do not pass the many. */
WT_TEST(semaphore_in_order)
{
    weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(0);
    struct line line = { .object = &semaphore, .come = acquire_in_line };
    line_up(&line, release_first);
    weft_semaphore_destroy(&semaphore);
}

/* The first wants two; the others want the one that there is, and wait behind it. */
static int acquire_behind(struct line *line, unsigned index)
{
    WEFT_TRY(weft_semaphore_acquire(line->object, index == 0 ? 2 : 1));
    serve(line, index);
    weft_semaphore_release(line->object, 1);
    return 0;
}

static void release_one(struct line *line) { weft_semaphore_release(line->object, 1); }

WT_TEST(semaphore_newcomers_do_not_pass)
{
    weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(1);
    struct line line = { .object = &semaphore, .come = acquire_behind };
    line_up(&line, release_one);
    weft_semaphore_destroy(&semaphore);
}

/* ---- rwlock ---------------------------------------------------------------------------------- */

static int write_in_line(struct line *line, unsigned index)
{
    WEFT_TRY(weft_rwlock_write(line->object));
    serve(line, index);
    weft_rwlock_unlock(line->object);
    return 0;
}

static void unlock_rwlock(struct line *line) { weft_rwlock_unlock(line->object); }

WT_TEST(rwlock_in_order)
{
    weft_rwlock lock = WEFT_RWLOCK_INIT();
    struct line line = { .object = &lock, .come = write_in_line };
    ck_assert_int_eq(weft_rwlock_read(&lock), 0);
    line_up(&line, unlock_rwlock);
    weft_rwlock_destroy(&lock);
}

/* The first writes; the others read, and wait behind it, though it is only read until then. Then
 * they read side by side. */
static weft_barrier side_by_side = WEFT_BARRIER_INIT(N_LINE - 1);

static int read_behind(struct line *line, unsigned index)
{
    if (index == 0)
        return write_in_line(line, index);
    WEFT_READ_LOCK(line->object);
    ck_assert_uint_eq(line->n_served, 1);
    line->order[index] = index;
    int rc = weft_barrier_wait(&side_by_side);
    return rc < 0 ? rc : 0;
}

WT_TEST(rwlock_newcomers_do_not_pass_and_readers_read_together)
{
    weft_rwlock lock = WEFT_RWLOCK_INIT();
    struct line line = { .object = &lock, .come = read_behind };
    ck_assert_int_eq(weft_rwlock_read(&lock), 0);
    line_up(&line, unlock_rwlock);
    weft_rwlock_destroy(&lock);
}

/* ---- condition ------------------------------------------------------------------------------- */

static weft_mutex cond_lock;

static int wait_in_line(struct line *line, unsigned index)
{
    WEFT_LOCK(&cond_lock);
    WEFT_TRY(weft_cond_wait(line->object, &cond_lock));
    serve(line, index);
    weft_cond_signal(line->object);
    return 0;
}

static void signal_first(struct line *line) { weft_cond_signal(line->object); }

WT_TEST(condition_in_order)
{
    weft_cond cond = WEFT_COND_INIT();
    struct line line = { .object = &cond, .come = wait_in_line };
    line_up(&line, signal_first);
    weft_cond_destroy(&cond);
}

WT_MAIN("sync_order")
