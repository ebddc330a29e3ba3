/* SPDX-License-Identifier: MIT
 * Bodies that are waited for when the answer comes, the connection ends, or a kept one is dead. */
#include "ask.h"
#include "evil.h"
#include "wt_test.h"

#include "http/session.h"
#include "plat/sys.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

/* ---- more of a body that does not come ------------------------------------------------------------------ */

/* One word, and then nothing for longer than anybody waits. */
WEFT_GENERATOR(word_and_silence, weft_rx(weft_http_chunk))
{
    WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    return weft_sleep(WEFT_SEC(36000));
}

static int send_silence(const struct evil_reply *reply, const weft_http_timeouts *timeouts)
{
    struct evil server;
    evil_start(&server, reply, 1);
    weft_http_session *session = open_session(NULL);
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(word_and_silence(&body), 0);
    int rc = send_once(session, "PUT", server.url,
                       WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body), .timeouts = *timeouts));
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    return rc;
}

/* ... also while it is waited for. */
WT_TEST(an_answer_ends_the_wait_for_more_of_the_body)
{
    const weft_http_timeouts none = { 0 };
    const struct evil_reply refusal = { .bytes = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n",
                                        .then = EVIL_HOLD };
    ck_assert_int_eq(send_silence(&refusal, &none), 413);
}

/* A pipe is no file that is read without a wait. */
WT_TEST(an_answer_ends_the_wait_for_more_of_a_pipe)
{
    struct evil server;
    const struct evil_reply refusal = { .bytes = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n",
                                        .then = EVIL_HOLD };
    WEFT_AUTO(weft_temp_dir, folder);
    char path[256];
    ck_assert_int_eq(weft_temp_dir_open(NULL, &folder), 0);
    (void)snprintf(path, sizeof(path), "%s/pipe", weft_temp_dir_path(folder));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int writer = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(write(writer, "word", 4), 4);
    evil_start(&server, &refusal, 1);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_path = path)), 413);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    close(writer);
}

/* Its wait is cancelled, and it takes that for its own end. */
static int next_word(int *n, weft_http_chunk *out)
{
    *out = (weft_http_chunk){ "word", 4 };
    if ((*n)++ == 0)
        return 1;
    (void)!weft_sleep(WEFT_SEC(36000));
    return 0;
}

WEFT_ITERATOR(word_and_an_end, weft_http_chunk, int, next_word);

WT_TEST(a_body_that_ends_for_an_early_answer_is_not_sent_as_a_whole)
{
    struct evil server;
    const struct evil_reply reply = { .bytes = OK_HELLO, .then = EVIL_HOLD };
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(word_and_an_end(0, &body), 0);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body))),
        200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_null(strstr(server.requests, "0\r\n\r\n"));
}

/* The connection's end, when the first word is there: 4, CRLF, it, CRLF. */
WT_TEST(the_end_of_the_connection_ends_the_wait_for_more_of_the_body)
{
    const weft_http_timeouts none = { 0 };
    const struct evil_reply end = { .bytes = "", .then = EVIL_CLOSE, .request_body = 9 };
    const struct evil_reply reset = { .bytes = "", .then = EVIL_RESET, .request_body = 9 };
    ck_assert_int_eq(send_silence(&end, &none), WEFT_EEOF);
    ck_assert_int_eq(send_silence(&reset, &none), -ECONNRESET);
}

WT_TEST(the_time_for_all_ends_the_wait_for_more_of_the_body)
{
    const weft_http_timeouts total = { .total_ns = WEFT_MS(20) };
    const struct evil_reply silence = { .bytes = "", .then = EVIL_HOLD };
    ck_assert_int_eq(send_silence(&silence, &total), WEFT_EHTTPTOTAL);
}

/* ---- a kept connection that is dead -------------------------------------------------------------------- */

static void put_file_after_get(const struct evil_reply replies[3], const char *path)
{
    struct evil server;
    evil_start(&server, replies, 3);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_path = path)), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* A file may be read again. It is not known yet, is on its way, or is sent when the connection ends. */
