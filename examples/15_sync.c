/* SPDX-License-Identifier: MIT */
/* Shared memory: a table is set up by whoever needs it first, a semaphore lets three at a time do
 * the work, a mutex guards the result; tasks and a plain thread take part alike. */
#include <pthread.h>
#include <stdio.h>
#include <weft.h>

static weft_once is_set_up = WEFT_ONCE_INIT(.name = "table");
static weft_semaphore places = WEFT_SEMAPHORE_INIT(3, .max = 3, .name = "places");
static weft_mutex lock = WEFT_MUTEX_INIT(.name = "result");
static weft_wait_group visitors = WEFT_WAIT_GROUP_INIT(.name = "visitors");

static int table[100], n_set_ups, n_inside, n_most, sum;

static int set_up(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(5))); /* it may wait: the others do, for it */
    for (int i = 0; i < 100; i++)
        table[i] = i * i;
    n_set_ups++;
    return 0;
}

/* Each lock ends at its brace; one that can't be had ends the function with the reason. */
static int come_in(void)
{
    WEFT_LOCK(&lock);
    n_inside++;
    n_most = n_inside > n_most ? n_inside : n_most;
    return 0;
}

static int go_out(int n)
{
    WEFT_LOCK(&lock);
    n_inside--;
    sum += n;
    return 0;
}

static int visit(int i)
{
    WEFT_TRY(weft_once_run(&is_set_up, set_up, NULL));
    WEFT_ACQUIRE(&places, 1);
    WEFT_TRY(come_in());
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    return go_out(table[i]);
}

WEFT_TASK(visitor, (int, i))
{
    int rc = visit(i);
    weft_wait_group_done(&visitors);
    return rc;
}

static void *visit_in_thread(void *arg)
{
    *(int *)arg = visit(10);
    weft_wait_group_done(&visitors);
    return NULL;
}

static int let_visit(void)
{
    WEFT_SCOPE(scope);
    for (int i = 0; i < 10; i++)
        WEFT_TRY(weft_spawn(&scope, visitor, i));
    WEFT_TRY(weft_wait_group_wait(&visitors));
    return weft_scope_wait(&scope);
}

static int main_task(void *arg)
{
    pthread_t thread;
    weft_wait_group_add(&visitors, 11);
    WEFT_TRY(-pthread_create(&thread, NULL, visit_in_thread, arg));
    int rc = let_visit();
    pthread_join(thread, NULL); /* no task is left that could have what it waits for */
    WEFT_TRY(rc);
    WEFT_TRY(*(int *)arg);
    printf("set up %d time\n", n_set_ups);
    printf("at most 3 inside: %s\n", n_most <= 3 ? "yes" : "no");
    printf("sum of squares to 10: %d\n", sum);
    return 0;
}

int main(void)
{
    int thread_rc = 0;
    return weft_run(main_task, &thread_rc) < 0;
}
