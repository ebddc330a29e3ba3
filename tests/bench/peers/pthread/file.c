/* SPDX-License-Identifier: MIT */
/* Files as a plain program reads them, one after the other; a log by getline. */
#include "file.h"

#include "files.h"

#include <stdbool.h>

void read_many(int64_t n, int workers)
{
    char path[64], buf[FILE_SIZE + 1];
    int64_t sum = 0;
    (void)workers;
    make_files(n);
    int64_t start_ns = now_ns();
    for (int64_t i = 0; i < n; i++) {
        file_path(path, i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = read(fd, buf, sizeof buf);
        close(fd);
        sum += size + buf[0];
    }
    int64_t took_ns = now_ns() - start_ns;
    remove_files(n);
    check("bytes", sum, sum_of_files(n));
    per_op(took_ns, n);
}

static void read_blocks(int64_t n, int flags)
{
    int64_t n_blocks, found;
    _Alignas(BLOCK_SIZE) char buf[BLOCK_SIZE];
    uint64_t random = 1;
    int fd = make_blocks(n, flags, &n_blocks);
    int64_t start_ns = now_ns();
    for (int64_t i = 0; i < n; i++) {
        int64_t block = next_block(&random, n_blocks);
        if (pread(fd, buf, BLOCK_SIZE, block * BLOCK_SIZE) != BLOCK_SIZE)
            fail("a short read");
        memcpy(&found, buf, sizeof found);
        check("block", found, block);
    }
    int64_t took_ns = now_ns() - start_ns;
    close(fd);
    per_op(took_ns, n);
}

void read_random(int64_t n, int workers) { (void)workers, read_blocks(n, 0); }
void read_random_direct(int64_t n, int workers) { (void)workers, read_blocks(n, O_DIRECT); }

/* As weft's: memmem would first make a table of the word. */
static bool has_error(const char *line, size_t size)
{
    const char *end = line + size;
    for (const char *at = line; (at = memchr(at, 'E', (size_t)(end - at))) != NULL; at++)
        if (end - at >= 5 && memcmp(at, "ERROR", 5) == 0)
            return true;
    return false;
}

/* No stages: the least that the work itself costs this way. */
void read_log(int64_t n, int workers)
{
    char path[64], *line = NULL;
    size_t room = 0;
    ssize_t size;
    int64_t n_lines = 0, n_errors = 0;
    (void)workers;
    make_log(n);
    file_path(path, 0);
    int64_t start_ns = now_ns();
    FILE *file = fopen(path, "r");
    while (file != NULL && (size = getline(&line, &room, file)) > 0) {
        n_lines++;
        n_errors += has_error(line, (size_t)size);
    }
    int64_t took_ns = now_ns() - start_ns;
    fclose(file);
    free(line);
    remove_files(1);
    check("lines", n_lines, n * (MIB / LINE_SIZE));
    check("errors", n_errors, n * ERRORS_IN_MIB);
    log_speed(took_ns, n);
}
