/* SPDX-License-Identifier: MIT
 * A folder's entries as receivers: views of the block that was read last, or names of their own. */
#include "blocking/pool.h"
#include "chan/source.h"
#include "io/entries.h"
#include "plat/mem.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

struct scan {
    struct wf_entries entries;
    const char *path;       /* until it is open */
    weft_dir_entry pending; /* of a list: what there was no memory for */
    bool has_pending;
};

static int open_job(void *arg)
{
    struct scan *scan = arg;
    return wf_entries_open(&scan->entries, AT_FDCWD, scan->path, 0);
}

static int end_job(void *arg)
{
    wf_entries_end(arg);
    return 0;
}

static int scan_recv(weft_receiver *rx, void *out)
{
    struct scan *scan = rx->source;
    int rc;
    while ((rc = wf_entries_next(&scan->entries, out)) == 0 && scan->entries.fd >= 0) {
        rc = wf_blocking_call("weft_dir_scan", wf_entries_read_job, &scan->entries);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* Without memory the entry is there again the next time: `pending` is kept. */
static int list_recv(weft_receiver *rx, void *out)
{
    struct scan *scan = rx->source;
    int rc = scan->has_pending ? 1 : scan_recv(rx, &scan->pending);
    if (rc <= 0)
        return rc;
    char *name = (char *)(uintptr_t)scan->pending.name;
    rc = weft_text_copy((weft_line){ name, strlen(name) }, out);
    scan->has_pending = rc < 0;
    return rc < 0 ? rc : 1;
}

static int scan_close(weft_receiver *rx)
{
    struct scan *scan = rx->source;
    (void)wf_blocking_call_shielded("weft_dir_scan", end_job, &scan->entries);
    wf_free(scan);
    return 0;
}

static const struct wf_source_ops scan_ops = {
    .kind = "folder",
    .recv = scan_recv,
    .close = scan_close,
};

static const struct wf_source_ops list_ops = {
    .kind = "folder",
    .recv = list_recv,
    .close = scan_close,
};

static int open_scan(const char *path, const struct wf_source_ops *ops, size_t elem_size,
                     weft_receiver **out)
{
    struct scan *scan = wf_alloc(1, sizeof *scan);
    if (scan == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(ops, scan, elem_size, __FILE__, __LINE__);
    scan->path = path;
    int rc = rx == NULL ? WEFT_ENOMEM : wf_blocking_call("weft_dir_scan", open_job, scan);
    if (rc >= 0) {
        *out = rx;
        return 0;
    }
    if (rx != NULL)
        wf_receiver_free(rx);
    wf_free(scan->entries.buf);
    wf_free(scan);
    return rc;
}

int weft_dir_scan_open(const char *path, weft_receiver **out_rx)
{
    wf_note_call();
    weft_receiver *rx;
    if (path == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    int rc = open_scan(path, &scan_ops, sizeof(weft_dir_entry), &rx);
    if (rc < 0)
        return rc;
    rx->lends_items = true;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}

int weft_dir_list_open(const char *path, weft_receiver **out_rx)
{
    wf_note_call();
    weft_receiver *rx;
    if (path == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    int rc = open_scan(path, &list_ops, sizeof(weft_text), &rx);
    if (rc < 0)
        return rc;
    rx->drop_item = weft_text_drop;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
