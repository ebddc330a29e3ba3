/* SPDX-License-Identifier: MIT */
/* What was counted, as tables, and how the runtime went about it. */
#include <inttypes.h>
#include <langinfo.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "logpipe.h"

enum { BAR_WIDTH = 50, COUNT_WIDTH = 10 };

const char *show_size(char text[32], uint64_t n_bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    double size = (double)n_bytes / 1024;
    size_t unit = 0;
    for (; size >= 1000 && unit < 3; unit++)
        size /= 1024;
    snprintf(text, 32, "%.1f %s", size, units[unit]);
    return text;
}

static uint64_t max_of(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* The longest bar beside names of this width: what a narrow terminal leaves for it. */
static uint64_t bar_width(int width)
{
    int room = columns_of(STDOUT_FILENO, INT_MAX) - (width + COUNT_WIDTH + 5);
    return room < 1 ? 1 : room < BAR_WIDTH ? (uint64_t)room : BAR_WIDTH;
}

static void print_row(const char *name, int width, uint64_t n, uint64_t most)
{
    const char *block = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "█" : "#";
    uint64_t length = (n * bar_width(width) + most - 1) / most;
    printf("  %-*s %*" PRIu64 "  ", width, name, COUNT_WIDTH, n);
    for (uint64_t i = 0; i < length; i++)
        fputs(block, stdout);
    putchar('\n');
}

static void print_services(const struct tally *tally)
{
    uint64_t most = 0;
    size_t width = 0;
    for (size_t i = 0; i < tally->n_services; i++) {
        most = max_of(most, tally->services[i].n);
        width = max_of(width, strlen(tally->services[i].name));
    }
    puts("\nerrors by service");
    for (size_t i = 0; i < tally->n_services; i++)
        print_row(tally->services[i].name, (int)width, tally->services[i].n, most);
}

static void print_hours(const struct tally *tally)
{
    uint64_t most = 0;
    for (int hour = 0; hour <= N_HOURS; hour++)
        most = max_of(most, tally->hours[hour]);
    puts("\nerrors by hour");
    for (int hour = 0; hour <= N_HOURS; hour++) {
        char name[16] = "?";
        if (hour < N_HOURS)
            snprintf(name, sizeof name, "%02d", hour);
        if (tally->hours[hour] > 0)
            print_row(name, 2, tally->hours[hour], most);
    }
}

/* The most memory this process ever had resident, in KiB. */
static uint64_t peak_memory(void)
{
    uint64_t kib = 0;
    char line[128];
    FILE *status = fopen("/proc/self/status", "r");
    if (status == NULL)
        return 0;
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
            break;
    fclose(status);
    return kib;
}

static void print_costs(const struct pipeline *p, uint64_t n_bytes)
{
    char text[32];
    weft_stats stats = { .size_ = sizeof stats };
    weft_stats_get(&stats);
    double seconds = (double)p->took_ns / 1e9;
    printf("\nthroughput   %.2f GB/s: %" PRIu64 " bytes in %.3f s\n",
           (double)n_bytes / 1e9 / seconds, n_bytes, seconds);
    printf("peak memory  %s resident\n", show_size(text, peak_memory() * 1024));
    printf("runtime      %" PRIu64 " tasks on %" PRIu64 " workers, %" PRIu64 " steals, %" PRIu64
           " parks, %" PRIu64 " blocking jobs\n",
           stats.spawned, stats.workers, stats.steals, stats.parks, stats.blocking_jobs);
}

int print_report(const struct pipeline *p)
{
    uint64_t n_bytes = 0, n_lines = 0;
    for (size_t i = 0; i < p->n_inputs; i++) {
        n_bytes += p->inputs[i].n_bytes;
        n_lines += p->inputs[i].n_lines;
    }
    if (p->signal != 0)
        printf("PARTIAL RESULT: %s came before the end\n",
               p->signal == SIGINT ? "SIGINT" : "SIGTERM");
    printf("%" PRIu64 " of %" PRIu64 " lines have ERROR\n", p->tally.total, n_lines);
    if (p->tally.total > 0) {
        print_services(&p->tally);
        print_hours(&p->tally);
    }
    print_costs(p, n_bytes);
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return errno != 0 ? -errno : -EIO; /* 0: it was an earlier write that failed */
}
