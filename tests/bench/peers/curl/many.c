/* SPDX-License-Identifier: MIT */
#include "../common.h"
#include "bench.h"

void many_open(struct many *it, const char *url, int n_handles, int64_t n)
{
    it->multi = curl_multi_init();
    it->handles = calloc((size_t)n_handles, sizeof *it->handles);
    if (it->multi == NULL || it->handles == NULL)
        fail("no memory");
    curl_multi_setopt(it->multi, CURLMOPT_MAXCONNECTS, (long)n_handles);
    for (int i = 0; i < n_handles; i++)
        it->handles[i] = easy_to(url);
    it->n_handles = n_handles;
    it->n = it->n_left = n;
    it->n_done = 0;
}

static void start(struct many *it, CURL *easy)
{
    if (it->n_left-- > 0 && curl_multi_add_handle(it->multi, easy) != CURLM_OK)
        fail("a handle");
}

void many_start(struct many *it)
{
    for (int i = 0; i < it->n_handles && it->n_left > 0; i++)
        start(it, it->handles[i]);
}

void many_next(struct many *it)
{
    int n_left;
    for (CURLMsg *message; (message = curl_multi_info_read(it->multi, &n_left)) != NULL;) {
        CURL *easy = message->easy_handle;
        if (message->data.result != CURLE_OK)
            fail(curl_easy_strerror(message->data.result));
        it->n_done++;
        curl_multi_remove_handle(it->multi, easy);
        if (it->n_left > 0)
            start(it, easy);
    }
}

void many_close(struct many *it)
{
    for (int i = 0; i < it->n_handles; i++)
        curl_easy_cleanup(it->handles[i]);
    curl_multi_cleanup(it->multi);
    free(it->handles);
}

void many_run(void (*loop)(struct many *it), const char *server, const char *path, int n_handles,
              int64_t n)
{
    struct many it;
    char url[256];
    allow_descriptors();
    (void)snprintf(url, sizeof url, "%s%s", address_of(server), path);
    many_open(&it, url, n_handles, n);
    int64_t start_ns = now_ns();
    loop(&it);
    int64_t took_ns = now_ns() - start_ns;
    check("answers", it.n_done, n);
    check("bytes", n_bytes, n * 1024);
    if (strcmp(path, "/later") == 0)
        in_ms(took_ns);
    else
        per_op(took_ns, n);
    many_close(&it);
}
