/* SPDX-License-Identifier: MIT
 * How many CPUs: the affinity, and quotas of cgroups that exist only in this test. */
#include "wt_test.h"

#include "plat/sys.h"
#include "plat/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct file {
    const char *path, *text;
};

static const struct file *files;

static int open_made_up(const char *path, int flags, unsigned mode)
{
    (void)flags, (void)mode;
    for (const struct file *file = files; file->path != NULL; file++) {
        if (strcmp(file->path, path) != 0)
            continue;
        int fd = memfd_create("file", MFD_CLOEXEC);
        ck_assert_int_eq((int)write(fd, file->text, strlen(file->text)), (int)strlen(file->text));
        lseek(fd, 0, SEEK_SET);
        return fd;
    }
    return -ENOENT;
}

static unsigned count_with(const struct file *made_up)
{
    files = made_up;
    wf_sys.open = open_made_up;
    unsigned n = wf_cpu_count();
    wf_sys.open = wf_sys_real.open;
    return n;
}

#define COUNT_WITH(...) count_with((const struct file[]){ __VA_ARGS__, { NULL, NULL } })

static unsigned count_affinity(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    return (unsigned)CPU_COUNT(&set);
}

WT_TEST(affinity_is_counted)
{
    unsigned n = count_affinity();
    ck_assert_uint_eq(COUNT_WITH({ "/nothing", "" }), n);
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    int first = 0;
    while (!CPU_ISSET(first, &set))
        first++;
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    ck_assert_int_eq(sched_setaffinity(0, sizeof set, &set), 0);
    ck_assert_uint_eq(wf_cpu_count(), 1);
}

WT_TEST(a_quota_of_version_2)
{
    unsigned n = count_affinity();
    if (n < 2)
        wt_skip("one CPU has no room for a quota");
#define V2(text) \
    COUNT_WITH({ "/proc/self/cgroup", "0::/a/b\n" }, { "/sys/fs/cgroup/a/b/cpu.max", text })
    ck_assert_uint_eq(V2("max 100000\n"), n);
    ck_assert_uint_eq(V2("50000 100000\n"), 1);
    ck_assert_uint_eq(V2("100000 100000\n"), 1);
    ck_assert_uint_eq(V2("100001 100000\n"), 2);
    ck_assert_uint_eq(V2("9999999999999 100000\n"), n);
    ck_assert_uint_eq(V2("0 0\n"), n);
    ck_assert_uint_eq(V2("nonsense"), n);
    ck_assert_uint_eq(V2(""), n);
    /* The tightest of all the groups above counts, and the root may have one in a container. */
    ck_assert_uint_eq(COUNT_WITH({ "/proc/self/cgroup", "0::/a/b\n" },
                                 { "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n" },
                                 { "/sys/fs/cgroup/a/cpu.max", "1000 100000\n" }),
                      1);
    ck_assert_uint_eq(COUNT_WITH({ "/proc/self/cgroup", "0::/\n" },
                                 { "/sys/fs/cgroup/cpu.max", "20000 100000\n" }),
                      1);
}

WT_TEST(a_quota_of_version_1)
{
    unsigned n = count_affinity();
#define V1(quota)                                                                      \
    COUNT_WITH({ "/proc/self/cgroup", "9:cpuset:/x\n4:cpuacct,cpu:/a\n1:name=z:/\n" }, \
               { "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", quota },                     \
               { "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n" })
    ck_assert_uint_eq(V1("-1\n"), n);
    ck_assert_uint_eq(V1("10000\n"), 1);
    ck_assert_uint_eq(V1("10000000\n"), n);
    ck_assert_uint_eq(COUNT_WITH({ "/proc/self/cgroup", "nothing of use" }), n);
}

static void *refuse_to_alloc(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(without_memory_there_is_no_quota)
{
    wf_sys.alloc = refuse_to_alloc;
    ck_assert_uint_eq(wf_cpu_count(), count_affinity());
    wf_sys.alloc = wf_sys_real.alloc; /* for the end of the test */
}

WT_MAIN("plat_cpus")
