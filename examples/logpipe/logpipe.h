/* SPDX-License-Identifier: MIT */
/* logpipe: counts the lines of server logs that contain ERROR, by service and by hour.
 *
 *   read_logs ──lines──> parse_lines (several) ──findings──> count_errors
 *   (one task: line source, then filter)                     (the main task)
 *
 * pipeline.c is the whole of it; the other files are what any program would have. */
#ifndef LOGPIPE_H
#define LOGPIPE_H

#include <stdatomic.h>
#include <weft.h>

/* ---- parse.c: what a line tells ------------------------------------------------------------ */

enum { SERVICE_SIZE = 32, N_HOURS = 24 };

struct finding {
    char service[SERVICE_SIZE]; /* "?" when the line does not tell it */
    int hour;                   /* N_HOURS when the line does not tell it */
};

struct finding parse_line(const weft_text *line);

/* ---- tally.c: the counts ------------------------------------------------------------------- */

struct service_count {
    char name[SERVICE_SIZE];
    uint64_t n;
};

struct tally {
    struct service_count *services; /* sorted by name */
    size_t n_services, room;
    uint64_t hours[N_HOURS + 1]; /* the last one: not known */
    uint64_t total;
};

int tally_add(struct tally *tally, const struct finding *finding);
void tally_free(struct tally *tally);

/* ---- pipeline.c ---------------------------------------------------------------------------- */

struct input {
    const char *path;
    bool is_regular;
    uint64_t size; /* as the program began; 0 for what has none, such as a pipe */
    uint64_t n_bytes, n_lines;
    int rc; /* why it was not read to its end */
};

struct pipeline {
    struct input *inputs;
    size_t n_inputs;
    uint64_t size; /* of all inputs */
    bool shows_progress;
    bool shows_stages; /* how busy each was, at the end */
    int signal;        /* that stopped the reading; 0: none */
    int64_t took_ns;
    struct tally tally;
    _Atomic uint64_t n_bytes; /* read so far: one writer, and whoever shows the progress */
};

/* Reads all inputs and fills the tally. For weft_run: arg is a struct pipeline. */
int count_errors(void *arg);

/* ---- progress.c ------------------------------------------------------------------------------ */

/* A task that runs beside the reading, until it is cancelled. */
int start_progress(weft_scope *scope, struct pipeline *p);

/* ---- report.c, generate.c ------------------------------------------------------------------- */

/* The width of the terminal behind fd, and otherwise when it is none or does not tell. */
int columns_of(int fd, int otherwise);

/* Prints the result to stdout; 0 or -errno. */
int print_report(const struct pipeline *p);

/* A plain "12.3 MiB" into text. */
const char *show_size(char text[32], uint64_t n_bytes);

/* Makes an example log of about size bytes, the same one each time. */
int generate_log(const char *path, uint64_t size);

#endif
