/* SPDX-License-Identifier: MIT
 * idle [SECONDS]: how often the threads of a process wake up while all of its tasks wait, after it has
 * used what there is: tasks, channels, timers, descriptors, files, blocking calls short and long, a
 * process, signals, a server and connections to it, HTTP. A connection stays open, and so does an HTTP
 * session with its own, where weft has one. Waits until what ends by itself has ended, then counts the voluntary context
 * switches of each thread for SECONDS (2). */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#ifdef IDLE_HAS_HTTP
#include <weft/http.h>
#endif

enum { MAX_THREADS = 64, SETTLE_S = 4 };

/* ---- counting ---------------------------------------------------------------------------------- */

struct thread {
    long tid;
    uint64_t n;
    char name[32];
};

struct threads {
    unsigned n;
    struct thread all[MAX_THREADS];
};

static void read_thread(struct threads *threads, const char *tid)
{
    char path[300], line[200];
    struct thread *thread = &threads->all[threads->n];
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", tid);
    FILE *file = fopen(path, "r");
    thread->tid = strtol(tid, NULL, 10);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "Name: %31s", thread->name);
        (void)sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &thread->n);
    }
    if (file != NULL) {
        fclose(file);
        threads->n++;
    }
}

/* All but the caller's. */
static void read_threads(struct threads *threads)
{
    threads->n = 0;
    DIR *folder = opendir("/proc/self/task");
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL && threads->n < MAX_THREADS)
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != getpid())
            read_thread(threads, entry->d_name);
    if (folder != NULL)
        closedir(folder);
}

static uint64_t count_before(const struct threads *threads, long tid)
{
    for (unsigned i = 0; i < threads->n; i++)
        if (threads->all[i].tid == tid)
            return threads->all[i].n;
    return 0;
}

static void pass(long ms)
{
    while (poll(NULL, 0, (int)ms) < 0)
        continue;
}

static void measure(long seconds)
{
    static struct threads before, after;
    uint64_t n_all = 0;
    pass(SETTLE_S * 1000L);
    read_threads(&before);
    pass(seconds * 1000);
    read_threads(&after);
    for (unsigned i = 0; i < after.n; i++) {
        uint64_t n = after.all[i].n - count_before(&before, after.all[i].tid);
        n_all += n;
        printf("%-20s %8" PRIu64 "\n", after.all[i].name, n);
    }
    printf("%-20s %8" PRIu64 " in %ld s, of %u threads\n", "wake-ups", n_all, seconds, after.n);
}

/* ---- using -------------------------------------------------------------------------------------- */

WEFT_TASK(send_some, (tx, int, tx))
{
    for (int i = 0; i < 1000; i++)
        WEFT_TRY(weft_send(tx, i));
    return 0;
}

WEFT_TASK(block, (long, ms))
{
    pass(ms);
    return 0;
}

WEFT_TASK(use_pipe, (int, fd))
{
    size_t n;
    char byte;
    return weft_fd_read_exact(fd, &byte, 1, &n);
}

static int use_descriptors(weft_scope *scope, int fds[2])
{
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -EMFILE;
    WEFT_TRY(weft_spawn(scope, use_pipe, fds[0]));
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    size_t n;
    return weft_fd_write_all(fds[1], "x", 1, &n);
}

static int use_files(void)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_lines("/proc/self/status", NULL, &lines));
    weft_each (line, lines)
        (void)line;
    return weft_error(lines);
}

static int use_processes(void)
{
    weft_output output;
    WEFT_TRY(weft_process_run((const char *const[]){ "true", NULL }, NULL, NULL, 0, &output));
    weft_output_drop(&output);
    return 0;
}

