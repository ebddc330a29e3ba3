/* SPDX-License-Identifier: MIT
 * A server that is killed (kill -9) while it sends, and started again, over and over under load.
 *
 * The laws: each request ends once; one that says it is complete is, byte for byte; a body that was
 * under way when the server died is an error; after each restart requests succeed again; and
 * descriptors are back to where they were. WT_HTTP_KILLS says how often; 200 takes a few seconds. */
#include "wt_loopback.h"
#include "wt_test.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

enum { N_TASKS = 12, N_OK_EACH = 8, MOST = 64, HALF = 100000, BODY = 2 * HALF };

/* ---- the server: a process that knows system calls alone -------------------------------------------------- */

struct peer {
    size_t left; /* of the answer; 0: a request is waited for */
    size_t held; /* what of it is never sent */
    size_t n_read;
    char text[1024]; /* of the request */
};

static char answer[BODY + 128];
static size_t answer_size;

/* False: the client has closed. */
static bool take_request(struct peer *peer, int fd)
{
    ssize_t n = recv(fd, peer->text + peer->n_read, sizeof(peer->text) - 1 - peer->n_read,
                     MSG_DONTWAIT);
    if (n <= 0)
        return false;
    peer->n_read += (size_t)n;
    peer->text[peer->n_read] = '\0';
    if (strstr(peer->text, "\r\n\r\n") == NULL)
        return true;
    peer->n_read = 0;
    peer->left = answer_size;
    peer->held = strncmp(peer->text, "GET /half", 9) == 0 ? HALF : 0;
    return true;
}

static bool send_some(struct peer *peer, int fd)
{
    if (peer->left == peer->held)
        return true;
    ssize_t n = send(fd, answer + answer_size - peer->left, peer->left - peer->held,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    peer->left -= n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void serve(int listener)
{
    static struct peer peers[MOST];
    struct pollfd polled[MOST + 1];
    int n = 0;
    for (;;) {
        for (int i = 0; i < n; i++)
            polled[i].events = peers[i].left > peers[i].held ? POLLOUT : POLLIN;
        polled[n] = (struct pollfd){ .fd = n < MOST ? listener : -1, .events = POLLIN };
        if (poll(polled, (nfds_t)n + 1, -1) < 0)
            _exit(1);
        bool has_come = polled[n].revents != 0;
        for (int i = n - 1; i >= 0; i--) {
            int fd = polled[i].fd;
            bool goes_on = polled[i].revents == 0 ||
                           (peers[i].left > peers[i].held ? send_some(&peers[i], fd)
                                                          : take_request(&peers[i], fd));
            if (goes_on)
                continue;
            close(fd);
            n--;
            polled[i] = polled[n];
            peers[i] = peers[n];
        }
        if (has_come) {
            polled[n].fd = accept(listener, NULL, NULL);
            peers[n] = (struct peer){ .left = 0 };
            n += polled[n].fd >= 0;
        }
    }
}

static pid_t start_server(int listener)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listener);
    }
    return pid;
}

/* Forked before there is a thread: kills the server and starts another for each byte that comes. */
static void keep_server(int listener, int orders)
{
    char order = 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    do {
        pid_t pid = start_server(listener);
        if (order != 0 && send(orders, &order, 1, MSG_NOSIGNAL) != 1)
            order = 0;
        ssize_t n = recv(orders, &order, 1, 0);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        if (n <= 0)
            break;
    } while (order != 0);
    _exit(0);
}

struct server {
    char url[64], half_url[64];
    int orders;
    pid_t keeper;
};

static void server_start(struct server *server)
{
    int ends[2], port, fd = wt_listen(SOCK_CLOEXEC, MOST, &port);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    int n = snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
    for (int i = 0; i < BODY; i++)
        answer[n + i] = (char)(i * 7 + i / 251);
    answer_size = (size_t)n + BODY;
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/", port);
    (void)snprintf(server->half_url, sizeof(server->half_url), "http://127.0.0.1:%d/half", port);
    server->keeper = fork();
    ck_assert_int_ge(server->keeper, 0);
    if (server->keeper == 0) {
        close(ends[0]);
        keep_server(fd, ends[1]);
    }
    server->orders = ends[0];
    close(ends[1]);
    close(fd);
}

