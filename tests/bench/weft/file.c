/* SPDX-License-Identifier: MIT */
/* Files: many small ones, reads at random places, a log filtered by two stages. What is read is
 * made first, in a temporary folder. */
#include "bench.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int case_file_read_many_10k_c64(struct bench *b);
int case_file_random_4k(struct bench *b);
int case_file_random_4k_direct(struct bench *b);
int case_file_pipeline_line_cap1024(struct bench *b);

enum {
    N_TASKS = 64,
    FILE_SIZE = 4096,
    BLOCK_SIZE = 4096,
    LINE_SIZE = 128,
    MIB = 1 << 20,
    ERRORS_IN_MIB = (MIB / LINE_SIZE + 9) / 10,
};

/* ---- many small files ------------------------------------------------------------------------ */

static int make_files(const char *folder, int64_t n)
{
    char path[128], data[FILE_SIZE];
    memset(data, 'x', sizeof data);
    for (int64_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%lld", folder, (long long)i);
        data[0] = (char)('a' + i % 26);
        WEFT_TRY(weft_whole_write(path, data, sizeof data));
    }
    return 0;
}

WEFT_TASK(read_files, (const char *, folder), (int64_t, n), (atomic_llong *, next),
          (atomic_llong *, sum))
{
    char path[128], *data;
    size_t size;
    int64_t i, own_sum = 0;
    while ((i = atomic_fetch_add(next, 1)) < n) {
        snprintf(path, sizeof path, "%s/%lld", folder, (long long)i);
        WEFT_TRY(weft_whole_read(path, &data, &size));
        own_sum += (int64_t)size + data[0];
        weft_free(data);
    }
    atomic_fetch_add(sum, own_sum);
    return 0;
}

static int64_t sum_of_files(int64_t n)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += FILE_SIZE + 'a' + i % 26;
    return sum;
}

int case_file_read_many_10k_c64(struct bench *b)
{
    atomic_llong next = 0, sum = 0;
    WEFT_AUTO(weft_temp_dir, dir);
    WEFT_TRY(weft_temp_dir_open(NULL, &dir));
    const char *folder = weft_temp_dir_path(dir);
    WEFT_TRY(make_files(folder, b->n));
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn_n(&scope, N_TASKS, read_files, folder, b->n, &next, &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("bytes", atomic_load(&sum), sum_of_files(b->n)));
    return bench_time(b, b->n, "ns");
}

/* ---- random reads ---------------------------------------------------------------------------- */

/* Each block begins with its number. */
static int make_blocks(weft_file *file, int64_t n_blocks)
{
    enum { AT_ONCE = MIB / BLOCK_SIZE };
    char *data = calloc(AT_ONCE, BLOCK_SIZE);
    int rc = data == NULL ? WEFT_ENOMEM : 0;
    for (int64_t at = 0; rc == 0 && at < n_blocks; at += AT_ONCE) {
        for (int64_t i = 0; i < AT_ONCE; i++)
            memcpy(data + i * BLOCK_SIZE, &(int64_t){ at + i }, sizeof(int64_t));
        rc = weft_file_write(file, data, MIB);
    }
    free(data);
    return rc;
}

WEFT_TASK(read_blocks, (weft_file *, file), (int64_t, n), (int64_t, n_blocks),
          (atomic_int *, n_started))
{
    uint64_t random = (uint64_t)atomic_fetch_add(n_started, 1);
    _Alignas(BLOCK_SIZE) char buf[BLOCK_SIZE];
    for (int64_t i = 0; i < n; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int64_t block = (int64_t)(random >> 33) % n_blocks, found;
        if (weft_file_read_at(file, block * BLOCK_SIZE, buf, BLOCK_SIZE) != BLOCK_SIZE)
            return -EIO;
        memcpy(&found, buf, sizeof found);
        WEFT_TRY(bench_check("block", found, block));
    }
    return 0;
}

static int read_random(struct bench *b, int flags)
{
    atomic_int n_started = 0;
    int64_t n_each = b->n / N_TASKS > 0 ? b->n / N_TASKS : 1;
    int64_t n_blocks = b->n >= 10000 ? 131072 : 1024; /* 512 MiB, or 4 */
    WEFT_AUTO(weft_file, made);
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_temp_open_named(WEFT_OPTS(temp, .folder = flags != 0 ? "." : NULL), &made));
    WEFT_TRY(make_blocks(made, n_blocks));
    WEFT_TRY(weft_file_sync(made));
    int fd = open(weft_file_path(made), O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0 && errno == EINVAL) /* a file system in memory has no other way than the cache */
        fd = open(weft_file_path(made), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    WEFT_TRY(weft_file_adopt(fd, &file));
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn_n(&scope, N_TASKS, read_blocks, file, n_each, n_blocks, &n_started));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    return bench_time(b, n_each * N_TASKS, "ns");
}

int case_file_random_4k(struct bench *b) { return read_random(b, 0); }
int case_file_random_4k_direct(struct bench *b) { return read_random(b, O_DIRECT); }

/* ---- a log ----------------------------------------------------------------------------------- */

/* The same MiB n times: lines of one size, every tenth with ERROR. */
static int make_log(weft_file *file, int64_t n_mib)
{
    char *data = malloc(MIB);
    if (data == NULL)
        return WEFT_ENOMEM;
    memset(data, 'x', MIB);
    for (int i = 0; i < MIB / LINE_SIZE; i++) {
        char *line = data + (size_t)i * LINE_SIZE;
        memcpy(line, "2026-11-22T00:00:00.000 INFO  [service] request ", 48);
        if (i % 10 == 0)
            memcpy(line + 24, "ERROR", 5);
        line[LINE_SIZE - 1] = '\n';
    }
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i < n_mib; i++)
        rc = weft_file_write(file, data, MIB);
    free(data);
    return rc;
}

/* As Go's bytes.Contains has it. memmem would first make a table of the word, which takes longer than all else
 * that is done for a line. */
static bool has_error(weft_line line)
{
    const char *end = line.data + line.size;
    for (const char *at = line.data; (at = memchr(at, 'E', (size_t)(end - at))) != NULL; at++)
        if (end - at >= 5 && memcmp(at, "ERROR", 5) == 0)
            return true;
    return false;
}

/* A task of its own reads and cuts. */
int case_file_pipeline_line_cap1024(struct bench *b)
{
    int64_t n_errors = 0, n_lines = 0;
    WEFT_AUTO(weft_file, log);
    WEFT_TRY(weft_temp_open_named(NULL, &log));
    WEFT_TRY(make_log(log, b->n));
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, passed);
    bench_begin(b);
    WEFT_TRY(weft_lines(weft_file_path(log), NULL, &lines));
    WEFT_TRY(weft_buffer(WEFT_MOVE(lines), 1024, &passed));
    weft_each (line, passed) {
        n_lines++;
        n_errors += has_error(line);
    }
    WEFT_TRY(weft_error(passed));
    bench_end(b);
    WEFT_TRY(bench_check("lines", n_lines, b->n * MIB / LINE_SIZE));
    WEFT_TRY(bench_check("errors", n_errors, b->n * ERRORS_IN_MIB));
    WEFT_TRY(bench_time(b, n_lines, "ns"));
    return bench_report("speed", (double)b->n * MIB * 1e3 / (double)b->took_ns, "MB/s");
}
