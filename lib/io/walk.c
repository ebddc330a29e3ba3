/* SPDX-License-Identifier: MIT
 * All that lies below a folder, as a receiver.
 *
 *   V1  levels[0 .. n_levels) are the folders from the walk's own down to the one being listed;
 *       each is opened below the one before, so nothing that is renamed or made a link meanwhile
 *       leads the walk elsewhere.
 *   V2  path holds the entry that was given last; its first path_size bytes of a level name that
 *       level's folder, without a slash behind.
 *   V3  to_enter: the entry given last is a folder that the next receive goes into first.
 *
 * An error is an item of its own: the walk of a large tree does not end with the first folder that
 * belongs to somebody else. */
#include "blocking/pool.h"
#include "base/opts.h"
#include "chan/source.h"
#include "io/entries.h"
#include "plat/mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* A slash, the longest name (the kernel hands out none of PATH_MAX bytes, though some file systems
 * have ones far over NAME_MAX), and the 0 byte. */
enum { NAME_ROOM = PATH_MAX + 2 };

struct level {
    struct wf_entries entries;
    size_t path_size;
};

struct walk {
    struct level *levels;
    size_t n_levels, levels_room;
    char *path;
    size_t path_room;
    unsigned max_depth;
    bool to_enter;
};

static struct level *deepest(struct walk *walk) { return &walk->levels[walk->n_levels - 1]; }

static bool have_path_room(struct walk *walk, size_t size)
{
    if (size <= walk->path_room)
        return true;
    size_t room = wf_size_with(size, 1, size);
    char *path = room <= PTRDIFF_MAX ? wf_realloc(walk->path, room) : NULL;
    if (path == NULL)
        return false;
    walk->path = path;
    walk->path_room = room;
    return true;
}

static bool have_level_room(struct walk *walk)
{
    if (walk->n_levels < walk->levels_room)
        return true;
    size_t room = walk->levels_room * 2 + 8;
    struct level *levels = wf_realloc(walk->levels, room * sizeof *levels);
    if (levels == NULL)
        return false;
    walk->levels = levels;
    walk->levels_room = room;
    return true;
}

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static int give(struct walk *walk, weft_entry_kind kind, size_t depth, int error,
                weft_walk_entry *out)
{
    *out = (weft_walk_entry){ .path = walk->path,
                              .name = name_in(walk->path),
                              .kind = kind,
                              .depth = (unsigned)depth,
                              .error = error };
    return 1;
}

/* ---- jobs ------------------------------------------------------------------------------------------ */

/* Opens the folder that path names, below the deepest, and reads its first block. */
static int enter_job(void *arg)
{
    struct walk *walk = arg;
    struct level *next = &walk->levels[walk->n_levels];
    bool is_first = walk->n_levels == 0;
    int rc = wf_entries_open(&next->entries, is_first ? AT_FDCWD : deepest(walk)->entries.fd,
                             is_first ? walk->path : name_in(walk->path),
                             is_first ? 0 : O_NOFOLLOW);
    if (rc == 0)
        rc = wf_entries_read_job(&next->entries);
    if (rc < 0)
        wf_entries_end(&next->entries);
    return rc;
}

static int leave_all_job(void *arg)
{
    struct walk *walk = arg;
    while (walk->n_levels > 0)
        wf_entries_end(&walk->levels[--walk->n_levels].entries);
    return 0;
}

static int enter(struct walk *walk)
{
    if (!have_level_room(walk))
        return WEFT_ENOMEM;
    int rc = wf_blocking_call("weft_dir_walk", enter_job, walk);
    if (rc < 0)
        return rc;
    walk->levels[walk->n_levels].path_size = strlen(walk->path);
    walk->n_levels++;
    return 0;
}

/* The folder itself is closed already (wf_entries_read_job). */
static void leave(struct walk *walk) { wf_free(walk->levels[--walk->n_levels].entries.buf); }

/* ---- one entry --------------------------------------------------------------------------------------- */

