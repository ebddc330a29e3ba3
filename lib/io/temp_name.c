/* SPDX-License-Identifier: MIT
 * A name is tried by making the file, which fails if there is one: no gap between looking and
 * making. So the letters need not be unforeseeable, only different: from the clock, a counter and
 * the process. */
#include "io/temp_name.h"

#include "plat/atomic.h"
#include "plat/clock.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>

enum { N_LETTERS = 16, MOST_TRIES = 100, MODE = 0600 };

static _Atomic uint64_t n_names; /* any thread adds; only differs */

static void write_letters(char *to)
{
    uint64_t mixed = (uint64_t)wf_clock_now() ^ (uint64_t)getpid() << 40;
    mixed = (mixed + wf_add_rlx(&n_names, (uint64_t)1)) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 29;
    for (int i = 0; i < N_LETTERS; i++, mixed >>= 4)
        to[i] = "abcdefghijklmnop"[mixed & 15];
}

static int try_names(char *path, char *letters, int (*make)(const char *path, void *arg), void *arg)
{
    int rc = -EEXIST;
    for (int i = 0; i < MOST_TRIES && rc == -EEXIST; i++) {
        write_letters(letters);
        rc = make(path, arg);
    }
    return rc;
}

static int make_in(const char *folder, const char *prefix, const char *suffix,
                   int (*make)(const char *path, void *arg), void *arg, char **out_path)
{
    size_t head = strlen(folder) + 1 + strlen(prefix), tail = strlen(suffix) + 1;
    size_t size = head + N_LETTERS + tail;
    char *path = wf_alloc(1, size);
    if (path == NULL)
        return WEFT_ENOMEM;
    (void)snprintf(path, size, "%s/%s%.*s%s", folder, prefix, N_LETTERS, "________________",
                   suffix);
    int rc = try_names(path, path + head, make, arg);
    if (rc < 0)
        wf_free(path);
    else
        *out_path = path;
    return rc;
}

/* Who removes it may have another working folder by then. */
int wf_temp_make(const char *folder, const char *prefix, const char *suffix,
                 int (*make)(const char *path, void *arg), void *arg, char **out_path)
{
    char *absolute;
    int rc = wf_path_make_absolute(folder, &absolute);
    if (rc < 0)
        return rc;
    rc = make_in(absolute, prefix, suffix, make, arg, out_path);
    wf_free(absolute);
    return rc;
}

static int open_and_unlink(const char *path, void *unused)
{
    (void)unused;
    int fd = wf_fs.open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, MODE);
    if (fd >= 0)
        (void)wf_fs.unlink_at(AT_FDCWD, path, 0);
    return fd;
}

/* Not every file system can make one without a name: there it loses its name at once. */
int wf_temp_open_unnamed(const char *folder)
{
    int fd = wf_fs.open_at(AT_FDCWD, folder, O_TMPFILE | O_RDWR, MODE);
    if (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL)
        return fd;
    char *path;
    fd = wf_temp_make(folder, ".weft-", "", open_and_unlink, NULL, &path);
    if (fd >= 0)
        wf_free(path);
    return fd;
}