WT_TEST(a_file_goes_again_when_a_kept_connection_is_dead)
{
    static char text[3000]; /* what the server remembers has its limit */
    char path[256];
    WEFT_AUTO(weft_temp_dir, folder);
    memset(text, 'x', sizeof(text));
    ck_assert_int_eq(weft_temp_dir_open(NULL, &folder), 0);
    (void)snprintf(path, sizeof(path), "%s/file", weft_temp_dir_path(folder));
    ck_assert_int_eq(weft_whole_write(path, text, sizeof(text)), 0);
    for (size_t n_read = 0; n_read <= sizeof(text); n_read += 100) {
        const struct evil_reply replies[] = {
            hello,
            { .bytes = "", .request_body = n_read },
            { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = sizeof(text) }
        };
        put_file_after_get(replies, path);
    }
}

/* Of a long one some was sent when the connection turned out dead; the other one answers early. */
WT_TEST(a_long_file_goes_again_when_a_kept_connection_is_dead)
{
    static char text[300000];
    char path[256];
    const struct evil_reply replies[] = {
        hello,
        { .bytes = "", .at_once = true },
        { .bytes = OK_HELLO, .at_once = true, .then = EVIL_HOLD }
    };
    WEFT_AUTO(weft_temp_dir, folder);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &folder), 0);
    (void)snprintf(path, sizeof(path), "%s/file", weft_temp_dir_path(folder));
    ck_assert_int_eq(weft_whole_write(path, text, sizeof(text)), 0);
    for (int i = 0; i < 20; i++)
        put_file_after_get(replies, path);
}

/* ---- ... which is seen while the file is read ------------------------------------------------------------ */

enum { SIZE = 7001 };

static weft_http_session *read_for;
static atomic_bool was_held;

static bool has_running(unsigned n)
{
    wf_http_role_lock(&read_for->role);
    bool has = read_for->n_running == n;
    wf_http_role_unlock(&read_for->role);
    return has;
}

/* The file comes when the transfer that it is for is over. */
static ssize_t read_late(int fd, void *buf, size_t size)
{
    if (size == SIZE && !atomic_exchange(&was_held, true))
        while (!has_running(1))
            sched_yield();
    return wf_sys_real.read(fd, buf, size);
}

WEFT_TASK(drive, (const char *, url)) { return send_once(read_for, "GET", url, NULL); }

struct put {
    const char *url, *silent_url, *path;
};

static int put_beside_another(void *arg)
{
    const struct put *it = arg;
    WEFT_SCOPE(scope, .move_on = true);
    WEFT_TRY(send_once(read_for, "GET", it->url, NULL));
    WEFT_TRY(weft_spawn(&scope, drive, it->silent_url));
    while (!has_running(1))
        WEFT_TRY(weft_pause());
    int status = send_once(read_for, "PUT", it->url,
                           WEFT_OPTS(http_request, .body_path = it->path));
    weft_scope_cancel(&scope);
    int rc = weft_scope_wait(&scope);
    return rc < 0 ? rc : status;
}

/* libcurl tells nothing of the end then: it is the engine that sees it. */
static void put_file_that_comes_late(const weft_http_session_opts *opts)
{
    static char text[SIZE];
    char path[256];
    struct evil server, silent;
    const struct evil_reply replies[] = {
        hello,
        { .bytes = "" },
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = sizeof(text) }
    };
    const struct evil_reply silence = { .bytes = "", .then = EVIL_HOLD };
    WEFT_AUTO(weft_temp_dir, folder);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &folder), 0);
    (void)snprintf(path, sizeof(path), "%s/file", weft_temp_dir_path(folder));
    ck_assert_int_eq(weft_whole_write(path, text, sizeof(text)), 0);
    evil_start(&server, replies, 3);
    evil_start(&silent, &silence, 1);
    read_for = open_session(opts);
    atomic_store(&was_held, false);
    wf_sys.read = read_late;
    struct put it = { server.url, silent.url, path };
    ck_assert_int_eq(weft_run(put_beside_another, &it), 200);
    wf_sys.read = wf_sys_real.read;
    ck_assert(atomic_load(&was_held));
    ck_assert_int_eq(weft_http_session_close(read_for), 0);
    evil_stop(&server);
    evil_stop(&silent);
}

WT_TEST(a_file_goes_again_when_the_end_is_seen_before_it_is_read)
{
    put_file_that_comes_late(NULL);
}

/* A server without TLS speaks HTTP/1.1 all the same. */
WT_TEST(so_it_does_where_http2_is_on_offer)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        wt_skip("no HTTP/2 in this libcurl");
    put_file_that_comes_late(WEFT_OPTS(http_session, .http2 = true));
}

WT_MAIN("http_upload")
