/* SPDX-License-Identifier: MIT */
/* A request's number, seen by everything that is done for it: calls, the tasks they spawn and
 * blocking work, without a parameter in each of them. */
#include <stdio.h>
#include <weft.h>

struct request {
    int id;
    const char *user;
};

WEFT_LOCAL(struct request, current);

static weft_mutex output = WEFT_MUTEX_INIT(.name = "output");
static int n_lines[4];

/* Called from anywhere; knows for whom. */
static int note(void)
{
    const struct request *request = weft_local(current);
    WEFT_LOCK(&output);
    n_lines[request != NULL ? request->id : 0]++;
    return 0;
}

WEFT_TASK(read_profile) { return note(); }

WEFT_TASK(read_orders)
{
    WEFT_TRY(note());
    return weft_blocking(read_profile); /* on another thread: the same request */
}

WEFT_TASK(serve, (int, id), (const char *, user))
{
    WEFT_BIND(current, (struct request){ id, user });
    WEFT_TRY(note());
    WEFT_SCOPE(scope, .name = "parts");
    for (int i = 0; i < id; i++)
        WEFT_TRY(weft_spawn(&scope, read_orders));
    return weft_scope_wait(&scope);
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, serve, 1, "ann"));
    WEFT_TRY(weft_spawn(&scope, serve, 2, "bob"));
    WEFT_TRY(weft_spawn(&scope, serve, 3, "eve"));
    WEFT_TRY(note()); /* here nothing is bound */
    WEFT_TRY(weft_scope_wait(&scope));
    for (int id = 0; id <= 3; id++)
        printf("request %d: %d notes\n", id, n_lines[id]);
    return 0;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
