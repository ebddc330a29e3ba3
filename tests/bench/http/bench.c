/* SPDX-License-Identifier: MIT */
/* The HTTP client against servers that tests/bench/run starts: a program of its own, since libcurl
 * would be in the memory of every other case. The command line is that of weft-bench.
 *
 * BENCH_HTTP is the address of an nginx, BENCH_SLOW that of server.c. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <weft.h>
#include <weft/http.h>

struct job {
    const char *name;
    int64_t n;
    int (*run)(struct job *job);
};

struct many {
    weft_http_session *session;
    const char *path;
    _Atomic int64_t n_left, n_bytes;
};

/* ---- what the cases share ----------------------------------------------------------------------- */

static int session_to(const char *name, unsigned limit, weft_http_session **out)
{
    weft_http_session_opts opts = { .size_ = sizeof(opts),
                                    .limit = limit,
                                    .base_url = getenv(name) };
    if (opts.base_url == NULL) {
        fprintf(stderr, "weft-http-bench: tests/bench/run starts the servers\n");
        return WEFT_EINVAL;
    }
    return weft_http_session_open(&opts, out);
}

static int check(const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return 0;
    fprintf(stderr, "weft-http-bench: %s: %" PRId64 " instead of %" PRId64 "\n", what, got, want);
    return -EBADMSG;
}

/* One request, its body thrown away. Returns its size. */
static int64_t get(weft_http_session *session, const char *path)
{
    char buf[4096];
    int64_t n, size = 0;
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_get(session, path, NULL, &response));
    WEFT_TRY(weft_http_raise_for_status(response));
    while ((n = weft_http_read(response, buf, sizeof buf)) > 0)
        size += n;
    return n < 0 ? n : size;
}

/* ---- small answers ------------------------------------------------------------------------------ */

WEFT_TASK(client, (struct many *, it))
{
    while (atomic_fetch_sub(&it->n_left, 1) > 0) {
        int64_t size = get(it->session, it->path);
        if (size < 0)
            return (int)size;
        atomic_fetch_add(&it->n_bytes, size);
    }
    return 0;
}

static int ask_all(struct many *it, int64_t n_clients)
{
    WEFT_SCOPE(scope);
    for (int64_t i = 0; i < n_clients; i++)
        WEFT_TRY(weft_spawn(&scope, client, it));
    return weft_scope_wait(&scope);
}

static int ask(const char *server, const char *path, int64_t n, int64_t n_clients, int64_t *took_ns)
{
    struct many it = { .path = path, .n_left = n };
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(session_to(server, (unsigned)n_clients, &session));
    it.session = session;
    int64_t began_ns = weft_now_ns();
    WEFT_TRY(ask_all(&it, n_clients));
    *took_ns = weft_now_ns() - began_ns;
    return check("bytes", it.n_bytes, n * 1024);
}

static int small(const char *server, const char *path, int64_t n, int64_t n_clients)
{
    int64_t took_ns;
    WEFT_TRY(ask(server, path, n, n_clients, &took_ns));
    printf("time %.6g ns\n", (double)took_ns / (double)n);
    return 0;
}

static int many(struct job *job) { return small("BENCH_HTTP", "/1k", job->n, 64); }
static int seq(struct job *job) { return small("BENCH_HTTP", "/1k", job->n, 1); }
static int many_c5000(struct job *job) { return small("BENCH_SLOW", "/now", job->n, 5000); }

static int slow(struct job *job)
{
    int64_t took_ns;
    WEFT_TRY(ask("BENCH_SLOW", "/later", job->n, job->n, &took_ns));
    printf("time %.6g ms\n", (double)took_ns / 1e6);
    return 0;
}

/* ---- large ones --------------------------------------------------------------------------------- */

static int64_t resident_size(void)
{
    long long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld %lld", &total, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * 4096;
}

/* Half-way through it stops for that long: nothing more is kept meanwhile. */
static int64_t sink(weft_http_response *response, int64_t size, int64_t stall_ns)
{
    WEFT_RX(weft_http_chunk, chunks);
    weft_http_chunk chunk;
    int64_t n_bytes = 0;
    int rc;
    WEFT_TRY(weft_http_chunks(response, &chunks));
    while ((rc = weft_recv(chunks, &chunk)) > 0) {
        n_bytes += (int64_t)chunk.size;
        if (stall_ns == 0 || n_bytes < size / 2)
            continue;
        int64_t before = resident_size();
        WEFT_TRY(weft_sleep(stall_ns));
        stall_ns = 0;
        printf("grown %" PRId64 " B\n", resident_size() - before);
    }
    return rc == 0 ? n_bytes : rc;
}

static int stream_of(int64_t n_mib, int64_t stall_ns)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/%" PRId64 "m", n_mib);
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(session_to("BENCH_HTTP", 1, &session));
    int64_t began_ns = weft_now_ns();
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_get(session, path, NULL, &response));
    int64_t n_bytes = sink(response, n_mib << 20, stall_ns);
    WEFT_TRY(n_bytes < 0 ? (int)n_bytes : check("bytes", n_bytes, n_mib << 20));
    double took_ns = (double)(weft_now_ns() - began_ns - stall_ns);
    printf("speed %.6g MB/s\n", (double)n_bytes / took_ns * 1e3);
    return 0;
}

static int stream(struct job *job) { return stream_of(job->n, 0); }
static int stream_stall(struct job *job) { return stream_of(job->n, WEFT_MS(5000)); }

/* ---- the program -------------------------------------------------------------------------------- */

static const struct job jobs[] = {
    { "http_many", 20000, many },        { "http_many_c5000", 20000, many_c5000 },
    { "http_seq", 20000, seq },          { "http_stream", 100, stream },
    { "http_stream_2g", 2048, stream },  { "http_stream_stall", 100, stream_stall },
    { "http_slow_8k_conc", 8000, slow },
};

enum { N_JOBS = sizeof jobs / sizeof *jobs };

static int main_task(void *arg)
{
    struct job *job = arg;
    return job->run(job);
}

static int run(struct job job, unsigned workers)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    int rc = weft_configure(WEFT_CONFIG(.workers = workers, .seed = 1));
    if (rc == 0)
        rc = weft_run(main_task, &job);
    if (rc < 0)
        fprintf(stderr, "weft-http-bench: %s: %s\n", job.name, weft_strerror(rc));
    return rc < 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (int i = 0; i < N_JOBS; i++)
            printf("%s %" PRId64 " %d -\n", jobs[i].name, jobs[i].n, 10);
        return 0;
    }
    for (int i = 0; argc == 4 && i < N_JOBS; i++)
        if (strcmp(jobs[i].name, argv[1]) == 0)
            return run((struct job){ jobs[i].name, atoll(argv[2]), jobs[i].run },
                       (unsigned)atoi(argv[3]));
    fprintf(stderr, "usage: weft-http-bench CASE N WORKERS | --list\n");
    return 2;
}
