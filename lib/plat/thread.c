/* SPDX-License-Identifier: MIT
 * OS threads over pthread. How many CPUs they may use is cpus.c's.
 *
 * A thread of weft's never runs a user's signal handler: it starts with every asynchronous
 * signal blocked, so that the kernel picks a thread of the program. Open to it are what it causes
 * itself (a fault must reach its handler) and SIGPROF (a profiler wants to see it). */
#define _GNU_SOURCE 1
#include "plat/thread.h"

#include "plat/mem.h"
#include "plat/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Owned by the creator until the thread exists, by the thread afterwards. */
struct start {
    void (*fn)(void *);
    void *arg;
    char name[16]; /* what the kernel keeps, its NUL included */
};

static void *begin(void *opaque)
{
    struct start start = *(struct start *)opaque;
    wf_free(opaque);
    (void)prctl(PR_SET_NAME, start.name);
    start.fn(start.arg);
    return NULL;
}

static int create_deaf(pthread_t *out, struct start *start)
{
    static const int heard[] = {
        SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF
    };
    sigset_t deaf, before;
    sigfillset(&deaf);
    for (size_t i = 0; i < WF_ARRAY_SIZE(heard); i++)
        sigdelset(&deaf, heard[i]);
    pthread_sigmask(SIG_SETMASK, &deaf, &before);
    int rc = pthread_create(out, NULL, begin, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

int wf_sys_thread_create(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    struct start *start = wf_alloc(1, sizeof(*start));
    if (start == NULL)
        return -ENOMEM;
    start->fn = fn;
    start->arg = arg;
    strncpy(start->name, name, sizeof(start->name) - 1);
    pthread_t thread;
    int rc = create_deaf(&thread, start);
    if (rc < 0) {
        wf_free(start);
        return rc;
    }
    *out = (uintptr_t)thread;
    return 0;
}

int wf_thread_create(struct wf_os_thread *out, const char *name, void (*fn)(void *), void *arg)
{
    return wf_sys.thread_create(&out->handle, name, fn, arg);
}

void wf_thread_join(struct wf_os_thread *thread)
{
    (void)pthread_join((pthread_t)thread->handle, NULL);
}

void wf_thread_detach(struct wf_os_thread *thread)
{
    (void)pthread_detach((pthread_t)thread->handle);
}

void wf_thread_rename(const char *name) { (void)prctl(PR_SET_NAME, name); }

void wf_thread_yield(void) { (void)sched_yield(); }

#ifndef WF_TSAN

/* Field 20 of /proc/self/stat. The second is the program's name in parentheses, which may hold
 * anything, so the count starts after the last of them. */
int wf_thread_count(void)
{
    char text[512];
    int fd = wf_sys.open("/proc/self/stat", O_RDONLY, 0);
    if (fd < 0)
        return -1;
    ssize_t size = wf_sys.read(fd, text, sizeof(text) - 1);
    (void)wf_sys.close(fd);
    if (size <= 0)
        return -1;
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 20; field++)
        at = strchr(at + 1, ' ');
    int n = at == NULL ? -1 : atoi(at);
    return n > 0 ? n : -1; /* qemu-user says 0 */
}

#else

/* TSan has threads of its own, after a fork more than before. They block SIGSEGV, which no other
 * thread does. */
static int is_program_thread(const char *task)
{
    char path[288], text[4096];
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
    int fd = wf_sys.open(path, O_RDONLY, 0);
    if (fd == -ENOENT)
        return 0; /* it has just ended */
    if (fd < 0)
        return fd;
    ssize_t size = wf_sys.read(fd, text, sizeof(text) - 1);
    (void)wf_sys.close(fd);
    if (size <= 0)
        return size == -ESRCH ? 0 : -EIO;
    text[size] = '\0';
    const char *blocked = strstr(text, "SigBlk:");
    return blocked != NULL && (strtoull(blocked + 7, NULL, 16) >> (SIGSEGV - 1) & 1) == 0;
}

int wf_thread_count(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = tasks == NULL ? -1 : 0;
    for (const struct dirent *entry; n >= 0 && (entry = readdir(tasks)) != NULL;) {
        int rc = entry->d_name[0] == '.' ? 0 : is_program_thread(entry->d_name);
        n = rc < 0 ? -1 : n + rc;
    }
    if (tasks != NULL)
        (void)closedir(tasks);
    return n > 0 ? n : -1;
}

#endif

int wf_thread_id(void) { return (int)syscall(SYS_gettid); }
