/* SPDX-License-Identifier: MIT */
/* A race of mirrors with a time limit, a limit of two at once, and a supervisor's list of errors. */
#include <stdio.h>
#include <weft.h>

WEFT_TASK(fetch, (const char *, mirror), (int64_t, d_ns), (int, size))
{
    WEFT_TRY(weft_sleep(d_ns));
    if (size < 0)
        return -EIO;
    printf("%s answers\n", mirror);
    return weft_result(size);
}

/* The first that succeeds wins; the others are cancelled. */
static int fastest(int *out_size)
{
    weft_task_end end;
    WEFT_SCOPE(race, .race = true, .timeout_ns = WEFT_SEC(5));
    WEFT_TRY(weft_spawn(&race, fetch, "broken", WEFT_MS(1), -1));
    WEFT_TRY(weft_spawn(&race, fetch, "slow", WEFT_SEC(60), 7));
    WEFT_TRY(weft_spawn(&race, fetch, "fast", WEFT_MS(20), 5));
    WEFT_TRY(weft_scope_wait(&race));
    return weft_join_next_result(&race, &end, out_size);
}

/* Two at a time, all results, and each failure by name. */
static int all(void)
{
    int sum = 0, size = 0;
    weft_task_end end;
    WEFT_SCOPE(jobs, .supervisor = true, .joins = true, .limit = 2);
    for (int i = 0; i < 5; i++)
        WEFT_TRY(weft_spawn_with(&jobs, WEFT_OPTS(spawn, .name = i == 3 ? "third" : "other"), fetch,
                                 "mirror", WEFT_MS(5), i == 3 ? -1 : i));
    while (WEFT_TRY(weft_join_next_result(&jobs, &end, &size)) == 1)
        sum += end.has_result ? size : 0;
    WEFT_TRY(weft_scope_wait(&jobs));
    for (size_t i = 0; weft_scope_error(&jobs, i, &end) == 0; i++)
        printf("%s: %s\n", end.name, weft_errname(end.rc));
    printf("sum: %d\n", sum);
    return 0;
}

WEFT_TASK(serve, (int, port))
{
    WEFT_TRY(weft_sleep(WEFT_MS(1))); /* binds, say */
    WEFT_TRY(weft_ready(port + 1));
    return weft_sleep(INT64_MAX);
}

/* The body goes on when the server is ready, and gives up politely after a while. */
static int with_server(void)
{
    int port = 0;
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(50), .move_on = true);
    WEFT_TRY(weft_spawn_ready(&scope, &port, serve, 8079));
    printf("ready on port %d\n", port);
    WEFT_TRY(weft_scope_wait(&scope));
    printf("expired: %d\n", weft_scope_has_expired(&scope));
    return 0;
}

static int main_task(void *arg)
{
    int size = 0;
    (void)arg;
    WEFT_TRY(fastest(&size));
    printf("won with %d\n", size);
    WEFT_TRY(all());
    return with_server();
}

int main(void) { return weft_run(main_task, NULL) < 0; }
