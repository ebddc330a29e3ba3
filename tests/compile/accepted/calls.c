/* SPDX-License-Identifier: MIT */
/* Each typed call once, in the shapes that programs use. */
#include <weft.h>

struct job {
    int id;
};

/* ---- channels and select ---- */

int use_channels(void);
int use_channels(void)
{
    WEFT_TX(struct job, tx);
    WEFT_RX(struct job, rx);
    struct job job = { 1 }, jobs[4] = { { 1 }, { 2 }, { 3 }, { 4 } };
    WEFT_TRY(weft_chan_open(&tx, &rx, 64, .name = "jobs", .overflow = WEFT_CONFLATE));
    WEFT_TRY(weft_send(tx, job));
    WEFT_TRY(weft_send(tx, (struct job){ .id = 2 }));
    WEFT_TRY(weft_send(tx, ((struct job){ WEFT_TRY(weft_try_send(tx, job)) })));
    WEFT_TRY(weft_send_many(tx, jobs, 4));
    WEFT_TRY(weft_recv(rx, &job));
    WEFT_TRY(weft_try_recv(rx, &job));
    int n = WEFT_TRY(weft_recv_many(rx, jobs, sizeof jobs / sizeof jobs[0]));
    weft_each (it, rx) {
        if (it.id == 3)
            break;
        weft_each (nested, rx)
            n += nested.id;
    }
    WEFT_PERMIT(struct job, place);
    WEFT_TRY(weft_reserve(tx, &place));
    WEFT_TRY(weft_commit(place, (struct job){ 5 }));
    weft_rx(struct job) taken = WEFT_STEAL(rx);
    int rc = weft_error(taken);
    WEFT_DROP(taken);
    weft_end(tx, WEFT_EINVAL);
    weft_abort(tx, WEFT_EINVAL);
    weft_close(tx);
    return rc < 0 ? rc : n;
}

/* What a channel may carry: anything of a complete type, arrays by address alone. */
int use_element_types(void);
int use_element_types(void)
{
    typedef int triple[3];
    enum colour { RED, GREEN } colour = GREEN;
    WEFT_TX(triple, triples_tx);
    WEFT_RX(triple, triples);
    WEFT_TX(enum colour, colours);
    WEFT_TX(const char *, texts);
    WEFT_TX(int (*)(void), functions);
    WEFT_RX(int (*)(void), functions_rx);
    WEFT_TX(weft_rx(int), receivers);
    WEFT_TX(bool, flags);
    triple numbers = { 1, 2, 3 };
    weft_rx(int) receiver = NULL;
    WEFT_TRY(weft_chan_open(&triples_tx, &triples, 1));
    WEFT_TRY(weft_chan_open(&functions, &functions_rx, 1));
    WEFT_TRY(weft_recv(triples, &numbers));
    WEFT_TRY(weft_select(NULL, weft_on_send(triples_tx, &numbers)));
    WEFT_TRY(weft_send(colours, colour));
    WEFT_TRY(weft_send(texts, "hello"));
    WEFT_TRY(weft_send(functions, use_channels));
    WEFT_TRY(weft_send(receivers, receiver));
    return weft_send(flags, numbers[0] > 1);
}

int use_select(weft_rx(int) rx, weft_tx(const char *) log);
int use_select(weft_rx(int) rx, weft_tx(const char *) log)
{
    enum { JOB, LOG, GAP, LATE };
    const char *text = "hello";
    int job, rc;
    switch (weft_select(&rc, [JOB] = weft_on_recv(rx, &job), [LOG] = weft_on_send(log, &text),
                        [LATE] = weft_on_after(WEFT_US(10)))) {
    case JOB: return rc > 0 ? job : rc;
    case GAP: return WEFT_EINVAL;
    case LOG: return weft_select_ordered(NULL, weft_on_recv(rx, &job), weft_on_nothing());
    default: return WEFT_ECANCELED;
    }
}

/* ---- tasks, scopes, resources ---- */

typedef struct ledger {
    int fd;
} ledger;
int ledger_open(ledger **out_it);
int ledger_close(ledger *it, int rc);
WEFT_DEFINE_AUTO_STATUS(ledger, ledger_close)

WEFT_TASK(nop) { return 0; }
WEFT_TASK(worker, (rx, struct job, jobs), (tx, int, results), (const char *, label))
{
    weft_each (job, jobs)
        WEFT_TRY(weft_send(results, job.id + label[0]));
    return weft_error(jobs);
}
WEFT_TASK(enter_all, (auto, ledger, book), (rx, struct job, jobs))
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 2, worker, weft_ref(jobs), &(weft_tx(int)){ NULL }, "x"));
    weft_close(jobs);
    return weft_scope_wait(&scope) + book->fd;
}

