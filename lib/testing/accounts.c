/* SPDX-License-Identifier: MIT
 * What a run left behind, by weft's own accounts and the system's. */
#include "chan/registry.h"
#include "plat/mem.h"
#include "sched/worker.h"
#include "task/scope.h"
#include "testing/points.h"

#include <string.h>

enum { FD_TEXT = 200 };

static uint64_t lost_values(void)
{
    uint64_t sent, received, dropped;
    wf_chan_totals(&sent, &received, &dropped);
    return sent - received - dropped;
}

void wf_accounts_begin(struct wf_accounts *before)
{
    before->n_blocks = wf_mem_live();
    before->n_lost = lost_values();
    wf_fds_open(&before->fds);
}

/* ---- when the scope has been left --------------------------------------------------------------- */

/* Detached ones, in the scope of weft_run: all but the one that asks. */
static void add_tasks(struct wf_text *text)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL || self->scope == NULL)
        return;
    struct wf_scope *root = wf_scope_of(self->scope);
    wf_lock_acquire(&root->lock);
    wf_list_each (link, &root->tasks) {
        struct wf_task *task = WF_CONTAINER(link, struct wf_task, home_link);
        if (&task->waiter != self)
            wf_text_add(text, "  left: task #%llu \"%s\", spawned at %s:%d\n",
                        (unsigned long long)task->waiter.id, task->waiter.name, task->spawn_file,
                        task->spawn_line);
    }
    wf_lock_release(&root->lock);
}

void wf_accounts_check_scope(struct wf_point_run *run)
{
    struct wf_text text;
    wf_text_init(&text);
    add_tasks(&text);
    wf_point_fail(run, "%.*s", (int)text.size, text.data);
    wf_text_free(&text);
}

/* ---- when the runtime has ended ------------------------------------------------------------------- */

static void add_chan(struct wf_chan *ch, void *arg)
{
    wf_text_add(arg, "  left: ");
    wf_chan_describe(ch, arg);
    wf_text_add(arg, "\n");
}

/* Not earlier: a generator's channel goes with the last thing that its task does. */
static bool has_chans(struct wf_point_run *run)
{
    struct wf_text text;
    wf_text_init(&text);
    wf_chan_each(add_chan, &text);
    bool has_some = text.size > 0;
    wf_point_fail(run, "%.*s", (int)text.size, text.data);
    wf_text_free(&text);
    return has_some;
}

/* What a channel that is left holds is not told once more. */
static void check_memory(struct wf_point_run *run, const struct wf_accounts *before)
{
    if (has_chans(run))
        return;
    size_t n_blocks = wf_mem_live();
    uint64_t n_lost = lost_values();
    if (n_blocks != before->n_blocks)
        wf_point_fail(run, "  left: %lld blocks of weft's memory\n",
                      (long long)n_blocks - (long long)before->n_blocks);
    if (n_lost != before->n_lost)
        wf_point_fail(run, "  left: %lld values accepted, neither received nor dropped\n",
                      (long long)n_lost - (long long)before->n_lost);
    if (wf_process_has_lost_memory())
        wf_point_fail(run, "  left: memory that nobody points to, as reported above\n");
}

static void check_fds(struct wf_point_run *run, const struct wf_fd_set *before)
{
    struct wf_fd_set now;
    char what[FD_TEXT];
    wf_fds_open(&now);
    for (int fd = 0; fd < WF_FD_LIMIT; fd++) {
        bool was_open = wf_fds_has(before, fd), is_open = wf_fds_has(&now, fd);
        if (is_open && !was_open) {
            wf_fd_describe(fd, what, sizeof what);
            wf_point_fail(run, "  left: file descriptor %d (%s)\n", fd, what);
        } else if (was_open && !is_open) {
            wf_point_fail(run, "  file descriptor %d, not the scenario's, is closed\n", fd);
        }
    }
}

void wf_accounts_check_end(struct wf_point_run *run, const struct wf_accounts *before)
{
    check_memory(run, before);
    check_fds(run, &before->fds);
}
