/* SPDX-License-Identifier: MIT
 * Guards: MADV_GUARD_INSTALL where it works, mprotect elsewhere.
 *
 * The first marks page table entries and leaves the mapping in one piece. The second splits it in
 * two, and a process has vm.max_map_count mappings.
 *
 * The return code of madvise is no proof: user-mode emulators answer 0 to advice that they don't
 * know. So the probe lets the kernel touch the guarded page in our place: write(2) from it to a
 * pipe has to fail with EFAULT.
 *
 * Rejected: touching it ourselves under a SIGSEGV handler. The handler is process-wide, and the
 * runtime may start while other threads fault for reasons of their own. */
#define _GNU_SOURCE 1
#include "plat/stack_guard.h"

#include "plat/sanitizer.h"
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { GUARD_INSTALL = 102 }; /* MADV_GUARD_INSTALL: Linux 6.13, newer than our headers */

size_t wf_page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

int wf_guard_by_madvise(void *base, size_t size)
{
    int rc;
    /* Interrupted, or another thread was changing the same page tables. */
    do
        rc = wf_sys.advise(base, size, GUARD_INSTALL);
    while (rc == -EINTR || rc == -EAGAIN);
    return rc;
}

int wf_guard_by_mprotect(void *base, size_t size) { return wf_sys.protect_none(base, size); }

static bool kernel_faults_on(const char *byte)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return false;
    bool has_faulted = write(ends[1], byte, 1) < 0 && errno == EFAULT;
    close(ends[0]);
    close(ends[1]);
    return has_faulted;
}

bool wf_guard_probe(void)
{
    /* Valgrind does not know these guards: its leak check takes a fault for each page of them. */
    if (wf_san_is_valgrind())
        return false;
    size_t size = wf_page_size();
    char *page = wf_sys.map(size);
    if (page == NULL)
        return false;
    *page = 1; /* a guard has to hold on memory that was in use as well */
    bool holds = !kernel_faults_on(page) && wf_guard_by_madvise(page, size) == 0 &&
                 kernel_faults_on(page);
    (void)wf_sys.unmap(page, size);
    return holds;
}

/* The number at the start of a file, or `otherwise`. */
static size_t read_number(const char *path, size_t otherwise)
{
    char text[32];
    int fd = wf_sys.open(path, O_RDONLY, 0);
    if (fd < 0)
        return otherwise;
    ssize_t n = wf_sys.read(fd, text, sizeof(text) - 1);
    (void)wf_sys.close(fd);
    if (n <= 0)
        return otherwise;
    text[n] = '\0';
    return strtoul(text, NULL, 10);
}

static size_t count_mappings(void)
{
    char text[512];
    size_t n_lines = 0;
    ssize_t n;
    int fd = wf_sys.open("/proc/self/maps", O_RDONLY, 0);
    if (fd < 0)
        return 0;
    while ((n = wf_sys.read(fd, text, sizeof(text))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            n_lines += text[i] == '\n';
    }
    (void)wf_sys.close(fd);
    return n_lines;
}

size_t wf_guard_mprotect_limit(void)
{
    size_t max = read_number("/proc/sys/vm/max_map_count", 65530);
    /* A sixteenth and a thousand stay for what the program maps later. */
    size_t taken = count_mappings() + max / 16 + 1000;
    return max > taken ? (max - taken) / 2 : 0;
}