int use_tasks(void);
int use_tasks(void)
{
    WEFT_AUTO(ledger, book);
    WEFT_RX(struct job, jobs);
    WEFT_RX(int64_t, timer);
    WEFT_SCOPE(scope, .name = "all", .timeout_ns = WEFT_SEC(1), .shielded = true);
    WEFT_TRY(weft_configure(WEFT_CONFIG(.workers = 2)));
    WEFT_TRY(ledger_open(&book));
    WEFT_TRY(weft_spawn(&scope, nop));
    WEFT_TRY(weft_spawn(weft_root_scope(), nop));
    WEFT_TRY(weft_spawn_with(&scope, NULL, nop));
    WEFT_TRY(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "a", .stack_size = 1 << 20), nop));
    WEFT_TRY(weft_spawn(&scope, enter_all, WEFT_MOVE(book), WEFT_MOVE(jobs)));
    WEFT_TRY(weft_blocking(nop));
    WEFT_TRY(weft_blocking_with(WEFT_OPTS(blocking, .lane = WEFT_LANE_DNS, .abandon = true), nop));
    WEFT_TRY(weft_after(WEFT_MS(5), &timer));
    WEFT_TRY(weft_pause() + weft_checkpoint());
    return weft_scope_wait(&scope);
}

WEFT_TASK(measured, (int, n))
{
    WEFT_TRY(weft_ready((struct job){ .id = n }));
    if (n == 0)
        return weft_result("text");
    return n > 1 ? weft_result(n) : weft_result((struct job){ WEFT_TRY(weft_checkpoint()) });
}
WEFT_TASK(join_it, (auto, weft_task, it)) { return weft_join(it, NULL); }

void free_job(void *job);
int use_joins(void);
int use_joins(void)
{
    WEFT_AUTO(weft_task, it);
    WEFT_AUTO(weft_task, other);
    weft_task_end end;
    weft_cancel_reason why;
    struct job job;
    WEFT_SCOPE(race, .race = true, .limit = 2, .drop = free_job, .timeout_ns = 1, .move_on = true);
    WEFT_SCOPE(scope, .supervisor = true, .joins = true);
    WEFT_TRY(weft_spawn_ready(&scope, &job, measured, 1));
    WEFT_TRY(weft_spawn_task(&scope, &it, measured, 2));
    WEFT_TRY(weft_spawn_task(&scope, &other, nop));
    WEFT_TRY(weft_spawn(&race, join_it, WEFT_MOVE(other)));
    WEFT_TRY(weft_join(it, &end) + weft_join(it, NULL) + weft_join_result(it, NULL, &job.id));
    while (WEFT_TRY(weft_join_next(&scope, &end)) == 1 &&
           WEFT_TRY(weft_join_next_result(&scope, &end, &job)) == 1)
        weft_cancel(&race, end.rc, end.name);
    if (weft_scope_reason(&race, &why) && weft_deadline() < INT64_MAX)
        WEFT_TRY(weft_scope_set_deadline(&scope, why.line));
    return weft_scope_wait_with(&scope, weft_checkpoint());
}

int use_close_with(const char *path, int *out_size);
int use_close_with(const char *path, int *out_size)
{
    WEFT_AUTO(ledger, book);
    WEFT_AUTO(weft_file, file);
    char buf[16];
    WEFT_TRY(ledger_open(&book));
    WEFT_TRY(weft_file_open(path, "r", &file));
    *out_size = (int)WEFT_TRY(weft_file_read(file, buf, sizeof buf));
    size_t n;
    WEFT_TRY(weft_file_read_exact(file, buf, sizeof buf, &n));
    WEFT_TRY(weft_fd_write_all(1, buf, n, &n));
    WEFT_TRY(weft_close_with(file, 0));
    return weft_close_with(book, *out_size);
}

typedef struct socket {
    weft_resource entry;
    int fd;
} socket;
int socket_open(socket **out_it);
int socket_close(socket *it);
void socket_abort(socket *it);
WEFT_DEFINE_AUTO_FORCED(socket, socket_close, socket_abort)
void free_it(void *it);
int end_it(void *it);
int close_it(void *it, int rc);

int use_closers(int n, int *numbers);
int use_closers(int n, int *numbers)
{
    WEFT_AUTO(weft_exit_stack, stack);
    weft_defer(free_it, numbers);
    weft_defer(end_it, &n);
    for (int i = 0; i < n; i++) {
        WEFT_AUTO(socket, it);
        WEFT_AUTO(ledger, book);
        WEFT_TRY(socket_open(&it));
        WEFT_OPENED(&it->entry, "socket", NULL);
        WEFT_TRY(ledger_open(&book));
        WEFT_TRY(weft_exit_keep(&stack, socket, it));
        WEFT_TRY(weft_exit_keep(&stack, ledger, book));
        WEFT_TRY(weft_exit_push(&stack, "number", close_it, &numbers[i]));
    }
    (void)weft_exit_pop(&stack);
    return weft_close_with(stack, (int)weft_exit_count(stack)) + weft_take_close_error();
}

/* ---- managers ---- */

