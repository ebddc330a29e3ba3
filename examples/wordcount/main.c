/* SPDX-License-Identifier: MIT */
/* wordcount [FOLDER]: the words in all text files below FOLDER (/usr/share/doc), counted by one task
 * and then by several at once. The counts go to standard output, the times to standard error.
 *
 * Exit status: 0; 1 if something failed or the two counts differ. */
#include <stdio.h>
#include <string.h>
#include <weft.h>

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
static int count_file(weft_text path, struct count *out)
{
    char *data;
    size_t size;
    *out = (struct count){ 0 };
    int rc = weft_whole_read(path.data, &data, &size);
    weft_text_drop(&path);
    if (rc == -EACCES || rc == -ENOENT)
        return 0;
    WEFT_TRY(rc);
    if (memchr(data, '\0', size) == NULL)
        *out = count_text(data, size);
    weft_free(data);
    return 0;
}

WEFT_MAP(count_each, struct count, out, weft_text, path) { return count_file(path, out); }

WEFT_MAP_PARALLEL(count_at_once, struct count, out, weft_text, path)
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

/* ---- both ways ----------------------------------------------------------------------------------- */

/* An entry is a view of the walk: what goes to another task is a copy. */
WEFT_FILTER_MAP(path_of_file, weft_text, out, weft_walk_entry, entry)
{
    if (entry.error != 0)
        return entry.error == -EACCES ? 0 : entry.error;
    if (entry.kind != WEFT_ENTRY_FILE)
        return 0;
    WEFT_TRY(weft_text_copy((weft_line){ (char *)entry.path, strlen(entry.path) }, out));
    return 1;
}

static int count_all(const char *folder, bool at_once, struct count *sum, int64_t *took_ns)
{
    WEFT_RX(weft_walk_entry, entries);
    WEFT_RX(weft_text, paths);
    WEFT_RX(struct count, counts);
    int64_t begun_ns = weft_now_ns();
    *sum = (struct count){ 0 };
    WEFT_TRY(weft_dir_walk(folder, NULL, &entries));
    WEFT_TRY(
        path_of_file_with(WEFT_OPTS(stream, .drop = weft_text_drop), WEFT_MOVE(entries), &paths));
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
static int compare(void *folder)
{
    struct count alone, at_once;
    int64_t alone_ns, at_once_ns;
    WEFT_TRY(count_all(folder, true, &at_once, &at_once_ns));
    WEFT_TRY(count_all(folder, false, &alone, &alone_ns));
    WEFT_TRY(count_all(folder, true, &at_once, &at_once_ns));
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

int main(int argc, char **argv)
{
    char *folder = argc > 1 ? argv[1] : (char[]){ "/usr/share/doc" };
    int rc = weft_run(compare, folder);
    if (rc < 0)
        fprintf(stderr, "wordcount: %s: %s\n", folder, weft_strerror(rc));
    return rc < 0;
}
