/* SPDX-License-Identifier: MIT */
/* Files by libuv's pool, 64 at once. */
#include "file.h"

#include "files.h"

#include <uv.h>

enum { N_READERS = 64 };

struct reader {
    uv_fs_t request;
    uv_file file;
    int64_t n_left, block;
    uint64_t random;
    _Alignas(BLOCK_SIZE) char buf[FILE_SIZE + 1];
};

static int64_t next_file, n_files, sum;

static void begin_file(struct reader *reader);

static void closed(uv_fs_t *request)
{
    uv_fs_req_cleanup(request);
    begin_file(request->data);
}

static void was_read(uv_fs_t *request)
{
    struct reader *reader = request->data;
    if (request->result < 0)
        fail("a file can't be read");
    sum += request->result + reader->buf[0];
    uv_fs_req_cleanup(request);
    uv_fs_close(uv_default_loop(), request, reader->file, closed);
}

static void opened(uv_fs_t *request)
{
    struct reader *reader = request->data;
    if (request->result < 0)
        fail("a file can't be opened");
    reader->file = (uv_file)request->result;
    uv_buf_t buf = uv_buf_init(reader->buf, sizeof reader->buf);
    uv_fs_req_cleanup(request);
    uv_fs_read(uv_default_loop(), request, reader->file, &buf, 1, -1, was_read);
}

static void begin_file(struct reader *reader)
{
    char path[64];
    if (next_file == n_files)
        return;
    file_path(path, next_file++);
    reader->request.data = reader;
    uv_fs_open(uv_default_loop(), &reader->request, path, UV_FS_O_RDONLY, 0, opened);
}

static struct reader *make_readers(void)
{
    struct reader *readers = aligned_alloc(BLOCK_SIZE, N_READERS * sizeof *readers);
    if (readers == NULL)
        fail("no memory");
    memset(readers, 0, N_READERS * sizeof *readers);
    setenv("UV_THREADPOOL_SIZE", "4", 1);
    return readers;
}

void read_many(int64_t n, int workers)
{
    struct reader *readers = make_readers();
    (void)workers;
    n_files = n;
    make_files(n);
    int64_t start_ns = now_ns();
    for (int i = 0; i < N_READERS; i++)
        begin_file(&readers[i]);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    int64_t took_ns = now_ns() - start_ns;
    remove_files(n);
    free(readers);
    check("bytes", sum, sum_of_files(n));
    per_op(took_ns, n);
}

static int64_t n_blocks;

static void begin_block(struct reader *reader);

static void block_was_read(uv_fs_t *request)
{
    struct reader *reader = request->data;
    int64_t found;
    if (request->result != BLOCK_SIZE)
        fail("a short read");
    memcpy(&found, reader->buf, sizeof found);
    check("block", found, reader->block);
    uv_fs_req_cleanup(request);
    begin_block(reader);
}

static void begin_block(struct reader *reader)
{
    if (reader->n_left-- == 0)
        return;
    reader->block = next_block(&reader->random, n_blocks);
    reader->request.data = reader;
    uv_buf_t buf = uv_buf_init(reader->buf, BLOCK_SIZE);
    uv_fs_read(uv_default_loop(), &reader->request, reader->file, &buf, 1,
               reader->block * BLOCK_SIZE, block_was_read);
}

static void read_blocks(int64_t n, int flags)
{
    struct reader *readers = make_readers();
    int64_t n_each = n / N_READERS > 0 ? n / N_READERS : 1;
    int fd = make_blocks(n, flags, &n_blocks);
    int64_t start_ns = now_ns();
    for (int i = 0; i < N_READERS; i++) {
        readers[i].file = fd;
        readers[i].n_left = n_each;
        readers[i].random = (uint64_t)i;
        begin_block(&readers[i]);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    int64_t took_ns = now_ns() - start_ns;
    close(fd);
    free(readers);
    per_op(took_ns, n_each * N_READERS);
}

void read_random(int64_t n, int workers) { (void)workers, read_blocks(n, 0); }
void read_random_direct(int64_t n, int workers) { (void)workers, read_blocks(n, O_DIRECT); }