static int use_all(void)
{
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(weft_signal, signals);
    int fds[2];
    WEFT_TRY(weft_chan_open(&tx, &rx, 4));
    WEFT_TRY(weft_spawn_n(&scope, 4, send_some, WEFT_MOVE(tx)));
    weft_each (value, rx)
        (void)value;
    for (int i = 0; i < 20; i++)
        WEFT_TRY(weft_spawn(&scope, block, i % 2 == 0 ? 0L : 2L)); /* holds its worker */
    for (int i = 0; i < 20; i++)
        WEFT_TRY(weft_blocking(block, i % 2 == 0 ? 0L : 2L));
    WEFT_TRY(weft_signals(&signals, SIGUSR1));
    WEFT_TRY(use_descriptors(&scope, fds));
    WEFT_TRY(use_files());
    WEFT_TRY(use_processes());
    WEFT_TRY(weft_sleep(WEFT_MS(5)));
    int rc = weft_scope_wait(&scope);
    close(fds[0]);
    close(fds[1]);
    return rc;
}

/* ---- the network -------------------------------------------------------------------------------- */

/* The same to whatever is asked. */
WEFT_TASK(answer, (auto, weft_socket, peer))
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[1024];
    int64_t n;
    size_t n_written;
    while ((n = weft_socket_read(peer, request, sizeof request)) > 0)
        WEFT_TRY(weft_socket_write_all(peer, reply, sizeof reply - 1, &n_written));
    return (int)n;
}

WEFT_TASK(serve, (auto, weft_listener, door))
{
    WEFT_SCOPE(scope);
    for (;;) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        WEFT_TRY(weft_spawn(&scope, answer, WEFT_MOVE(peer)));
    }
}

static int start_server(weft_scope *scope, weft_address *out_at)
{
    WEFT_AUTO(weft_listener, door);
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door));
    WEFT_TRY(weft_listener_address(door, out_at));
    return weft_spawn(scope, serve, WEFT_MOVE(door));
}

static int connect_and_ask(const weft_address *at, weft_socket **out_peer)
{
    char reply[64];
    size_t n;
    WEFT_TRY(weft_connect_to(at, NULL, out_peer));
    WEFT_TRY(weft_socket_write_all(*out_peer, "hello", 5, &n));
    int64_t n_read = weft_socket_read(*out_peer, reply, sizeof reply);
    return n_read > 0 ? 0 : n_read == 0 ? WEFT_EEOF : (int)n_read;
}

#ifdef IDLE_HAS_HTTP
static int get_once(weft_http_session *session, const weft_address *at)
{
    char url[64], *text;
    WEFT_AUTO(weft_http_response, response);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)weft_address_port(at));
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_text(response, &text));
    weft_free(text);
    return 0;
}
#endif

/* ---- the program -------------------------------------------------------------------------------- */

/* Uses it all, says so, and waits for the end. */
WEFT_TASK(use_and_wait, (tx, int, used), (rx, int, end))
{
    int none;
    weft_address at;
    WEFT_SCOPE(servers);
    WEFT_AUTO(weft_socket, peer);
    int rc = use_all();
    if (rc >= 0)
        rc = start_server(&servers, &at);
    if (rc >= 0)
        rc = connect_and_ask(&at, &peer);
#ifdef IDLE_HAS_HTTP
    WEFT_AUTO(weft_http_session, session);
    if (rc >= 0)
        rc = weft_http_session_open(NULL, &session);
    if (rc >= 0)
        rc = get_once(session, &at);
#endif
    WEFT_TRY(weft_send(used, rc));
    return weft_recv(end, &none);
}

int main(int argc, char **argv)
{
    WEFT_SCOPE(scope);
    WEFT_TX(int, used_tx);
    WEFT_RX(int, used);
    WEFT_TX(int, end_tx);
    WEFT_RX(int, end);
    int rc = 0;
    WEFT_TRY(weft_chan_open(&used_tx, &used, 1));
    WEFT_TRY(weft_chan_open(&end_tx, &end, 1));
    WEFT_TRY(weft_spawn(&scope, use_and_wait, WEFT_MOVE(used_tx), WEFT_MOVE(end)));
    WEFT_TRY(weft_recv(used, &rc));
    if (rc < 0) {
        fprintf(stderr, "idle: %s\n", weft_strerror(rc));
        return 1;
    }
    measure(argc > 1 ? atol(argv[1]) : 2);
    WEFT_DROP(end_tx);
    return weft_scope_wait(&scope) < 0;
}