WEFT_MANAGER(opened, ledger *, (const char *, name))
{
    WEFT_AUTO(ledger, book);
    WEFT_TRY(ledger_open(&book));
    return weft_close_with(book, weft_yield(book) + !name);
}
WEFT_MANAGER(enters, struct job, (auto, ledger, book), (rx, struct job, jobs))
{
    struct job job = { book->fd };
    WEFT_TRY(weft_recv(jobs, &job));
    WEFT_TRY(weft_yield((struct job){ job.id }));
    return 0;
}
WEFT_MANAGER(counts, int) { return weft_yield(1); }

int use_managers(void);
int use_managers(void)
{
    WEFT_AUTO(weft_lease, lease);
    WEFT_AUTO(weft_lease, other);
    WEFT_AUTO(ledger, mine);
    WEFT_RX(struct job, jobs);
    ledger *book;
    struct job job;
    int n;
    WEFT_TRY(opened("a", &lease, &book));
    WEFT_TRY(enters_with(WEFT_OPTS(manager, .name = "b"), WEFT_MOVE(mine), WEFT_MOVE(jobs), &other,
                         &job));
    WEFT_TRY(weft_close_with(other, 0));
    WEFT_TRY(counts(&other, &n));
    return weft_close_with(lease, book->fd + job.id + n);
}

/* ---- generators, iterators, combinators ---- */

WEFT_GENERATOR(forever, weft_rx(int))
{
    for (int n = 0;; n++)
        WEFT_TRY(weft_yield(n));
}
/* Answers of any type, also pointers; what is answered may be written like any value. */
WEFT_GENERATOR(judged, weft_rx(const struct job *, const char *), (struct job, first))
{
    const char *verdict = NULL;
    while (weft_yield_into(&verdict, &first) > 0)
        first.id += verdict != NULL;
    return weft_yield(&first);
}

int judge(void);
int judge(void)
{
    WEFT_RX(const struct job *, jobs, const char *);
    const struct job *job;
    const char *const verdicts[] = { "good", "bad" };
    WEFT_TRY(judged_with(WEFT_OPTS(generator, .name = "judged"), (struct job){ 1 }, &jobs));
    WEFT_TRY(weft_recv(jobs, &job));
    for (int i = 0; i < 2; i++)
        WEFT_TRY(weft_resume(jobs, &job, (const char *)verdicts[i]));
    weft_each (next, jobs)
        job = next;
    return WEFT_TRY(weft_throw(jobs, &job, job->id > 0 ? -1 : -2)) + weft_close(jobs);
}

WEFT_GENERATOR(doubled, weft_rx(int), (rx, int, source), (int, by))
{
    weft_each (n, source)
        WEFT_TRY(weft_yield(n * by));
    return weft_error(source);
}

struct counter {
    int n;
};
static int counter_next(struct counter *self, int *out)
{
    *out = self->n++;
    return 1;
}
static int counter_close(struct counter *self) { return self->n < 0 ? WEFT_EINVAL : 0; }
WEFT_ITERATOR(counter, int, struct counter, counter_next);
WEFT_ITERATOR(closing_counter, int, struct counter, counter_next, counter_close);

WEFT_MAP(size_of, size_t, out_size, weft_line, line)
{
    *out_size = line.size;
    return 0;
}
WEFT_MAP(sum, int, out, int, in, (rx, int, other))
{
    int more;
    *out = WEFT_TRY(weft_recv(other, &more)) > 0 ? in + more : in;
    return 0;
}
WEFT_FILTER(longer_than, size_t, size, (size_t, least)) { return size > least; }

int use_streams(void);
int use_streams(void)
{
    WEFT_RX(int, all);
    WEFT_RX(int, twice);
    WEFT_RX(int, counted);
    WEFT_RX(int, sums);
    WEFT_TRY(forever(&all));
    WEFT_TRY(doubled_with(WEFT_OPTS(generator, .name = "twice"), WEFT_MOVE(all), 2, &twice));
    WEFT_TRY(counter((struct counter){ .n = 1 }, &counted));
    WEFT_TRY(sum(WEFT_MOVE(counted), WEFT_MOVE(twice), &sums));
    WEFT_TRY(closing_counter_with(WEFT_OPTS(iterator, .never_waits = true),
                                  (struct counter){ .n = 1 }, &counted));

    WEFT_RX(weft_line, lines);
    WEFT_RX(size_t, sizes);
    WEFT_RX(size_t, long_ones);
    WEFT_RX(size_t, ten);
    WEFT_TRY(weft_lines("a", NULL, &lines));
    WEFT_DROP(lines);
    WEFT_TRY(weft_lines("a", WEFT_OPTS(lines, .keep_ends = true), &lines));
    WEFT_RX(weft_line, ahead);
    WEFT_TRY(weft_buffer(WEFT_MOVE(lines), 1024, &ahead));
    WEFT_TRY(size_of(WEFT_MOVE(ahead), &sizes));
    WEFT_TRY(longer_than_with(WEFT_OPTS(stream, .name = "long"), WEFT_MOVE(sizes), 80, &long_ones));
    WEFT_TRY(weft_take(WEFT_MOVE(long_ones), 10, &ten));
    return weft_close(ten);
}
