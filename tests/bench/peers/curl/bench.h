/* SPDX-License-Identifier: MIT */
#ifndef CURL_BENCH_H
#define CURL_BENCH_H

#include <curl/curl.h>
#include <stdint.h>

struct bench_case;

extern const struct bench_case poll_cases[], action_cases[];
extern int64_t n_bytes; /* that have come */

const char *address_of(const char *name);
CURL *easy_to(const char *url);
void allow_descriptors(void);

/* Many requests at once over one multi handle; each handle that is done is given the next. */
struct many {
    CURLM *multi;
    CURL **handles;
    int n_handles;
    int64_t n, n_left; /* in all; to be started */
    int64_t n_done;
};

void many_open(struct many *it, const char *url, int n_handles, int64_t n);
void many_start(struct many *it); /* all of them */
void many_next(struct many *it);  /* those that are done */
void many_close(struct many *it);

/* The same cases for each loop. */
void many_run(void (*loop)(struct many *it), const char *server, const char *path, int n_handles,
              int64_t n);

#endif
