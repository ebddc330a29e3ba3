/* SPDX-License-Identifier: MIT
 * Against Python's server of files: another reading of HTTP than nginx's, which closes after each answer
 * (HTTP/1.0) unless told otherwise. Where there is no Python, the tests are skipped by name. */
#include "wt_loopback.h"
#include "wt_test.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

extern char **environ;

/* It serves the folder that holds its own library, whose files are there wherever it is. */
static const char program[] =
    "import sys, os, socket, http.server as h\n"
    "class Quiet(h.SimpleHTTPRequestHandler):\n"
    "    protocol_version = sys.argv[2]\n"
    "    def log_message(self, *_): pass\n"
    "os.chdir(os.path.dirname(h.__file__))\n"
    "server = h.ThreadingHTTPServer(('127.0.0.1', 0), Quiet, bind_and_activate=False)\n"
    "server.socket.close()\n"
    "server.socket = socket.socket(fileno=int(sys.argv[1]))\n"
    "server.serve_forever()\n";

struct server {
    pid_t pid;
    char url[64];
};

static void start(struct server *server, const char *version)
{
    static const char python[] = "/usr/bin/python3";
    char number[16];
    if (access(python, X_OK) != 0)
        wt_skip("no python3 here");
    int port, fd = wt_listen(0, 64, &port);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/", port);
    (void)snprintf(number, sizeof(number), "%d", fd);
    /* A test that fails takes it along. */
    const char *const args[] = {
        "/usr/bin/setpriv", "--pdeathsig", "KILL", python, "-c", program, number, version, NULL
    };
    const char *const *from = access(args[0], X_OK) == 0 ? args : args + 3;
    ck_assert_int_eq(
        posix_spawn(&server->pid, from[0], NULL, NULL, (char **)(uintptr_t)from, environ), 0);
    close(fd);
}

static void stop(struct server *server)
{
    int status;
    ck_assert_int_eq(kill(server->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
}

/* The length of the body, which is what its head says. */
static int64_t read_body(weft_http_response *response)
{
    char *data, said[24];
    size_t size;
    WEFT_TRY(weft_http_read_all(response, &data, &size));
    weft_free(data);
    (void)snprintf(said, sizeof(said), "%zu", size);
    const char *length = weft_http_header(response, "content-length");
    return length != NULL && strcmp(length, said) == 0 ? (int64_t)size : WEFT_EINVAL;
}

static int64_t fetch(weft_http_session *session, const char *path)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_get(session, path, NULL, &response));
    WEFT_TRY(weft_http_raise_for_status(response));
    return read_body(response);
}

WEFT_TASK(fetch_some, (weft_http_session *, session), (int, n))
{
    for (int i = 0; i < n; i++) {
        int64_t size = fetch(session, i % 2 == 0 ? "client.py" : "server.py");
        if (size <= 0)
            return size < 0 ? (int)size : WEFT_EEOF;
    }
    return 0;
}

static int fetch_at_once(void *arg)
{
    weft_http_session *session = arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 8; i++)
        WEFT_TRY(weft_spawn(&scope, fetch_some, session, 4));
    return weft_scope_wait(&scope);
}

static weft_http_session *session_to(const struct server *server)
{
    weft_http_session *session;
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .base_url = server->url), &session), 0);
    return session;
}

static void fetch_all(const char *version)
{
    struct server server;
    start(&server, version);
    weft_http_session *session = session_to(&server);
    ck_assert_int_eq(weft_run(fetch_at_once, session), 0);
    ck_assert_int_eq((int)fetch(session, "nowhere.py"), WEFT_EHTTPSTATUS);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    stop(&server);
}

WT_TEST(files_from_a_server_that_closes_after_each) { fetch_all("HTTP/1.0"); }
WT_TEST(files_from_a_server_that_keeps_connections) { fetch_all("HTTP/1.1"); }

static int status_of(weft_http_session *session, const char *method, const char *path, int *version)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_request(session, method, path, NULL, &response));
    *version = weft_http_version_of(response);
    return weft_http_status(response);
}

WT_TEST(what_it_says_of_methods_and_folders)
{
    struct server server;
    int version;
    start(&server, "HTTP/1.0");
    weft_http_session *session = session_to(&server);
    ck_assert_int_eq(status_of(session, "HEAD", "client.py", &version), 200);
    ck_assert_int_eq(version, 10);
    ck_assert_int_eq(status_of(session, "POST", "client.py", &version), 501);
    ck_assert_int_eq(status_of(session, "GET", "./", &version), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    stop(&server);
}

WT_TEST(a_server_that_is_gone)
{
    struct server server;
    start(&server, "HTTP/1.1");
    weft_http_session *session = session_to(&server);
    ck_assert_int_gt(fetch(session, "client.py"), 0);
    stop(&server);
    ck_assert_int_eq((int)fetch(session, "client.py"), -ECONNREFUSED);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

WT_MAIN("http_servers")
