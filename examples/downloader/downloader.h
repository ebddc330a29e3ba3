/* SPDX-License-Identifier: MIT */
#ifndef DOWNLOADER_H
#define DOWNLOADER_H

#include <weft.h>
#include <weft/http.h>
#include <weft/http_download.h>

enum { SUM_SIZE = 64 };

/* One file. It is its worker's until that has sent it through `done`, but for the watch. */
struct item {
    const char *url;
    char name[256], path[512];
    char sum[SUM_SIZE + 1]; /* of its bytes, in hex; "" unless it is given */
    weft_tx(weft_http_progress) progress_tx;
    weft_rx(weft_http_progress) progress_rx;
    weft_http_progress progress; /* how far it came */
    int rc;
    bool was_here, is_wrong;
    bool is_over; /* the show's: it has come through `done` */
};

struct job {
    struct item *items;
    size_t n_items;
    unsigned limit; /* downloads at once */
    int signal;     /* what has ended it early; 0: nothing */
};

/* fetch.c: a struct job, as a main task. */
int run_job(void *job);

/* show.c: what becomes of the files, until all have come through `done`, or that ends. */
int show_all(const struct job *job, weft_rx(struct item *) done);

#endif