static int give_entry(struct walk *walk, const weft_dir_entry *entry, weft_walk_entry *out)
{
    size_t at = deepest(walk)->path_size, size = strlen(entry->name) + 1;
    if (at > 0 && walk->path[at - 1] != '/')
        walk->path[at++] = '/';
    memcpy(walk->path + at, entry->name, size);
    walk->to_enter = entry->kind == WEFT_ENTRY_DIR && walk->n_levels < walk->max_depth;
    return give(walk, entry->kind, walk->n_levels, 0, out);
}

static int give_error(struct walk *walk, int error, weft_walk_entry *out)
{
    if (error == WEFT_ECANCELED || error == WEFT_ENOMEM || error == WEFT_EAGAIN)
        return error;
    return give(walk, WEFT_ENTRY_DIR, walk->n_levels, error, out);
}

/* Goes into the folder that was given last. What there was no memory or thread for may be tried
 * again; any other error is the folder's. */
static int go_in(struct walk *walk, weft_walk_entry *out)
{
    int rc = enter(walk);
    if (rc == 0) {
        walk->to_enter = false;
        return 0;
    }
    rc = give_error(walk, rc, out);
    walk->to_enter = rc < 0;
    return rc;
}

/* The next block, or back to the folder above. 1: an error is given. */
static int go_on(struct walk *walk, weft_walk_entry *out)
{
    struct level *level = deepest(walk);
    if (level->entries.fd < 0) {
        leave(walk);
        return 0;
    }
    int rc = wf_blocking_call("weft_dir_walk", wf_entries_read_job, &level->entries);
    if (rc >= 0)
        return 0;
    walk->path[level->path_size] = '\0';
    rc = give_error(walk, rc, out);
    if (rc > 0) {
        out->depth--;
        leave(walk);
    }
    return rc;
}

static int walk_recv(weft_receiver *rx, void *out)
{
    struct walk *walk = rx->source;
    weft_dir_entry entry;
    int rc = walk->to_enter ? go_in(walk, out) : 0;
    while (rc == 0 && walk->n_levels > 0) {
        struct level *level = deepest(walk);
        /* Room first: an entry that was taken off is given. */
        if (!have_path_room(walk, level->path_size + NAME_ROOM))
            return WEFT_ENOMEM;
        if (wf_entries_next(&level->entries, &entry) > 0)
            return give_entry(walk, &entry, out);
        rc = go_on(walk, out);
    }
    return rc;
}

static void free_walk(struct walk *walk)
{
    wf_free(walk->levels);
    wf_free(walk->path);
    wf_free(walk);
}

static int walk_close(weft_receiver *rx)
{
    struct walk *walk = rx->source;
    (void)wf_blocking_call_shielded("weft_dir_walk", leave_all_job, walk);
    free_walk(walk);
    return 0;
}

static const struct wf_source_ops walk_ops = {
    .kind = "walk",
    .recv = walk_recv,
    .close = walk_close,
};

/* ---- opening ------------------------------------------------------------------------------------------- */

static struct walk *make_walk(const char *path, const weft_walk_opts *user_opts)
{
    weft_walk_opts opts = { .size_ = 0 };
    wf_opts_copy(&opts, sizeof(opts), user_opts);
    struct walk *walk = wf_alloc(1, sizeof *walk);
    if (walk == NULL)
        return NULL;
    walk->max_depth = opts.max_depth > 0 ? opts.max_depth : UINT32_MAX;
    size_t size = strlen(path) + 1;
    if (have_path_room(walk, size)) {
        memcpy(walk->path, path, size);
        return walk;
    }
    wf_free(walk);
    return NULL;
}

int weft_dir_walk_open(const char *path, const weft_walk_opts *opts, weft_receiver **out_rx)
{
    wf_note_call();
    if (path == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    struct walk *walk = make_walk(path, opts);
    if (walk == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(&walk_ops, walk, sizeof(weft_walk_entry), __FILE__,
                                         __LINE__);
    int rc = rx == NULL ? WEFT_ENOMEM : enter(walk);
    if (rc < 0) {
        if (rx != NULL)
            wf_receiver_free(rx);
        free_walk(walk);
        return rc;
    }
    rx->lends_items = true;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
