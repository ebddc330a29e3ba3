/* SPDX-License-Identifier: MIT */
/* The downloads: workers that take the next one, and sha256sum for what has come. */
#include <stdio.h>
#include <string.h>

#include "downloader.h"

/* 1: the file has this checksum, 0: another. */
static int check_sum(const struct item *item)
{
    const char *const argv[] = { "sha256sum", "--", item->path, NULL };
    weft_output output = { 0 };
    WEFT_TRY(weft_process_run(argv, NULL, NULL, 0, &output));
    const char *line = output.out.data;
    if (line != NULL && line[0] == '\\') /* how it tells that there is something odd in the name */
        line++;
    int rc = line == NULL || output.exit.code != 0 || output.exit.signal != 0
                 ? -EIO
                 : strncmp(line, item->sum, SUM_SIZE) == 0;
    weft_output_drop(&output);
    return rc;
}

static int is_here(const struct item *item)
{
    if (item->sum[0] == '\0')
        return 0;
    int rc = weft_path_is_file(item->path);
    return rc > 0 ? check_sum(item) : rc;
}

/* What is not what it should be has another name than what is. */
static int verify(struct item *item)
{
    char bad[sizeof item->path + 8];
    if (item->sum[0] == '\0')
        return 0;
    int rc = check_sum(item);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    item->is_wrong = true;
    (void)snprintf(bad, sizeof bad, "%s.bad", item->path);
    return weft_path_rename(item->path, bad);
}

static int fetch_item(weft_http_session *session, struct item *item)
{
    int rc = is_here(item);
    item->was_here = rc > 0;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = weft_http_download(session, item->url, item->path,
                            WEFT_OPTS(http_download, .progress = item->progress_tx),
                            &item->progress);
    return rc < 0 ? rc : verify(item);
}

/* There is room for all in `done`: that one is over is told also when we are cancelled. */
WEFT_TASK(work, (weft_http_session *, session), (rx, struct item *, items),
          (tx, struct item *, done))
{
    weft_each (item, items) {
        item->rc = fetch_item(session, item);
        WEFT_TRY(weft_try_send(done, item));
    }
    return weft_error(items);
}

/* A signal cancels the workers, and is no error: what has come stays for the next time. */
WEFT_TASK(fetch, (struct job *, job), (rx, struct item *, items), (tx, struct item *, done))
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_SCOPE(scope, .name = "downloads");
    WEFT_AUTO(weft_interrupt, interrupt);
    WEFT_TRY(weft_interrupt_open(&scope, &interrupt));
    WEFT_TRY(weft_spawn_n(&scope, (int)job->limit, work, session, weft_ref(items), weft_ref(done)));
    int rc = weft_scope_wait(&scope);
    job->signal = weft_interrupt_signal(interrupt);
    return job->signal != 0 ? 0 : rc;
}

static int queue_all(struct job *job, weft_rx(struct item *) * out_items)
{
    WEFT_TX(struct item *, tx);
    WEFT_TRY(weft_chan_open(&tx, out_items, job->n_items));
    for (size_t i = 0; i < job->n_items; i++) {
        struct item *item = &job->items[i];
        WEFT_TRY(weft_watch_open(&item->progress_tx, &item->progress_rx));
        WEFT_TRY(weft_try_send(tx, item));
    }
    return 0;
}

int run_job(void *arg)
{
    struct job *job = arg;
    WEFT_RX(struct item *, items);
    WEFT_TX(struct item *, done_tx);
    WEFT_RX(struct item *, done);
    WEFT_TRY(queue_all(job, &items));
    WEFT_TRY(weft_chan_open(&done_tx, &done, job->n_items));
    WEFT_SCOPE(scope, .name = "job");
    WEFT_TRY(weft_spawn(&scope, fetch, job, WEFT_MOVE(items), WEFT_MOVE(done_tx)));
    WEFT_TRY(show_all(job, done));
    return weft_scope_wait(&scope);
}
