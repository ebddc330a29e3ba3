/* SPDX-License-Identifier: MIT
 * The table of calls: results as codes, never errno's. */
#include "wt_test.h"

#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static bool is_cloexec(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

WT_TEST(a_file_from_open_to_close)
{
    char path[] = "/tmp/weft-sys-XXXXXX", text[8];
    struct stat st;
    close(mkstemp(path));
    int fd = wf_sys.open(path, O_RDWR | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(is_cloexec(fd));
    ck_assert_int_eq((int)wf_sys.write(fd, "weft", 4), 4);
    ck_assert_int_eq((int)wf_sys.seek(fd, 1, SEEK_SET), 1);
    ck_assert_int_eq((int)wf_sys.read(fd, text, sizeof text), 3);
    ck_assert(memcmp(text, "eft", 3) == 0);
    ck_assert_int_eq((int)wf_sys.read(fd, text, sizeof text), 0);
    ck_assert_int_eq(wf_sys.stat_fd(fd, &st), 0);
    ck_assert_int_eq((int)st.st_size, 4);
    ck_assert_int_eq(wf_sys.sync(fd), 0);
    ck_assert_int_eq(wf_sys.close(fd), 0);
    unlink(path);
}

WT_TEST(failures_are_codes)
{
    struct stat st;
    char byte = 0;
    ck_assert_int_eq(wf_sys.open("/nonexistent/file", O_RDONLY, 0), -ENOENT);
    ck_assert_int_eq(wf_sys.close(-1), -EBADF);
    ck_assert_int_eq((int)wf_sys.read(-1, &byte, 1), -EBADF);
    ck_assert_int_eq((int)wf_sys.write(-1, &byte, 1), -EBADF);
    ck_assert_int_eq((int)wf_sys.seek(-1, 0, SEEK_SET), -EBADF);
    ck_assert_int_eq(wf_sys.stat_fd(-1, &st), -EBADF);
    ck_assert_int_eq(wf_sys.sync(-1), -EBADF);
    ck_assert_int_eq(wf_sys.epoll_arm(-1, -1, 0, 0), -EBADF);
    ck_assert_ptr_null(wf_sys.map(SIZE_MAX / 2));
    ck_assert_int_eq(wf_sys.unmap((void *)1, 4096), -EINVAL);
    ck_assert_int_eq(wf_sys.advise((void *)1, 4096, MADV_DONTNEED), -EINVAL);
    ck_assert_int_eq(wf_sys.protect_none((void *)4096, 4096), -ENOMEM);
}

WT_TEST(descriptors_are_not_inherited)
{
    int epoll_fd = wf_sys.epoll_create(), event_fd = wf_sys.event_create();
    ck_assert(is_cloexec(epoll_fd) && is_cloexec(event_fd));
    ck_assert_int_ne(fcntl(event_fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(wf_sys.close(epoll_fd), 0);
    ck_assert_int_eq(wf_sys.close(event_fd), 0);
}

static int write_end;

static void write_on_third(int sig)
{
    static int n;
    (void)sig;
    if (++n == 3)
        (void)!write(write_end, "x", 1);
}

WT_TEST(a_signal_does_not_end_a_read)
{
    struct sigaction action = { .sa_handler = write_on_third };
    struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    write_end = ends[1];
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    ck_assert_int_eq((int)wf_sys.read(ends[0], &byte, 1), 1);
    setitimer(ITIMER_REAL, &never, NULL);
    close(ends[0]);
    close(ends[1]);
}

WT_MAIN("plat_sys")
