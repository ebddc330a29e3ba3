/* SPDX-License-Identifier: MIT */
/* The checksums of all files below a folder, several at once: a walk finds them, workers read. */
#include <stdio.h>
#include <string.h>
#include <weft.h>

enum { N_WORKERS = 4, N_FILES = 100 };

struct total {
    int n_files;
    int64_t n_bytes;
    uint64_t sum; /* of all checksums: the order does not matter */
};

static uint64_t fnv1a(const char *data, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Paths are views of the walk: what goes to another task is a copy. */
WEFT_TASK(find_files, (const char *, folder), (tx, weft_text, paths))
{
    WEFT_RX(weft_walk_entry, entries);
    WEFT_TRY(weft_dir_walk(folder, NULL, &entries));
    weft_each (entry, entries) {
        WEFT_TRY(entry.error);
        if (entry.kind != WEFT_ENTRY_FILE)
            continue;
        weft_text path;
        WEFT_TRY(weft_text_copy((weft_line){ (char *)entry.path, strlen(entry.path) }, &path));
        int rc = weft_send(paths, path);
        if (rc < 0) {
            weft_text_drop(&path);
            return rc;
        }
    }
    return weft_error(entries);
}

WEFT_TASK(checksum_files, (rx, weft_text, paths), (tx, struct total, results))
{
    struct total own = { 0, 0, 0 };
    weft_each (path, paths) {
        char *data;
        size_t size;
        int rc = weft_whole_read(path.data, &data, &size);
        weft_text_drop(&path);
        WEFT_TRY(rc);
        own.n_files++;
        own.n_bytes += (int64_t)size;
        own.sum += fnv1a(data, size);
        weft_free(data);
    }
    WEFT_TRY(weft_error(paths));
    return weft_send(results, own);
}

static int checksum(const char *folder, struct total *out)
{
    WEFT_SCOPE(scope, .name = "checksum");
    WEFT_RX(weft_text, paths);
    WEFT_TX(weft_text, path_tx);
    WEFT_RX(struct total, results);
    WEFT_TX(struct total, result_tx);
    WEFT_TRY(weft_chan_open(&path_tx, &paths, 64, .drop = weft_text_drop));
    WEFT_TRY(weft_chan_open(&result_tx, &results, N_WORKERS));
    WEFT_TRY(weft_spawn(&scope, find_files, folder, WEFT_MOVE(path_tx)));
    WEFT_TRY(
        weft_spawn_n(&scope, N_WORKERS, checksum_files, WEFT_MOVE(paths), WEFT_MOVE(result_tx)));
    weft_each (part, results) {
        out->n_files += part.n_files;
        out->n_bytes += part.n_bytes;
        out->sum += part.sum;
    }
    return weft_scope_wait(&scope);
}

/* N_FILES of them, ten to a folder. */
static int make_files(const char *folder)
{
    char path[256], data[1000];
    for (int i = 0; i < N_FILES; i++) {
        int n = snprintf(path, sizeof path, "%s/part-%d/deep", folder, i / 10);
        WEFT_TRY(weft_dir_make_all(path, 0777));
        snprintf(path + n, sizeof path - (size_t)n, "/file-%d", i);
        memset(data, 'a' + i % 26, sizeof data);
        WEFT_TRY(weft_whole_write(path, data, (size_t)(i * 10)));
    }
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct total total = { 0, 0, 0 };
    WEFT_AUTO(weft_temp_dir, dir); /* removed with all in it, whichever way we leave */
    WEFT_TRY(weft_temp_dir_open(NULL, &dir));
    WEFT_TRY(make_files(weft_temp_dir_path(dir)));
    WEFT_TRY(checksum(weft_temp_dir_path(dir), &total));
    printf("%d files, %lld bytes, %016llx\n", total.n_files, (long long)total.n_bytes,
           (unsigned long long)total.sum);
    return weft_close_with(dir, 0);
}

int main(void) { return weft_run(main_task, NULL) < 0; }
