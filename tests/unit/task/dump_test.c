/* SPDX-License-Identifier: MIT
 * A dump to a descriptor that takes little, is interrupted, or takes nothing. */
#include "plat/sys.h"
#include "wt_test.h"

#include <errno.h>
#include <string.h>
#include <weft.h>

enum { SOME_FD = 77 };

static char said[8192];
static size_t n_said;
static unsigned n_calls;

static ssize_t stuttering_write(int fd, const void *buf, size_t size)
{
    ck_assert_int_eq(fd, SOME_FD);
    ck_assert_uint_gt(size, 0);
    if (n_calls++ % 2 == 0)
        return -EINTR;
    ck_assert_uint_lt(n_said, sizeof said - 1);
    said[n_said++] = *(const char *)buf;
    return 1;
}

static ssize_t refusing_write(int fd, const void *buf, size_t size)
{
    (void)fd, (void)buf, (void)size;
    return -ENOSPC;
}

static ssize_t nothing_written(int fd, const void *buf, size_t size)
{
    (void)fd, (void)buf, (void)size;
    return 0;
}

static void dump_in_harbour(void)
{
    WEFT_SCOPE(scope, .name = "harbour");
    ck_assert_int_eq(weft_dump(SOME_FD), 0);
}

/* The table is changed while there are no workers. */
WT_TEST(short_and_interrupted_writes_are_completed)
{
    n_said = n_calls = 0;
    wf_sys.write = stuttering_write;
    dump_in_harbour();
    ck_assert_int_eq(weft_shutdown(WEFT_MS(5000)), 0);
    wf_sys = wf_sys_real;
    said[n_said] = '\0';
    ck_assert_ptr_eq(strstr(said, "weft: "), said);
    ck_assert_ptr_nonnull(strstr(said, "scope \"harbour\""));
    ck_assert_int_eq(said[n_said - 1], '\n');
}

WT_TEST(a_write_that_fails_is_its_code)
{
    wf_sys.write = refusing_write;
    ck_assert_int_eq(weft_dump(SOME_FD), -ENOSPC);
    wf_sys.write = nothing_written;
    ck_assert_int_eq(weft_dump(SOME_FD), -EIO);
    wf_sys = wf_sys_real;
}

WT_MAIN("task_dump")