static void server_kill(struct server *server)
{
    char order = 'k';
    ck_assert_int_eq(send(server->orders, &order, 1, 0), 1);
    ck_assert_int_eq(recv(server->orders, &order, 1, 0), 1);
}

static void server_stop(struct server *server)
{
    close(server->orders);
    ck_assert_int_eq(waitpid(server->keeper, NULL, 0), server->keeper);
}

/* ---- the load ------------------------------------------------------------------------------------------- */

static _Atomic unsigned n_begun, n_ok, n_failed, n_half;
static _Atomic bool is_over;
static weft_semaphore oks = WEFT_SEMAPHORE_INIT(0, .name = "answers");

static int fetch(weft_http_session *session, const char *url)
{
    WEFT_AUTO(weft_http_response, response);
    char *data;
    size_t size;
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_read_all(response, &data, &size));
    bool is_whole = size == BODY && memcmp(data, answer + answer_size - BODY, BODY) == 0;
    weft_free(data);
    ck_assert_msg(is_whole, "a part of %zu bytes was taken for the whole", size);
    return 0;
}

WEFT_TASK(fetch_on, (weft_http_session *, session), (const char *, url))
{
    while (!atomic_load(&is_over)) {
        atomic_fetch_add(&n_begun, 1u);
        int rc = fetch(session, url);
        atomic_fetch_add(rc == 0 ? &n_ok : &n_failed, 1u);
        if (rc == 0)
            weft_semaphore_release(&oks, 1);
    }
    return 0;
}

/* The rest comes never: what is read after the server's death is no end. */
static void die_in_the_middle(weft_http_session *session, struct server *server)
{
    WEFT_AUTO(weft_http_response, response);
    static char buf[HALF];
    int64_t n = 0, sum = 0;
    ck_assert_int_eq(weft_http_get(session, server->half_url, NULL, &response), 0);
    for (; sum < HALF; sum += n) {
        n = weft_http_read(response, buf, sizeof(buf));
        ck_assert_int_gt(n, 0);
    }
    server_kill(server);
    n = weft_http_read(response, buf, sizeof(buf));
    ck_assert_msg(n < 0, "the end of half a body");
    atomic_fetch_add(&n_half, 1u);
}

static unsigned count_descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static void kill_often(struct server *server, unsigned n_kills)
{
    WEFT_AUTO(weft_http_session, session);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    WEFT_SCOPE(scope);
    for (int i = 0; i < N_TASKS; i++)
        ck_assert_int_eq(weft_spawn(&scope, fetch_on, session, server->url), 0);
    for (unsigned i = 0; i < n_kills; i++) {
        ck_assert_int_eq(weft_semaphore_acquire(&oks, N_OK_EACH), 0);
        die_in_the_middle(session, server);
    }
    atomic_store(&is_over, true);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(a_server_that_is_killed_over_and_over)
{
    struct server server;
    const char *text = getenv("WT_HTTP_KILLS");
    unsigned n_kills = text != NULL ? (unsigned)atoi(text) : wt_scaled(10);
    server_start(&server);
    kill_often(&server, 1); /* the runtime is up from here on */
    atomic_store(&is_over, false);
    unsigned n_descriptors = count_descriptors();
    kill_often(&server, n_kills);
    ck_assert_uint_eq(count_descriptors(), n_descriptors);
    ck_assert_uint_eq(atomic_load(&n_begun), atomic_load(&n_ok) + atomic_load(&n_failed));
    ck_assert_uint_eq(atomic_load(&n_half), n_kills + 1);
    if (text != NULL)
        (void)printf("%u kills: %u complete, %u failed, %u halves\n", n_kills, n_ok, n_failed,
                     n_half);
    server_stop(&server);
}

WT_MAIN("http_kill")
