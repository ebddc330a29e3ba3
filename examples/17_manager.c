/* SPDX-License-Identifier: MIT */
/* A connection as a manager: set-up, one yield, teardown, in one function. The Python model is
 * @asynccontextmanager. */
#include <stdio.h>
#include <weft.h>

struct connection {
    const char *dsn;
};

WEFT_MANAGER(connected, struct connection *, (const char *, dsn))
{
    printf("Connecting to %s\n", dsn);
    struct connection conn = { dsn }; /* lives on the manager's own stack */
    WEFT_TRY(weft_sleep(WEFT_MS(10)));
    int rc = weft_yield(&conn); /* whoever opened it runs here */
    printf("Closing connection, told %s\n", weft_errname(rc));
    int slept = weft_sleep(WEFT_MS(10)); /* shielded: runs even when the scope is cancelled */
    return rc == -EAGAIN ? slept : rc;   /* an error it knows how to forgive */
}

static int query(int outcome)
{
    WEFT_AUTO(weft_lease, lease);
    struct connection *conn;
    WEFT_TRY(connected("postgres://localhost/db", &lease, &conn));
    printf("SELECT 1 on %s\n", conn->dsn);
    return weft_close_with(lease, outcome);
}

static int main_task(void *arg)
{
    (void)arg;
    printf("it was %s\n", weft_errname(query(0)));
    printf("it was %s\n", weft_errname(query(-EIO)));
    printf("it was %s\n", weft_errname(query(-EAGAIN)));

    WEFT_AUTO(weft_lease, lease);
    struct connection *conn;
    WEFT_TRY(connected("sqlite://memory", &lease, &conn));
    return 0; /* a brace closes it too, and says that nobody told how it went */
}

int main(void) { return weft_run(main_task, NULL) < 0; }
