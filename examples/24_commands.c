/* SPDX-License-Identifier: MIT */
/* A command runner: shell commands, three at once, each with its own time. Their output appears
 * whole and in the order in which they were given, whatever order they end in. */
#include <stdio.h>
#include <weft.h>

struct command {
    const char *text;
    int64_t limit_ns;
};

struct report {
    struct command command;
    int rc;
    weft_output output;
};

static void report_drop(void *item) { weft_output_drop(&((struct report *)item)->output); }

/* A command that takes too long is ended, with all the processes that it has started. */
WEFT_MAP_PARALLEL(run, struct report, report, struct command, command)
{
    const char *const argv[] = { "sh", "-c", command.text, NULL };
    WEFT_SCOPE(scope, .timeout_ns = command.limit_ns);
    *report = (struct report){ .command = command };
    report->rc = weft_process_run(argv, WEFT_OPTS(process, .in = WEFT_NOWHERE, .new_group = true),
                                  NULL, 0, &report->output);
    int rc = weft_scope_wait(&scope);
    if (rc == WEFT_ETIMEDOUT)
        report->rc = rc;
    return 1;
}

static void print(const struct report *report)
{
    const weft_output *output = &report->output;
    printf("$ %s\n", report->command.text);
    if (report->rc < 0) {
        printf("  %s\n", weft_strerror(report->rc));
        return;
    }
    printf("%s", output->out.data);
    if (output->exit.signal != 0)
        printf("  ended by signal %d\n", output->exit.signal);
    else if (output->exit.code != 0)
        printf("  failed with %d: %s", output->exit.code, output->err.data);
}

static int run_all(void *arg)
{
    static const struct command commands[] = {
        { "echo hello; echo world | tr a-z A-Z", WEFT_SEC(60) },
        { "sleep 1000 & wait", WEFT_MS(50) },
        { "seq 100000 | wc -l | tr -d ' '", WEFT_SEC(60) },
        { "echo no such thing >&2; exit 3", WEFT_SEC(60) },
        { "kill -9 $$", WEFT_SEC(60) },
    };
    WEFT_RX(struct command, todo);
    WEFT_RX(struct report, reports);
    (void)arg;
    WEFT_TRY(weft_array(commands, sizeof commands / sizeof *commands, &todo));
    WEFT_TRY(
        run_with(WEFT_OPTS(parallel, .limit = 3, .drop = report_drop), WEFT_MOVE(todo), &reports));
    weft_each (report, reports) {
        print(&report);
        report_drop(&report);
    }
    return weft_error(reports);
}

int main(void) { return weft_run(run_all, NULL) < 0; }
