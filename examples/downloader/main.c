/* SPDX-License-Identifier: MIT */
/* downloader [-n N] [-d FOLDER] [-c SUMS] URL...
 *
 *   -n N       so many downloads at once at most (4)
 *   -d FOLDER  where the files go (.)
 *   -c SUMS    a file as sha256sum writes it: what is in it is checked, and one that is here
 *              already, and right, is not downloaded again
 *
 * A file has the last part of its URL's path as its name. What comes is in NAME.part until it is
 * complete; the same command again goes on where one that failed or was interrupted has ended.
 *
 * Exit status: 0; 1 if one failed or is not what its checksum says; 2 for wrong arguments; 128 + the
 * signal if one ended it early. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "downloader.h"

static int usage(const char *what, const char *which)
{
    if (what != NULL)
        fprintf(stderr, "downloader: %s: %s\n", which, what);
    fputs("usage: downloader [-n N] [-d FOLDER] [-c SUMS] URL...\n", stderr);
    return 2;
}

/* False: the URL has no name for a file. */
static bool name_item(struct item *item, const char *url, const char *folder)
{
    const char *host = strstr(url, "://");
    const char *path = strchr(host != NULL ? host + 3 : url, '/');
    item->url = url;
    if (path == NULL)
        return false;
    size_t size = strcspn(path, "?#");
    const char *name = path + size;
    while (name[-1] != '/')
        name--;
    size -= (size_t)(name - path);
    if (size == 0 || size >= sizeof item->name - 16 || strncmp(name, "..", size) == 0)
        return false;
    memcpy(item->name, name, size);
    return snprintf(item->path, sizeof item->path, "%s/%s", folder, item->name) <
           (int)sizeof item->path - 16;
}

static struct item *find_item(const struct job *job, const char *name)
{
    for (size_t i = 0; i < job->n_items; i++)
        if (strcmp(job->items[i].name, name) == 0)
            return &job->items[i];
    return NULL;
}

/* Lines of "HEX  NAME" or "HEX *NAME"; of names that nobody downloads, too. */
static int read_sums(const struct job *job, const char *path)
{
    char line[SUM_SIZE + 512];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strspn(line, "0123456789abcdef") != SUM_SIZE || strlen(line) < SUM_SIZE + 2)
            continue;
        struct item *item = find_item(job, line + SUM_SIZE + 2);
        if (item != NULL)
            memcpy(item->sum, line, SUM_SIZE);
    }
    int rc = ferror(file) ? -1 : 0;
    (void)fclose(file);
    return rc;
}

static int download(struct job *job)
{
    int rc = weft_run(run_job, job);
    bool has_failed = rc < 0;
    for (size_t i = 0; i < job->n_items; i++) {
        struct item *item = &job->items[i];
        has_failed = has_failed || !item->is_over || item->rc < 0 || item->is_wrong;
        if (!item->is_over)
            printf("%s: not begun\n", item->name);
        WEFT_DROP(item->progress_tx);
        WEFT_DROP(item->progress_rx);
    }
    if (rc < 0)
        fprintf(stderr, "downloader: %s\n", weft_strerror(rc));
    return job->signal != 0 ? 128 + job->signal : has_failed;
}

struct options {
    const char *folder, *sums;
    unsigned limit;
};

static int run(const struct options *options, char **urls, int n)
{
    struct job job = { .items = calloc((size_t)n, sizeof(struct item)), .limit = options->limit };
    int rc = job.items == NULL ? usage("no memory", "this") : 0;
    for (; rc == 0 && job.n_items < (size_t)n; job.n_items++) {
        struct item *item = &job.items[job.n_items];
        if (!name_item(item, urls[job.n_items], options->folder))
            rc = usage("no name for a file", item->url);
        else if (find_item(&job, item->name) != NULL)
            rc = usage("two files of this name", item->name);
    }
    if (rc == 0 && options->sums != NULL && read_sums(&job, options->sums) < 0)
        rc = usage("can't be read", options->sums);
    if (rc == 0)
        rc = download(&job);
    free(job.items);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = { .folder = ".", .limit = 4 };
    for (int letter; (letter = getopt(argc, argv, "n:d:c:")) != -1;) {
        long n = letter == 'n' ? strtol(optarg, NULL, 10) : 1;
        if (letter == '?' || n < 1 || n > 1000)
            return usage(NULL, NULL);
        if (letter == 'n')
            options.limit = (unsigned)n;
        else if (letter == 'd')
            options.folder = optarg;
        else
            options.sums = optarg;
    }
    if (optind >= argc)
        return usage(NULL, NULL);
    return run(&options, argv + optind, argc - optind);
}
