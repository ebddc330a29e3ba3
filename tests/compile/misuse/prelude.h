/* SPDX-License-Identifier: MIT */
/* What the cases of calls.txt and definitions.txt use. */
#include <weft.h>

struct job {
    int id;
};
struct page {
    int number;
};
struct pair {
    struct job first;
    int second;
};

typedef struct database {
    int fd;
} database;
int database_close(database *db);
WEFT_DEFINE_AUTO(database, database_close)

typedef struct ledger {
    int fd;
} ledger;
int ledger_close(ledger *it, int rc);
WEFT_DEFINE_AUTO_STATUS(ledger, ledger_close)

void free_nothing(void *it);
int close_anything(void *it, int rc);

WEFT_TASK(nop) { return 0; }
WEFT_TASK(produce, (tx, struct job, out), (int, count))
{
    (void)out;
    return count;
}
WEFT_TASK(consume, (rx, struct job, jobs), (const char *, label)) { return !jobs + !label; }
WEFT_TASK(by_value, (struct pair, value)) { return value.second; }
WEFT_TASK(query, (auto, database, db)) { return db->fd; }

WEFT_GENERATOR(pages_of, weft_rx(struct page), (const char *, url), (int, total))
{
    (void)url;
    return weft_yield((struct page){ total });
}

WEFT_GENERATOR(averager, weft_rx(double, int), (int, start))
{
    int sample = start;
    return weft_yield_into(&sample, sample / 2.0);
}

WEFT_MANAGER(connected, struct job *, (const char *, host))
{
    struct job job = { !host };
    return weft_yield(&job);
}

struct counter {
    int n;
};
int counter_next(struct counter *self, int *out);
int counter_close(struct counter *self);
int page_close(struct page *self);
WEFT_ITERATOR(counter, int, struct counter, counter_next);

WEFT_MAP(number_of, int, out, struct page, page)
{
    *out = page.number;
    return 0;
}
WEFT_MAP(plus, int, out, int, in, (int, more))
{
    *out = in + more;
    return 0;
}
WEFT_FILTER(above, int, item, (int, least)) { return item > least; }

extern weft_mutex mutex;
extern weft_rwlock rwlock;
extern weft_cond cond;
extern weft_semaphore semaphore;

WEFT_LOCAL(struct page, current_page);

/* What streams bring together. */
struct two_ints {
    int first, second;
};
struct two_longs {
    long first, second;
};
struct int_batch {
    size_t n;
    int items[4];
};
struct long_batch {
    size_t n;
    long items[4];
};
struct line_batch {
    size_t n;
    weft_line items[4];
};

/* The variables a case may use; a case that fails to is no warning. */
#define MISUSE_LOCALS                                                            \
    int rc = 0, number = 1;                                                      \
    long wide = 1;                                                               \
    int64_t at_ns = 0;                                                           \
    int *numbers = &number;                                                      \
    struct job job = { 1 }, jobs[2] = { { 1 }, { 2 } };                          \
    struct page page = { 1 };                                                    \
    struct pair pair = { { 1 }, 2 };                                             \
    WEFT_TX(struct job, tx);                                                     \
    WEFT_RX(struct job, rx);                                                     \
    WEFT_TX(int, itx);                                                           \
    WEFT_RX(int, irx);                                                           \
    WEFT_RX(struct page, prx);                                                   \
    WEFT_RX(double, mean, int);                                                  \
    double average = 0;                                                          \
    WEFT_RX(int64_t, timer);                                                     \
    WEFT_RX(weft_line, lines);                                                   \
    WEFT_PERMIT(struct job, place);                                              \
    WEFT_COMPLETION(struct job, done);                                           \
    WEFT_AUTO(database, db);                                                     \
    WEFT_AUTO(weft_exit_stack, stack);                                           \
    WEFT_AUTO(weft_lease, lease);                                                \
    struct job *job_at = NULL;                                                   \
    struct page *page_at = NULL;                                                 \
    WEFT_AUTO(ledger, book);                                                     \
    WEFT_AUTO(weft_task, task);                                                  \
    weft_task_end end;                                                           \
    WEFT_SCOPE(scope);                                                           \
    (void)number, (void)wide, (void)at_ns, (void)numbers, (void)job, (void)jobs; \
    (void)page, (void)pair, (void)tx, (void)rx, (void)itx, (void)irx, (void)prx; \
    (void)timer, (void)lines, (void)place, (void)db, (void)book, (void)task;     \
    (void)end, (void)mean, (void)average;                                        \
    (void)lease, (void)stack, (void)job_at, (void)page_at, (void)done;

WEFT_STAGE(stage_of_ints, int, out, int, in)
{
    weft_each (n, in)
        WEFT_TRY(weft_send(out, n));
    return weft_error(in);
}
