/* SPDX-License-Identifier: MIT
 * TLS that must not come about: servers of openssl with certificates and protocols that are not to be
 * trusted, made on the spot, and handshakes that are cut. */
#include "wt_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

extern char **environ;

/* ---- openssl --------------------------------------------------------------------------------------------- */

static char folder[64];

/* A file of the folder. */
static const char *in(const char *name)
{
    static char paths[64][96];
    static unsigned n;
    char *path = paths[n++ % 64];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

/* What it says goes to out_fd, or nowhere; its input never ends. */
static pid_t spawn(const char *const *args, int out_fd)
{
    pid_t pid;
    posix_spawn_file_actions_t actions;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    ck_assert_int_eq(out_fd < 0 ? posix_spawn_file_actions_adddup2(&actions, 2, 1)
                                : posix_spawn_file_actions_adddup2(&actions, out_fd, 1),
                     0);
    ck_assert_int_eq(posix_spawn(&pid, args[0], &actions, NULL, (char **)(uintptr_t)args, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void run(const char *command)
{
    int status = -1;
    const char *const args[] = { "/bin/sh", "-c", command, NULL };
    pid_t pid = spawn(args, -1);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "%s: %d", command, status);
}

/* An authority, and of it: good, expired, of the future, for another name; one signed by itself; and a
 * client's. All have the same key. */
static void make_certificates(void)
{
    static const char script[] =
        "set -e; cd %s\n"
        "new='openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
        "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=db\\nserial=serial\\nnew_certs_dir=.\\npolicy=p\\n"
        "default_md=sha256\\ncopy_extensions=copy\\nunique_subject=no\\n[p]\\n"
        "commonName=supplied\\n' > ca.conf\n"
        "$new -x509 -days 2 -keyout ca.key -out ca.pem -subj /CN=authority\n"
        "$new -x509 -days 2 -keyout other.key -out other.pem -subj /CN=authority\n"
        "$new -keyout key.pem -out me.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost\n"
        "openssl req -new -key key.pem -out you.csr -subj /CN=you -addext subjectAltName=DNS:you\n"
        "openssl req -x509 -key key.pem -out self.pem -days 2 -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost\n"
        "sign() { : > db; openssl ca -batch -notext -config ca.conf -rand_serial -cert ca.pem"
        " -keyfile ca.key -in $1 -out $2 -startdate $3 -enddate $4; }\n"
        "sign me.csr good.pem 20200101000000Z 20980101000000Z\n"
        "sign me.csr expired.pem 20200101000000Z 20210101000000Z\n"
        "sign me.csr future.pem 20970101000000Z 20980101000000Z\n"
        "sign you.csr you.pem 20200101000000Z 20980101000000Z\n";
    char command[sizeof(script) + sizeof(folder)];
    (void)snprintf(folder, sizeof(folder), "/tmp/weft-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(command, sizeof(command), script, folder);
    run(command);
}

static void begin(void)
{
    if (access("/usr/bin/openssl", X_OK) != 0)
        wt_skip("no openssl here");
    make_certificates();
}

static void end(void)
{
    char command[96];
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    run(command);
}

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
    server->pid = spawn(access(args[0], X_OK) == 0 ? args : args + 3, ends[1]);
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
    begin();
    ck_assert_int_eq(fetch_from(in("good.pem"), NULL, KNOWING()), 200);
    const char *const bad[] = { "expired.pem", "future.pem", "you.pem", "self.pem" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(fetch_from(in(bad[i]), NULL, KNOWING()), WEFT_EHTTPTLS);
    const char *const others[] = { in("other.pem"), in("no-such-file.pem"), NULL };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(
            fetch_from(in("good.pem"), NULL, WEFT_OPTS(http_session, .ca_file = others[i])),
            WEFT_EHTTPTLS);
    end();
}

/* The server would: only the client does not. */
WT_TEST(a_protocol_that_is_too_old)
{
    begin();
    const char *const old[] = { "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", NULL };
    const char *const oldest_allowed[] = { "-tls1_2", NULL };
    ck_assert_int_eq(fetch_from(in("good.pem"), old, KNOWING()), WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch_from(in("good.pem"), oldest_allowed, KNOWING()), 200);
    end();
}

WT_TEST(another_key_than_the_pinned_one)
{
    begin();
    const char *wrong = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    ck_assert_int_eq(fetch_from(in("good.pem"), NULL, KNOWING(.pinned_key = wrong)), WEFT_EHTTPTLS);
    end();
}

/* With TLS 1.3 the client hears of it after its part of the handshake, in place of the answer. */
WT_TEST(a_client_without_the_certificate_that_is_asked_for)
{
    begin();
    const char *const asks[] = { "-Verify", "1", "-CAfile", in("ca.pem"), "-verify_return_error",
                                 NULL };
    const char *key = in("key.pem");
    ck_assert_int_eq(
        fetch_from(in("good.pem"), asks, KNOWING(.client_cert = in("good.pem"), .client_key = key)),
        200);
    ck_assert_int_lt(
        fetch_from(in("good.pem"), asks, KNOWING(.client_cert = in("self.pem"), .client_key = key)),
        0);
    ck_assert_int_lt(fetch_from(in("good.pem"), asks, KNOWING()), 0);
    ck_assert_int_eq(
        fetch_from(in("good.pem"), asks, KNOWING(.client_cert = in("none.pem"), .client_key = key)),
        WEFT_EHTTPTLS);
    end();
}

/* ---- handshakes that are cut ------------------------------------------------------------------------------ */

/* Hands bytes between the client and a server, and ends both after so many of the server's. */
struct cutter {
    int fd, server_port;
    char url[64];
    size_t most;
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
        n = polled[1].revents != 0 ? pass(server, client, left) : 0;
        if (polled[1].revents != 0 && n == 0)
            break;
        left -= n;
    }
    close(server);
    close(client);
}

static int fetch_cut(const struct tls_server *server, size_t most)
{
    struct cutter cutter = { .server_port = server->port, .most = most };
    int port = 0;
    cutter.fd = loopback(0, &port);
    (void)snprintf(cutter.url, sizeof(cutter.url), "https://localhost:%d/", port);
    cutter.thread = wt_thread_start(cut, &cutter);
    int rc = fetch(cutter.url, KNOWING());
    wt_thread_join(cutter.thread);
    close(cutter.fd);
    return rc;
}

/* Steps that meet each record of the handshake, and then the page, which has no length of its own. */
WT_TEST(a_handshake_that_is_cut)
{
    struct tls_server server;
    const size_t first[] = { 0, 1, 5, 6, 50, 127, 128, 140 };
    size_t most = 0;
    begin();
    tls_start(&server, in("good.pem"), NULL);
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        ck_assert_int_lt(fetch_cut(&server, first[i]), 0);
    for (most = 200; fetch_cut(&server, most) < 0; most += 197)
        ck_assert_uint_lt(most, 20000);
    ck_assert_uint_gt(most, 1000);
    tls_stop(&server);
    end();
}

WT_MAIN("http_tls")
