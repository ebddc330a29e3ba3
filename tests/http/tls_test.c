/* SPDX-License-Identifier: MIT
 * TLS that must not come about: servers of openssl with certificates and protocols that are not to be
 * trusted, made on the spot, and handshakes that are cut. */
#include "certs.h"
#include "evil.h"
#include "wt_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

#define in(name) certs_in(name)

struct tls_server {
    pid_t pid;
    int port;
    char url[64];
};

/* It says where it listens as soon as it does. options end with NULL; at most 6. */
static void tls_start(struct tls_server *server, const char *certificate,
                      const char *const *options)
{
    char said[512];
    size_t size = 0;
    int ends[2];
    const char *at = NULL;
    const char *args[20] = { "/usr/bin/setpriv", "--pdeathsig", "KILL",        "/usr/bin/openssl",
                             "s_server",         "-accept",     "127.0.0.1:0", "-cert",
                             certificate,        "-key",        in("key.pem"), "-www" };
    for (size_t i = 0; options != NULL && options[i] != NULL; i++)
        args[12 + i] = options[i];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    server->pid = certs_spawn(access(args[0], X_OK) == 0 ? args : args + 3, ends[1]);
    close(ends[1]);
    while (at == NULL || strchr(at, '\n') == NULL) {
        ssize_t n = read(ends[0], said + size, sizeof(said) - 1 - size);
        ck_assert_msg(n > 0, "openssl s_server has not started");
        size += (size_t)n;
        said[size] = '\0';
        at = strstr(said, "ACCEPT 127.0.0.1:");
    }
    close(ends[0]);
    server->port = atoi(at + strlen("ACCEPT 127.0.0.1:"));
    (void)snprintf(server->url, sizeof(server->url), "https://localhost:%d/", server->port);
}

static void tls_stop(struct tls_server *server)
{
    int status;
    ck_assert_int_eq(kill(server->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
}

/* ---- requests -------------------------------------------------------------------------------------------- */

/* The status, if all of the page has come. */
static int fetch(const char *url, const weft_http_session_opts *opts)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    char *text;
    WEFT_TRY(weft_http_session_open(opts, &session));
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_text(response, &text));
    ck_assert_ptr_nonnull(strstr(text, "</HTML>"));
    weft_free(text);
    return weft_http_status(response);
}

static int fetch_from(const char *certificate, const char *const *options,
                      const weft_http_session_opts *opts)
{
    struct tls_server server;
    tls_start(&server, certificate, options);
    int rc = fetch(server.url, opts);
    tls_stop(&server);
    return rc;
}

#define KNOWING(...) WEFT_OPTS(http_session, .ca_file = in("ca.pem"), ##__VA_ARGS__)

WT_TEST(certificates_that_are_not_to_be_trusted)
{
    certs_begin();
    ck_assert_int_eq(fetch_from(in("good.pem"), NULL, KNOWING()), 200);
    const char *const bad[] = { "expired.pem", "future.pem", "you.pem", "self.pem" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(fetch_from(in(bad[i]), NULL, KNOWING()), WEFT_EHTTPTLS);
    const char *const others[] = { in("other.pem"), NULL };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(
            fetch_from(in("good.pem"), NULL, WEFT_OPTS(http_session, .ca_file = others[i])),
            WEFT_EHTTPTLS);
    certs_end();
}

/* The server would: only the client does not. */
WT_TEST(a_protocol_that_is_too_old)
{
    certs_begin();
    const char *const oldest[] = { "-tls1", "-cipher", "ALL:@SECLEVEL=0", NULL };
    const char *const old[] = { "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", NULL };
    const char *const oldest_allowed[] = { "-tls1_2", NULL };
    ck_assert_int_eq(fetch_from(in("good.pem"), oldest, KNOWING()), WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch_from(in("good.pem"), old, KNOWING()), WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch_from(in("good.pem"), oldest_allowed, KNOWING()), 200);
    certs_end();
}

/* A key that is found in minutes, a signature that can be forged, and no encryption at all. */
WT_TEST(cryptography_that_is_too_weak)
{
    certs_begin();
    certs_run(
        "openssl req -newkey rsa:512 -nodes -keyout weak.key -out weak.csr -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost\n"
        "sign() { : > db; openssl ca -batch -notext -config ca.conf -rand_serial -cert ca.pem"
        " -keyfile ca.key -days 2 -md $3 -in $1 -out $2; }\n"
        "sign weak.csr weak.pem sha256\n"
        "sign me.csr sha1.pem sha1\n");
    const char *const key[] = { "-key", in("weak.key"), "-cipher", "ALL:@SECLEVEL=0", "-tls1_2",
                                NULL };
    const char *const any[] = { "-cipher", "ALL:@SECLEVEL=0", NULL };
    const char *const none[] = { "-cipher", "NULL:@SECLEVEL=0", "-tls1_2", NULL };
    ck_assert_int_eq(fetch_from(in("weak.pem"), key, KNOWING()), WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch_from(in("sha1.pem"), any, KNOWING()), WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch_from(in("good.pem"), none, KNOWING()), WEFT_EHTTPTLS);
    certs_end();
}

/* With TLS 1.3 the client hears of it after its part of the handshake, in place of the answer. */
WT_TEST(a_client_without_the_certificate_that_is_asked_for)
{
    certs_begin();
    const char *const asks[] = { "-Verify", "1", "-CAfile", in("ca.pem"), "-verify_return_error",
                                 NULL };
    const char *key = in("key.pem");
    ck_assert_int_eq(
        fetch_from(in("good.pem"), asks, KNOWING(.client_cert = in("good.pem"), .client_key = key)),
        200);
    ck_assert_int_eq(
        fetch_from(in("good.pem"), asks, KNOWING(.client_cert = in("self.pem"), .client_key = key)),
        WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch_from(in("good.pem"), asks, KNOWING()), WEFT_EHTTPTLS);
    certs_end();
}

/* ---- handshakes that are cut ------------------------------------------------------------------------------ */

/* Hands bytes between the client and a server, and ends both after so many of the server's, or where it
 * says goodbye. */
struct cutter {
    int fd, server_port;
    char url[64];
    size_t most;
    bool at_goodbye;
    wt_thread *thread;
};

static int loopback(int port, int *out_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    if (port != 0) {
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, size), 0);
        return fd;
    }
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

