/* SPDX-License-Identifier: MIT */
/* bench poll|action|easy CASE N WORKERS: plain libcurl, as its manual shows it. */
#include "../common.h"
#include "bench.h"

#include <sys/resource.h>

int64_t n_bytes;

static size_t sink(char *data, size_t size, size_t n, void *unused)
{
    (void)data, (void)unused;
    n_bytes += (int64_t)(size * n);
    return size * n;
}

const char *address_of(const char *name)
{
    const char *address = getenv(name);
    if (address == NULL)
        fail("tests/bench/run starts the servers");
    return address;
}

CURL *easy_to(const char *url)
{
    CURL *easy = curl_easy_init();
    if (easy == NULL)
        fail("no handle");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, sink);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
    /* What weft's requests say: libcurl writes each header byte by byte, twice. */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "weft");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    return easy;
}

void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- one at a time ----------------------------------------------------------------------------- */

static void perform(CURL *easy)
{
    if (curl_easy_perform(easy) != CURLE_OK)
        fail("a request");
}

static void seq(int64_t n, int workers)
{
    (void)workers;
    char url[256];
    (void)snprintf(url, sizeof url, "%s/1k", address_of("BENCH_HTTP"));
    CURL *easy = easy_to(url);
    perform(easy);
    int64_t start = now_ns();
    for (int64_t i = 0; i < n; i++)
        perform(easy);
    per_op(now_ns() - start, n);
    check("bytes", n_bytes, (n + 1) * 1024);
    curl_easy_cleanup(easy);
}

static void stream(int64_t n, long buffer)
{
    char url[256];
    (void)snprintf(url, sizeof url, "%s/%" PRId64 "m", address_of("BENCH_HTTP"), n);
    CURL *easy = easy_to(url);
    if (buffer > 0)
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer);
    int64_t start = now_ns();
    perform(easy);
    int64_t took_ns = now_ns() - start;
    check("bytes", n_bytes, n << 20);
    printf("speed %.6g MB/s\n", (double)n_bytes / (double)took_ns * 1e3);
    curl_easy_cleanup(easy);
}

static void stream_default(int64_t n, int workers) { (void)workers, stream(n, 0); }
static void stream_512k(int64_t n, int workers) { (void)workers, stream(n, 512L << 10); }

/* ---- the program ------------------------------------------------------------------------------- */

static const struct bench_case easy_cases[] = {
    { "http_seq", 1, seq },
    { "http_stream", 1, stream_default },
    { "http_stream_2g", 1, stream_default },
    { NULL, 0, NULL },
};

static const struct bench_case easy512_cases[] = {
    { "http_stream", 1, stream_512k },
    { "http_stream_2g", 1, stream_512k },
    { NULL, 0, NULL },
};

int main(int argc, char **argv)
{
    const struct bench_case *cases = NULL;
    if (argc >= 2 && strcmp(argv[1], "easy") == 0)
        cases = easy_cases;
    if (argc >= 2 && strcmp(argv[1], "easy-512k") == 0)
        cases = easy512_cases;
    if (argc >= 2 && strcmp(argv[1], "poll") == 0)
        cases = poll_cases;
    if (argc >= 2 && strcmp(argv[1], "action") == 0)
        cases = action_cases;
    if (cases == NULL)
        fail("usage: bench easy|easy-512k|poll|action CASE N WORKERS");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    argv[1] = argv[0];
    return run_cases(cases, "-", argc - 1, argv + 1);
}
