/* SPDX-License-Identifier: MIT */
/* What the C programs read: made in a folder of their own, and removed. */
#ifndef FILES_H
#define FILES_H

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
    FILE_SIZE = 4096,
    BLOCK_SIZE = 4096,
    LINE_SIZE = 128,
    MIB = 1 << 20,
    ERRORS_IN_MIB = (MIB / LINE_SIZE + 9) / 10,
};

static char files_folder[] = "/tmp/bench-files-XXXXXX";

static inline void file_path(char path[64], int64_t i)
{
    snprintf(path, 64, "%s/%lld", files_folder, (long long)i);
}

static inline void put_file(const char *path, const void *data, size_t size, int64_t times)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    for (; times > 0; times--)
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
            fail("a file can't be written");
    close(fd);
}

static inline void make_files(int64_t n)
{
    char path[64], data[FILE_SIZE];
    if (mkdtemp(files_folder) == NULL)
        fail("no folder");
    memset(data, 'x', sizeof data);
    for (int64_t i = 0; i < n; i++) {
        file_path(path, i);
        data[0] = (char)('a' + i % 26);
        put_file(path, data, sizeof data, 1);
    }
}

static inline void remove_files(int64_t n)
{
    char path[64];
    for (int64_t i = 0; i < n; i++) {
        file_path(path, i);
        unlink(path);
    }
    rmdir(files_folder);
}

static inline int64_t sum_of_files(int64_t n)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += FILE_SIZE + 'a' + i % 26;
    return sum;
}

/* A descriptor of 512 MiB of blocks that begin with their number, or 4 for a small n. flags are 0 or
 * O_DIRECT, for which /tmp may be the wrong file system; one that refuses it is read as it can be. */
static inline int make_blocks(int64_t n, int flags, int64_t *n_blocks)
{
    static char block[BLOCK_SIZE];
    char in_tmp[] = "/tmp/bench-blocks-XXXXXX", here[] = "./bench-blocks-XXXXXX";
    char *path = flags != 0 ? here : in_tmp;
    int fd = mkstemp(path);
    int reader = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (reader < 0 && errno == EINVAL)
        reader = open(path, O_RDONLY | O_CLOEXEC);
    unlink(path);
    if (fd < 0 || reader < 0)
        fail("no file");
    *n_blocks = n >= 10000 ? 131072 : 1024;
    for (int64_t i = 0; i < *n_blocks; i++) {
        memcpy(block, &i, sizeof i);
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            fail("a file can't be written");
    }
    if (fsync(fd) != 0)
        fail("a file can't be synced");
    close(fd);
    return reader;
}

static inline int64_t next_block(uint64_t *random, int64_t n_blocks)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(*random >> 33) % n_blocks;
}

/* The same MiB n times: lines of one size, every tenth with ERROR. It is file 0. */
static inline void make_log(int64_t n_mib)
{
    char path[64], *data = malloc(MIB);
    if (data == NULL || mkdtemp(files_folder) == NULL)
        fail("no folder");
    memset(data, 'x', MIB);
    for (int i = 0; i < MIB / LINE_SIZE; i++) {
        char *line = data + (size_t)i * LINE_SIZE;
        memcpy(line, "2026-11-22T00:00:00.000 INFO  [service] request ", 48);
        if (i % 10 == 0)
            memcpy(line + 24, "ERROR", 5);
        line[LINE_SIZE - 1] = '\n';
    }
    file_path(path, 0);
    put_file(path, data, MIB, n_mib);
    free(data);
}

static inline void log_speed(int64_t took_ns, int64_t n_mib)
{
    per_op(took_ns, n_mib * (MIB / LINE_SIZE));
    printf("speed %.6g MB/s\n", (double)n_mib * MIB * 1e3 / (double)took_ns);
}

#endif
