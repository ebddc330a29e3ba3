/* SPDX-License-Identifier: MIT
 * Users by host, from a file. Where hosts have names the server is their proxy. */
#include "evil.h"
#include "peer.h"
#include "wt_test.h"

#include "plat/sys_failing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define ALADDIN  "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
#define OTHER    "Authorization: Basic b3RoZXI6\r\n"
#define WHO      "login Aladdin password \"open sesame\"\n"

static const struct evil_reply hello = {
    .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .then = EVIL_KEEP
};

struct file {
    weft_temp_dir *dir;
    char path[256];
};

static void make_file(struct file *file, const char *text, unsigned mode)
{
    ck_assert_int_eq(weft_temp_dir_open(NULL, &file->dir), 0);
    (void)snprintf(file->path, sizeof(file->path), "%s/netrc", weft_temp_dir_path(file->dir));
    ck_assert_int_eq(weft_whole_write(file->path, text, strlen(text)), 0);
    ck_assert_int_eq(chmod(file->path, (mode_t)mode), 0);
}

static void remove_file(struct file *file) { ck_assert_int_eq(weft_temp_dir_close(file->dir), 0); }

static void get(weft_http_session *session, const char *url, const weft_http_request_opts *opts)
{
    weft_http_response *response = NULL;
    ck_assert_int_eq(weft_http_get(session, url, opts, &response), 0);
    ck_assert_int_eq(weft_http_status(response), 200);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

/* Whether the one request that url makes has this line, and one Authorization at most. */
static bool asks(const char *text, const weft_http_session_opts *session_opts, const char *url,
                 const char *line, const weft_http_request_opts *opts)
{
    struct evil server;
    struct file file;
    weft_http_session *session = NULL;
    weft_http_session_opts own = session_opts != NULL ? *session_opts
                                                      : (weft_http_session_opts){ 0 };
    evil_start(&server, &hello, 1);
    make_file(&file, text, 0600);
    own.proxy = server.url;
    own.netrc = file.path;
    ck_assert_int_eq(weft_http_session_open(&own, &session), 0);
    remove_file(&file); /* it is read once */
    get(session, url, opts);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    const char *first = strstr(server.requests, "Authorization:");
    ck_assert(first == NULL || strstr(first + 1, "Authorization:") == NULL);
    return line == NULL ? first == NULL : strstr(server.requests, line) != NULL;
}

WT_TEST(what_a_file_says)
{
    static const char *const same[] = {
        "machine a.example.com " WHO,
        "\n\tmachine\n A.EXAMPLE.com\r\n  login Aladdin\r\n  password \"open sesame\"\r\n",
        "machine b.example.com login x password y machine a.example.com " WHO "machine c login z",
        "# machine a.example.com login no\nmachine a.example.com " WHO "default login no",
        "default login no password no\nmachine a.example.com account none " WHO,
        "machine x macdef init\n cd /\n machine a.example.com login no\n\nmachine a.example.com " WHO,
        "macdef init \r\n cd /\r\nmachine a.example.com login no\r\n\r\nmachine a.example.com " WHO,
        "macdef empty\n\nmachine a.example.com " WHO,
        "machine a.example.com login \"A\\laddin\" password \"open\\ sesame\"",
        "machine a.example.com\nmachine a.example.com " WHO,
    };
    static const char *const none[] = {
        "",
        "default " WHO,
        "machine example.com " WHO,
        "machine aa.example.com " WHO,
        "machine a.example.co " WHO,
        "machine a.example.com:80 " WHO,
        "machine a.example.com password alone",
        "macdef init\nmachine a.example.com " WHO,
    };
    for (size_t i = 0; i < N(same); i++)
        ck_assert_msg(asks(same[i], NULL, "http://a.example.com/", ALADDIN, NULL), "%s", same[i]);
    for (size_t i = 0; i < N(none); i++)
        ck_assert_msg(asks(none[i], NULL, "http://a.example.com/", NULL, NULL), "%s", none[i]);
    ck_assert(asks("machine a login other", NULL, "http://a:8080/", OTHER, NULL));
    ck_assert(asks("machine ::1 " WHO, NULL, "http://[::1]/", ALADDIN, NULL));
}

WT_TEST(who_goes_before_a_file)
{
    static const char text[] = "machine a " WHO;
    const weft_http_field own[] = { { "Authorization", "own" }, { 0 } };
    ck_assert(asks(text, NULL, "http://a/", OTHER, WEFT_OPTS(http_request, .user = "other")));
    ck_assert(asks(text, WEFT_OPTS(http_session, .user = "other"), "http://a/", OTHER, NULL));
    ck_assert(asks(text, NULL, "http://other@a/", OTHER, NULL));
    ck_assert(asks(text, NULL, "http://a/", "Authorization: Bearer token\r\n",
                   WEFT_OPTS(http_request, .bearer = "token")));
    ck_assert(asks(text, NULL, "http://a/", "Authorization: own\r\n",
                   WEFT_OPTS(http_request, .headers = own)));
    ck_assert(asks(text, WEFT_OPTS(http_session, .headers = own), "http://a/",
                   "Authorization: own\r\n", NULL));
    ck_assert(asks(text, WEFT_OPTS(http_session, .digest = true), "http://a/", NULL, NULL));
}

static void agree(struct peer *peer, int fd)
{
    peer_agree(peer, fd, "");
    peer_wait_for_end(fd);
}

WT_TEST(a_file_is_for_websockets_and_for_digest_too)
{
    static const struct evil_reply replies[] = {
        { .bytes = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                   "Content-Length: 0\r\n\r\n",
          .then = EVIL_KEEP },
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .then = EVIL_KEEP },
    };
    struct peer peer;
    struct evil server;
    struct file file;
    weft_http_session *session = NULL;
    weft_websocket *socket = NULL;
    peer_start(&peer, agree, NULL);
    evil_start(&server, replies, N(replies));
    make_file(&file, "machine 127.0.0.1 " WHO, 0600);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .netrc = file.path), &session),
                     0);
    remove_file(&file);
    get(session, server.url, WEFT_OPTS(http_request, .digest = true));
    ck_assert_int_eq(weft_websocket_open(session, peer.url,
                                         WEFT_OPTS(websocket, .close_timeout_ns = 1), &socket),
                     0);
    (void)weft_websocket_close(socket);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    peer_stop(&peer);
    ck_assert_ptr_nonnull(strstr(server.requests, "Authorization: Digest username=\"Aladdin\""));
    ck_assert_ptr_nonnull(strstr(peer.request, ALADDIN));
}

