/* SPDX-License-Identifier: MIT
 * How many CPUs this process may keep busy: its affinity, and a cgroup quota rounded up.
 *
 * A quota of one and a half CPUs makes two workers: the half is used, and throttling then hits
 * late in a period and not half of it. The quota that counts is the smallest from the process's
 * own group up to the root. Read once, at start; a quota that changes later is not followed. */
#define _GNU_SOURCE 1
#include "plat/thread.h"

#include "plat/mem.h"
#include "plat/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N_MASK_WORDS = 64, PATH_SIZE = 320 };

static unsigned count_affinity(void)
{
    unsigned long mask[N_MASK_WORDS] = { 0 };
    long size = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    if (size <= 0) { /* more CPUs than the mask has bits */
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        return online > 0 ? (unsigned)online : 1;
    }
    unsigned n = 0;
    for (size_t i = 0; i < (size_t)size / sizeof(mask[0]); i++)
        n += (unsigned)__builtin_popcountl(mask[i]);
    return WF_MAX(n, 1U);
}

/* The file's beginning as a string; false when it can't be read. */
static bool read_text(const char *path, char *out_text, size_t size)
{
    int fd = wf_sys.open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    ssize_t n = wf_sys.read(fd, out_text, size - 1);
    (void)wf_sys.close(fd);
    if (n < 0)
        return false;
    out_text[n] = '\0';
    return true;
}

static unsigned cpus_of_quota(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    long long n = (quota + period - 1) / period;
    return n > INT_MAX ? UINT_MAX : (unsigned)n;
}

/* cpu.max: "max 100000" or "150000 100000". */
static unsigned quota_v2(const char *dir)
{
    char path[PATH_SIZE + 16], text[64];
    long long quota, period;
    (void)snprintf(path, sizeof(path), "%s/cpu.max", dir);
    if (!read_text(path, text, sizeof(text)))
        return UINT_MAX;
    return sscanf(text, "%lld %lld", &quota, &period) == 2 ? cpus_of_quota(quota, period)
                                                           : UINT_MAX;
}

static unsigned quota_v1(const char *dir)
{
    char path[PATH_SIZE + 32], quota[32], period[32];
    (void)snprintf(path, sizeof(path), "%s/cpu.cfs_quota_us", dir);
    if (!read_text(path, quota, sizeof(quota)))
        return UINT_MAX;
    (void)snprintf(path, sizeof(path), "%s/cpu.cfs_period_us", dir);
    if (!read_text(path, period, sizeof(period)))
        return UINT_MAX;
    return cpus_of_quota(atoll(quota), atoll(period));
}

/* The smallest quota from root/group up to root. A group that can't be read, as in a container
 * that sees only its own part of the tree, does not count. */
static WF_NOINLINE unsigned quota_upwards(const char *root, const char *group,
                                          unsigned (*quota_of)(const char *dir))
{
    char dir[PATH_SIZE];
    int size = snprintf(dir, sizeof(dir), "%s%s", root, group);
    if (size < 0 || (size_t)size >= sizeof(dir))
        return UINT_MAX;
    unsigned least = UINT_MAX;
    size_t root_size = strlen(root);
    for (;;) {
        unsigned n = quota_of(dir);
        least = WF_MIN(least, n);
        char *slash = strrchr(dir + root_size, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* True when `name` is one of the comma separated controllers. */
static bool lists_controller(const char *controllers, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = controllers; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

/* A line of /proc/self/cgroup: number ':' controllers ':' path; the version 2 tree has none. */
static unsigned quota_of_line(char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    if (group == NULL)
        return UINT_MAX;
    *group++ = '\0';
    controllers++;
    if (*controllers == '\0')
        return quota_upwards("/sys/fs/cgroup", group, quota_v2);
    if (lists_controller(controllers, "cpu"))
        return quota_upwards("/sys/fs/cgroup/cpu", group, quota_v1);
    return UINT_MAX;
}

static unsigned least_of_lines(char *text)
{
    unsigned least = UINT_MAX;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned n = quota_of_line(line);
        least = WF_MIN(least, n);
    }
    return least;
}

static unsigned count_quota(void)
{
    /* Version 1 has a line per controller, each with the whole path. */
    enum { TEXT_SIZE = 8192 };
    char *text = wf_alloc(1, TEXT_SIZE);
    if (text == NULL)
        return UINT_MAX;
    bool is_read = read_text("/proc/self/cgroup", text, TEXT_SIZE);
    unsigned least = is_read ? least_of_lines(text) : UINT_MAX;
    wf_free(text);
    return least;
}

unsigned wf_cpu_count(void)
{
    unsigned affinity = count_affinity(), quota = count_quota();
    return WF_MIN(affinity, quota);
}
