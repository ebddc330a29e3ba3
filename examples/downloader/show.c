/* SPDX-License-Identifier: MIT */
/* What is seen of it: on a terminal a bar for each file that is under way, drawn anew ten times a
 * second, and a line for each that is over above them; elsewhere the lines alone. */
#include <stdio.h>
#include <unistd.h>

#include "downloader.h"

enum { BAR = 24, MOST_BARS = 20, DRAW_MS = 100, NEVER_MS = 86400000 };

static void print_size(FILE *to, int64_t size)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)size;
    int unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    (void)fprintf(to, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

/* ---- lines ------------------------------------------------------------------------------------------- */

static void print_failure(const struct item *item)
{
    const weft_http_progress *progress = &item->progress;
    printf("%s: %s", item->name, weft_strerror(item->rc));
    if (progress->size > 0) {
        fputs("; there are ", stdout);
        print_size(stdout, progress->size);
        fputs(" to go on from", stdout);
    }
    putchar('\n');
}

static void print_outcome(const struct item *item)
{
    if (item->rc < 0) {
        print_failure(item);
        return;
    }
    printf("%s: ", item->name);
    if (item->was_here) {
        puts("is here already");
        return;
    }
    print_size(stdout, item->progress.size);
    if (item->progress.resumed > 0) {
        fputs(", ", stdout);
        print_size(stdout, item->progress.resumed);
        fputs(" of them from before", stdout);
    }
    puts(item->is_wrong      ? ", not what its checksum says: kept as .bad"
         : item->sum[0] != 0 ? ", checksum right"
                             : "");
}

/* ---- bars -------------------------------------------------------------------------------------------- */

static void draw_bar(const struct item *item, const weft_http_progress *now)
{
    int filled = now->total > 0 ? (int)(now->size * BAR / now->total) : 0;
    filled = filled > BAR ? BAR : filled;
    (void)fprintf(stderr, "%-24.24s [%.*s%*s] ", item->name, filled, "########################",
                  BAR - filled, "");
    print_size(stderr, now->size);
    if (now->total >= 0) {
        fputs(" of ", stderr);
        print_size(stderr, now->total);
    }
    fputs("\033[K\n", stderr);
}

static unsigned draw_bars(const struct job *job)
{
    unsigned n = 0;
    for (size_t i = 0; i < job->n_items && n < MOST_BARS; i++) {
        weft_http_progress now;
        const struct item *item = &job->items[i];
        if (item->is_over || weft_latest(item->progress_rx, &now) != 1)
            continue;
        draw_bar(item, &now);
        n++;
    }
    (void)fflush(stderr);
    return n;
}

static void clear_bars(unsigned n)
{
    if (n > 0)
        (void)fprintf(stderr, "\033[%uA\033[J", n);
    (void)fflush(stderr);
}

/* ---- the show ----------------------------------------------------------------------------------------- */

int show_all(const struct job *job, weft_rx(struct item *) done)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    unsigned n_bars = 0;
    for (;;) {
        enum { DONE, DRAW };
        struct item *item;
        int rc,
            which = weft_select(&rc, [DONE] = weft_on_recv(done, &item),
                                [DRAW] = weft_on_after(WEFT_MS(is_terminal ? DRAW_MS : NEVER_MS)));
        clear_bars(n_bars);
        n_bars = 0;
        if (which < 0 || (which == DONE && rc <= 0))
            return which < 0 ? which : rc;
        if (which == DONE) {
            item->is_over = true;
            print_outcome(item);
            (void)fflush(stdout);
        }
        n_bars = is_terminal ? draw_bars(job) : 0;
    }
}