static int open_with(const char *path)
{
    weft_http_session *session = NULL;
    int rc = weft_http_session_open(WEFT_OPTS(http_session, .netrc = path), &session);
    (void)weft_http_session_close(session);
    return rc;
}

WT_TEST(files_that_can_not_be)
{
    static const char *const bad[] = {
        "login a",
        "machine",
        "machine a login",
        "machine a secret b",
        "a",
        "machine a login \"b",
        "machine \"a",
        "machine a login b:c",
        "password a",
        "machine a login b password \"\001\"",
        "machine a account",
        "default password",
    };
    struct file file;
    for (size_t i = 0; i < N(bad); i++) {
        make_file(&file, bad[i], 0600);
        ck_assert_msg(open_with(file.path) == -EBADMSG, "%s", bad[i]);
        remove_file(&file);
    }
    make_file(&file, "machine a " WHO, 0640);
    ck_assert_int_eq(open_with(file.path), -EACCES);
    ck_assert_int_eq(chmod(file.path, 0604), 0);
    ck_assert_int_eq(open_with(file.path), -EACCES);
    ck_assert_int_eq(weft_whole_write(file.path, "#\0#\n", 4), 0);
    ck_assert_int_eq(chmod(file.path, 0600), 0);
    ck_assert_int_eq(open_with(file.path), -EBADMSG);
    ck_assert_int_eq(open_with(weft_temp_dir_path(file.dir)), -EISDIR);
    file.path[strlen(file.path) - 1] = 'x';
    ck_assert_int_eq(open_with(file.path), -ENOENT);
    remove_file(&file);
}

static char open_to_all[300], at[300];

/* The last moment at which another file can take the name. */
static bool moves_at_open(enum wf_sys_kind kind, const char *name)
{
    if (kind == WF_SYS_FILE && strcmp(name, "open") == 0)
        (void)rename(open_to_all, at);
    return false;
}

WT_TEST(the_file_that_is_read_is_the_one_that_is_judged)
{
    struct file file;
    make_file(&file, "machine a login b\n", 0600);
    (void)snprintf(at, sizeof(at), "%s", file.path);
    (void)snprintf(open_to_all, sizeof(open_to_all), "%s.new", file.path);
    ck_assert_int_eq(weft_whole_write(open_to_all, "machine a login b\n", 18), 0);
    ck_assert_int_eq(chmod(open_to_all, 0644), 0);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    wf_sys_fail_when(moves_at_open);
    ck_assert_int_eq(open_with(file.path), -EACCES);
    ck_assert_int_eq(access(open_to_all, F_OK), -1);
    remove_file(&file);
}

WT_MAIN("http_netrc")
