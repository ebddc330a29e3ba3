/* SPDX-License-Identifier: MIT
 * The pipeline of the demo program over two small logs, its helpers included. */
#include "points.h"

#include "logpipe.h"

static int count(void *arg)
{
    struct input inputs[] = { { .path = arg, .is_regular = true }, { .path = arg } };
    struct pipeline p = { .inputs = inputs, .n_inputs = 2, .shows_progress = true };
    int rc = count_errors(&p);
    if (rc >= 0 && inputs[0].rc == 0 && inputs[1].rc == 0 && p.tally.total != 2 * 3)
        rc = -ERANGE;
    tally_free(&p.tally);
    return rc;
}

static int make_log(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -1;
    for (int i = 0; i < 12; i++)
        fprintf(file, "2026-11-22T%02d:00:00.000 %s [svc-%d] request %d\n", i,
                i % 4 ? "INFO" : "ERROR", i % 7, i);
    return fclose(file);
}

int main(int argc, char **argv)
{
    static char path[] = "small.log";
    if (make_log(path) != 0)
        return 99;
    return try_it(&(weft_points_opts){ .name = "logpipe" }, count, path, argc, argv);
}
