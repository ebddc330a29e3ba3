/* SPDX-License-Identifier: MIT */
/* logpipe [--stages] FILE...    counts the lines with ERROR, by service and by hour; --stages
 *                               tells on stderr which stage of the pipeline was the slowest
 * logpipe --generate FILE SIZE  writes an example log of SIZE bytes (or 256M, 2G)
 *
 * Exit status: 0; 1 if a file or the output failed; 2 for wrong arguments; 128 + the signal if one
 * ended the reading early. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logpipe.h"

static void complain(const char *what, int rc)
{
    fprintf(stderr, "logpipe: %s: %s\n", what, weft_strerror(rc));
}

/* One line for each input that was not read to its end; whether there was one that failed. */
static bool report_inputs(const struct pipeline *p)
{
    bool has_failed = false;
    for (size_t i = 0; i < p->n_inputs; i++) {
        const struct input *in = &p->inputs[i];
        has_failed = has_failed || in->rc < 0;
        if (in->rc == WEFT_ELINE)
            fprintf(stderr,
                    "logpipe: %s: line %llu is longer than 1 MiB (1048576 bytes): the rest "
                    "of this file is left out\n",
                    in->path, (unsigned long long)in->n_lines + 1);
        else if (in->rc < 0)
            complain(in->path, in->rc);
        else if (in->is_regular && in->n_bytes < in->size && p->signal == 0)
            fprintf(stderr, "logpipe: %s: it shrank while it was read, to %llu of %llu bytes\n",
                    in->path, (unsigned long long)in->n_bytes, (unsigned long long)in->size);
    }
    return has_failed;
}

static int run(struct pipeline *p)
{
    int rc = weft_run(count_errors, p);
    if (p->shows_progress)
        fputs("\r\033[K", stderr);
    bool has_failed = report_inputs(p);
    if (rc < 0) {
        complain("the pipeline", rc);
        return 1;
    }
    rc = print_report(p);
    if (rc < 0) {
        complain("standard output", rc);
        return 1;
    }
    if (p->signal != 0)
        return 128 + p->signal;
    return has_failed;
}

static int analyse(char **paths, size_t n, bool shows_stages)
{
    int rc = weft_dump_on_signal(SIGQUIT);
    struct pipeline p = { .inputs = calloc(n, sizeof(struct input)),
                          .n_inputs = n,
                          .shows_stages = shows_stages };
    if (rc < 0 || p.inputs == NULL) {
        complain("can't begin", rc < 0 ? rc : WEFT_ENOMEM);
        free(p.inputs);
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        struct stat about = { .st_size = 0 };
        p.inputs[i].path = paths[i];
        if (stat(paths[i], &about) == 0 && S_ISREG(about.st_mode)) {
            p.inputs[i].is_regular = true;
            p.inputs[i].size = (uint64_t)about.st_size;
        }
        p.size += p.inputs[i].size;
    }
    p.shows_progress = isatty(STDERR_FILENO) == 1;
    rc = run(&p);
    tally_free(&p.tally);
    free(p.inputs);
    return rc;
}

static uint64_t parse_size(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long size = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (errno != 0 || end == text || end[shift > 0] != '\0' || size > UINT64_MAX >> shift)
        return 0;
    return (uint64_t)size << shift;
}

static int generate(const char *path, const char *size_text)
{
    uint64_t size = parse_size(size_text);
    if (size == 0) {
        fprintf(stderr, "logpipe: %s: not a size in bytes, such as 256M\n", size_text);
        return 2;
    }
    int rc = generate_log(path, size);
    if (rc < 0)
        complain(path, rc);
    return rc < 0;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc == 4 && strcmp(argv[1], "--generate") == 0)
        return generate(argv[2], argv[3]);
    bool shows_stages = argc > 2 && strcmp(argv[1], "--stages") == 0;
    argc -= shows_stages;
    argv += shows_stages;
    if (argc < 2 || argv[1][0] == '-') {
        fputs("usage: logpipe FILE...\n"
              "       logpipe --stages FILE...\n"
              "       logpipe --generate FILE SIZE\n",
              stderr);
        return 2;
    }
    return analyse(argv + 1, (size_t)argc - 1, shows_stages);
}
