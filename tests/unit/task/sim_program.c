/* SPDX-License-Identifier: MIT
 * sim_program race|sleep|code|spin: driven by sim_program.sh. */
#include <stdio.h>
#include <string.h>
#include <weft.h>

/* ---- who comes when -------------------------------------------------------------------------- */

WEFT_TASK(runner, (int, name), (tx, int, out))
{
    for (int i = 0; i < 6; i++) {
        WEFT_TRY(weft_pause());
        WEFT_TRY(weft_send(out, name));
    }
    return 0;
}

static int race(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 2));
    for (int name = 'a'; name <= 'd'; name++)
        WEFT_TRY(weft_spawn(&scope, runner, name, weft_ref(tx)));
    WEFT_DROP(tx);
    weft_each (name, rx)
        putchar(name);
    putchar('\n');
    return weft_scope_wait(&scope);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static int sleep_long(void *arg)
{
    (void)arg;
    int64_t begin_ns = weft_now_ns();
    WEFT_TRY(weft_sleep(WEFT_SEC(1000000)));
    printf("%lld\n", (long long)((weft_now_ns() - begin_ns) / WEFT_SEC(1)));
    return 0;
}

static int give_code(void *arg)
{
    (void)arg;
    return 42;
}

static int spin(void *arg)
{
    (void)arg;
    for (;;)
        WEFT_TRY(weft_pause());
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int rc = strcmp(what, "race") == 0    ? weft_run(race, NULL)
             : strcmp(what, "sleep") == 0 ? weft_run(sleep_long, NULL)
             : strcmp(what, "code") == 0  ? weft_run(give_code, NULL)
             : strcmp(what, "spin") == 0  ? weft_run(spin, NULL)
                                          : WEFT_EINVAL;
    return rc < 0 ? 1 : rc;
}
