/* SPDX-License-Identifier: MIT */
/* wordcount [FOLDER]: the words in all text files below FOLDER (/usr/share/doc), counted by one task
 * and then by several at once. The counts go to standard output, the times to standard error.
 *
 * Exit status: 0; 1 if something failed or the two counts differ. */
#define _GNU_SOURCE 1
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

/* ---- the files ---------------------------------------------------------------------------------- */

struct files {
    const char **paths;
    size_t n, room;
};

static __thread struct files *found; /* nftw passes nothing on */

static int add_file(const char *path, const struct stat *about, int type, struct FTW *at)
{
    (void)about;
    (void)at;
    if (type != FTW_F)
        return 0;
    if (found->n == found->room) {
        size_t room = found->room > 0 ? 2 * found->room : 64;
        const char **paths = reallocarray(found->paths, room, sizeof *paths);
        if (paths == NULL)
            return WEFT_ENOMEM;
        found->paths = paths;
        found->room = room;
    }
    char *copy = strdup(path);
    if (copy == NULL)
        return WEFT_ENOMEM;
    found->paths[found->n++] = copy;
    return 0;
}

/* Runs on a thread of its own stack, where a call that blocks stops no task. */
WEFT_TASK(find_files, (const char *, folder), (struct files *, files))
{
    found = files;
    int rc = nftw(folder, add_file, 16, FTW_PHYS);
    return rc == -1 ? -errno : rc;
}

static void free_files(struct files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free((char *)(uintptr_t)files->paths[i]);
    free(files->paths);
}

/* ---- counting ----------------------------------------------------------------------------------- */

struct count {
    uint64_t n_files, n_lines, n_words, n_bytes;
};

static struct count count_text(const char *text, size_t size)
{
    struct count count = { .n_files = 1, .n_bytes = size };
    bool was_space = true;
    for (size_t i = 0; i < size; i++) {
        bool is_space = (unsigned char)text[i] <= ' ';
        count.n_words += was_space && !is_space;
        count.n_lines += text[i] == '\n';
        was_space = is_space;
    }
    return count;
}

/* What has a zero byte is no text; what may not be read is left out. */
static int count_file(const char *path, struct count *out)
{
    char *data;
    size_t size;
    *out = (struct count){ 0 };
    int rc = weft_whole_read(path, &data, &size);
    if (rc == -EACCES || rc == -ENOENT)
        return 0;
    WEFT_TRY(rc);
    if (memchr(data, '\0', size) == NULL)
        *out = count_text(data, size);
    weft_free(data);
    return 0;
}

WEFT_MAP(count_each, struct count, out, const char *, path) { return count_file(path, out); }

WEFT_MAP_PARALLEL(count_at_once, struct count, out, const char *, path)
{
    return count_file(path, out);
}

WEFT_FOLD(add_up, struct count, sum, struct count, one)
{
    sum->n_files += one.n_files;
    sum->n_lines += one.n_lines;
    sum->n_words += one.n_words;
    sum->n_bytes += one.n_bytes;
    return 0;
}

static int count_all(const struct files *files, bool at_once, struct count *sum, int64_t *took_ns)
{
    WEFT_RX(const char *, paths);
    WEFT_RX(struct count, counts);
    int64_t begun_ns = weft_now_ns();
    *sum = (struct count){ 0 };
    WEFT_TRY(weft_array(files->paths, files->n, &paths));
    if (at_once)
        WEFT_TRY(count_at_once_with(WEFT_OPTS(parallel, .limit = 16, .unordered = true),
                                    WEFT_MOVE(paths), &counts));
    else
        WEFT_TRY(count_each(WEFT_MOVE(paths), &counts));
    WEFT_TRY(add_up(WEFT_MOVE(counts), sum));
    *took_ns = weft_now_ns() - begun_ns;
    return 0;
}

/* The first time the files come from the disk. */
static int compare(const struct files *files)
{
    struct count alone, at_once;
    int64_t alone_ns, at_once_ns;
    WEFT_TRY(count_all(files, true, &at_once, &at_once_ns));
    WEFT_TRY(count_all(files, false, &alone, &alone_ns));
    WEFT_TRY(count_all(files, true, &at_once, &at_once_ns));
    if (memcmp(&alone, &at_once, sizeof alone) != 0)
        return -EBADMSG;
    printf("%llu files, %llu lines, %llu words, %llu bytes\n", (unsigned long long)alone.n_files,
           (unsigned long long)alone.n_lines, (unsigned long long)alone.n_words,
           (unsigned long long)alone.n_bytes);
    fprintf(stderr, "one task: %.1f ms, several: %.1f ms, %.2f times as fast\n",
            (double)alone_ns / 1e6, (double)at_once_ns / 1e6,
            (double)alone_ns / (double)at_once_ns);
    return 0;
}

static int main_task(void *arg)
{
    struct files files = { 0 };
    int rc = weft_blocking(find_files, (const char *)arg, &files);
    if (rc >= 0)
        rc = compare(&files);
    free_files(&files);
    return rc;
}

int main(int argc, char **argv)
{
    char *folder = argc > 1 ? argv[1] : (char[]){ "/usr/share/doc" };
    int rc = weft_run(main_task, folder);
    if (rc < 0)
        fprintf(stderr, "wordcount: %s: %s\n", folder, weft_strerror(rc));
    return rc < 0;
}
