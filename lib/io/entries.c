/* SPDX-License-Identifier: MIT */
#include "io/entries.h"

#include "plat/fs.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_SIZE = 32 << 10 };

int wf_entries_open(struct wf_entries *in, int at, const char *path, int flags)
{
    *in = (struct wf_entries){ .fd = -1, .buf = wf_realloc(NULL, BLOCK_SIZE) };
    if (in->buf == NULL)
        return WEFT_ENOMEM;
    int fd = wf_fs.open_at(at, path, O_RDONLY | O_DIRECTORY | flags, 0);
    if (fd < 0)
        return fd;
    in->fd = fd;
    return 0;
}

static struct dirent64 *entry_at(const struct wf_entries *in, size_t at)
{
    return (struct dirent64 *)(void *)(in->buf + at);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static weft_entry_kind kind_of(unsigned char type)
{
    switch (type) {
    case DT_REG: return WEFT_ENTRY_FILE;
    case DT_DIR: return WEFT_ENTRY_DIR;
    case DT_LNK: return WEFT_ENTRY_LINK;
    default: return WEFT_ENTRY_OTHER;
    }
}

int wf_entries_next(struct wf_entries *in, weft_dir_entry *out)
{
    while (in->at < in->end) {
        const struct dirent64 *entry = entry_at(in, in->at);
        in->at += entry->d_reclen;
        if (is_dots(entry->d_name))
            continue;
        *out = (weft_dir_entry){ entry->d_name, kind_of(entry->d_type), entry->d_ino };
        return 1;
    }
    return 0;
}

static void close_folder(struct wf_entries *in)
{
    if (in->fd >= 0)
        (void)wf_sys.close(in->fd);
    in->fd = -1;
}

/* Some file systems don't say what an entry is. */
static void ask_for_kinds(const struct wf_entries *in)
{
    struct stat about;
    for (size_t at = 0; at < in->end; at += entry_at(in, at)->d_reclen) {
        struct dirent64 *entry = entry_at(in, at);
        if (entry->d_type == DT_UNKNOWN &&
            wf_fs.stat_at(in->fd, entry->d_name, AT_SYMLINK_NOFOLLOW, &about) == 0)
            entry->d_type = IFTODT(about.st_mode);
    }
}

/* The system's ENOENT is of a folder that was removed since: there is nothing left in it. */
static ssize_t read_block(const struct wf_entries *in)
{
    ssize_t n = in->fd >= 0 ? wf_fs.entries(in->fd, in->buf, BLOCK_SIZE) : 0;
    return n == -ENOENT ? 0 : n;
}

int wf_entries_read(struct wf_entries *in)
{
    in->at = in->end = 0;
    ssize_t n = read_block(in);
    if (n <= 0)
        return (int)n;
    in->end = (size_t)n;
    ask_for_kinds(in);
    return 1;
}

int wf_entries_read_job(void *arg)
{
    int rc = wf_entries_read(arg);
    if (rc <= 0)
        close_folder(arg);
    return WF_MIN(rc, 0);
}

int wf_entries_pause(struct wf_entries *in)
{
    off_t at = wf_sys.seek(in->fd, 0, SEEK_CUR);
    if (at < 0)
        return (int)at;
    in->paused_at = at;
    close_folder(in);
    char *smaller = wf_realloc(in->buf, WF_MAX(in->end, (size_t)1));
    if (smaller != NULL)
        in->buf = smaller;
    return 0;
}

int wf_entries_resume(struct wf_entries *in, int fd)
{
    char *larger = wf_realloc(in->buf, BLOCK_SIZE);
    if (larger != NULL)
        in->buf = larger;
    off_t at = larger != NULL ? wf_sys.seek(fd, in->paused_at, SEEK_SET) : WEFT_ENOMEM;
    if (at < 0) {
        (void)wf_sys.close(fd);
        return (int)at;
    }
    in->fd = fd;
    return 0;
}

void wf_entries_end(struct wf_entries *in)
{
    close_folder(in);
    wf_free(in->buf);
    in->buf = NULL;
}