/* How many bytes went from one to the other; 0: no more will. */
static size_t pass(int from, int to, size_t most)
{
    char block[4096];
    ssize_t n = recv(from, block, most < sizeof(block) ? most : sizeof(block), 0);
    return n > 0 && send(to, block, (size_t)n, MSG_NOSIGNAL) == n ? (size_t)n : 0;
}

/* A record of the server's, unless it is an alert, which one of TLS 1.2 says of itself. */
static size_t pass_record(int from, int to)
{
    unsigned char record[5 + 17000];
    if (recv(from, record, 5, MSG_WAITALL) != 5 || record[0] == 21)
        return 0;
    size_t size = (size_t)record[3] << 8 | record[4];
    ck_assert_uint_lt(size, sizeof(record) - 5);
    if (recv(from, record + 5, size, MSG_WAITALL) != (ssize_t)size)
        return 0;
    return send(to, record, 5 + size, MSG_NOSIGNAL) == (ssize_t)(5 + size) ? 5 + size : 0;
}

static size_t pass_from_server(const struct cutter *cutter, int from, int to, size_t left)
{
    return cutter->at_goodbye ? pass_record(from, to) : pass(from, to, left);
}

static void cut(void *arg)
{
    const struct cutter *cutter = arg;
    int client = accept(cutter->fd, NULL, NULL), server = loopback(cutter->server_port, NULL);
    struct pollfd polled[] = { { .fd = client, .events = POLLIN },
                               { .fd = server, .events = POLLIN } };
    size_t n = 0, left = cutter->most;
    while (left > 0 && poll(polled, 2, -1) > 0) {
        if (polled[0].revents != 0 && pass(client, server, SIZE_MAX) == 0)
            break;
        n = polled[1].revents != 0 ? pass_from_server(cutter, server, client, left) : 0;
        if (polled[1].revents != 0 && n == 0)
            break;
        left -= n;
    }
    close(server);
    close(client);
}

static int fetch_through(struct cutter cutter)
{
    int port = 0;
    cutter.fd = loopback(0, &port);
    (void)snprintf(cutter.url, sizeof(cutter.url), "https://localhost:%d/", port);
    cutter.thread = wt_thread_start(cut, &cutter);
    int rc = fetch(cutter.url, KNOWING());
    wt_thread_join(cutter.thread);
    close(cutter.fd);
    return rc;
}

static int fetch_cut(const struct tls_server *server, size_t most)
{
    return fetch_through((struct cutter){ .server_port = server->port, .most = most });
}

/* Steps that meet each record of the handshake, and then the page, which has no length of its own. */
WT_TEST(a_handshake_that_is_cut)
{
    struct tls_server server;
    const size_t first[] = { 0, 1, 5, 6, 50, 127, 128, 140 };
    size_t most = 0;
    certs_begin();
    tls_start(&server, in("good.pem"), NULL);
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        ck_assert_int_lt(fetch_cut(&server, first[i]), 0);
    for (most = 200; fetch_cut(&server, most) < 0; most += 197)
        ck_assert_uint_lt(most, 20000);
    ck_assert_uint_gt(most, 1000);
    tls_stop(&server);
    certs_end();
}

/* All of the page has come, but who knows? Whoever is on the way could have cut it. */
WT_TEST(an_end_without_a_goodbye)
{
    struct tls_server server;
    const char *const old[] = { "-tls1_2", NULL };
    certs_begin();
    tls_start(&server, in("good.pem"), old);
    const struct cutter cutter = { .server_port = server.port,
                                   .most = SIZE_MAX,
                                   .at_goodbye = true };
    ck_assert_int_eq(fetch_through(cutter), WEFT_EEOF);
    tls_stop(&server);
    certs_end();
}

/* A server without TLS where one with it was asked for: nothing is said to it in clear. */
WT_TEST(a_server_without_tls_is_told_nothing)
{
    struct evil server;
    char url[64];
    const weft_http_request_opts opts = { .bearer = "secret", .timeouts.connect_ns = WEFT_SEC(20) };
    weft_http_session *session = NULL;
    weft_http_response *response = NULL;
    evil_start(&server, &(struct evil_reply){ .bytes = "HTTP/1.1 200 OK\r\n\r\n", .at_once = true },
               1);
    (void)snprintf(url, sizeof(url), "https://localhost:%d/path", server.port);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(weft_http_get(session, url, &opts, &response), WEFT_EHTTPTLS);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_null(memmem(server.requests, server.size, "secret", 6));
    ck_assert_ptr_null(memmem(server.requests, server.size, "path", 4));
}

WT_MAIN("http_tls")
