/* SPDX-License-Identifier: MIT
 * Whoever asks, however he is known: no other origin is told, whatever leads there. */
#include "evil.h"
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_download.h>
#include <weft/http_events.h>
#include <weft/http_websocket.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define BASIC    "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
#define ALADDIN  .user = "Aladdin", .password = "open sesame"
#define CHALLENGE                                                              \
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n" \
    "Content-Length: 0\r\n\r\n"
#define SOON .tries = 6, .wait_ns = WEFT_US(1), .max_wait_ns = WEFT_SEC(1)

static const weft_http_field authorization[] = { { "Authorization", "own" }, { 0 } };
static const weft_http_field cookie[] = { { "Cookie", "own=1" }, { 0 } };

/* Other hosts' users are in the file too: only who was named at first gets his. */
static const struct kind {
    weft_http_session_opts session;
    weft_http_request_opts request;
    bool has_netrc, is_challenged, has_jar, is_in_url;
    const char *shown;
} kinds[] = {
    { .request = { ALADDIN }, .shown = BASIC },
    { .session = { ALADDIN }, .shown = BASIC },
    { .is_in_url = true, .shown = BASIC },
    { .has_netrc = true, .shown = BASIC },
    { .request = { .bearer = "token" }, .shown = "\r\nAuthorization: Bearer token\r\n" },
    { .request = { .headers = authorization }, .shown = "\r\nAuthorization: own\r\n" },
    { .session = { .headers = authorization }, .shown = "\r\nAuthorization: own\r\n" },
    { .request = { .headers = cookie }, .shown = "\r\nCookie: own=1\r\n" },
    { .session = { .headers = cookie, .cookies = true }, .shown = "\r\nCookie: own=1\r\n" },
    { .request = { ALADDIN, .digest = true },
      .is_challenged = true,
      .shown = "\r\nAuthorization: Digest username=\"Aladdin\"" },
    { .session = { .digest = true },
      .has_netrc = true,
      .is_challenged = true,
      .shown = "\r\nAuthorization: Digest username=\"Aladdin\"" },
    { .session = { .cookies = true }, .has_jar = true, .shown = "\r\nCookie: jar=1\r\n" },
};

struct run {
    const struct kind *kind;
    struct evil server, other; /* 127.0.0.1 and localhost, and so not the same port either */
    struct evil_reply replies[16];
    size_t n;
    char away[160], url[96];
    weft_temp_dir *dir;
    char path[256];
    weft_http_session *session;
    weft_http_request_opts request;
};

static void reply(struct run *it, const char *bytes, enum evil_then then)
{
    if (it->kind->is_challenged)
        it->replies[it->n++] = (struct evil_reply){ .bytes = CHALLENGE, .then = EVIL_KEEP };
    it->replies[it->n++] = (struct evil_reply){ .bytes = bytes, .then = then };
}

static void open_session(struct run *it)
{
    static const char text[] = "machine localhost login no password no\n"
                               "machine 127.0.0.1 login Aladdin password \"open sesame\"\n";
    weft_http_session_opts opts = it->kind->session;
    ck_assert_int_eq(weft_temp_dir_open(NULL, &it->dir), 0);
    (void)snprintf(it->path, sizeof(it->path), "%s/file", weft_temp_dir_path(it->dir));
    if (it->kind->has_netrc) {
        ck_assert_int_eq(weft_whole_write(it->path, text, strlen(text)), 0);
        ck_assert_int_eq(chmod(it->path, 0600), 0);
        opts.netrc = it->path;
    }
    ck_assert_int_eq(weft_http_session_open(&opts, &it->session), 0);
    it->request = it->kind->request;
}

static void get(struct run *it, int status)
{
    weft_http_response *response = NULL;
    ck_assert_int_eq(weft_http_get(it->session, it->url, &it->request, &response), 0);
    ck_assert_int_eq(weft_http_status(response), status);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

/* lead makes server's replies; go makes the requests. */
static void run(const struct kind *kind, const struct evil_reply *others, size_t n_others,
                void (*lead)(struct run *it), void (*go)(struct run *it))
{
    static struct run it;
    memset(&it, 0, sizeof(it));
    it.kind = kind;
    evil_start(&it.other, others, n_others);
    (void)snprintf(
        it.away, sizeof(it.away),
        "HTTP/1.1 307 Away\r\nLocation: http://localhost:%d/\r\nContent-Length: 0\r\n\r\n",
        it.other.port);
    if (kind->has_jar)
        reply(&it, "HTTP/1.1 200 OK\r\nSet-Cookie: jar=1\r\nContent-Length: 0\r\n\r\n", EVIL_KEEP);
    lead(&it);
    evil_start(&it.server, it.replies, it.n);
    (void)snprintf(it.url, sizeof(it.url), "http://%s127.0.0.1:%d/",
                   kind->is_in_url ? "Aladdin:open%20sesame@" : "", it.server.port);
    open_session(&it);
    if (kind->has_jar)
        get(&it, 200);
    go(&it);
    ck_assert_int_eq(weft_http_session_close(it.session), 0);
    ck_assert_int_eq(weft_temp_dir_close(it.dir), 0);
    evil_stop(&it.server);
    evil_stop(&it.other);
    ck_assert_ptr_nonnull(strstr(it.server.requests, kind->shown));
    ck_assert_ptr_nonnull(strstr(it.other.requests, "\r\nHost: localhost:"));
    ck_assert_ptr_null(strstr(it.other.requests, "Authorization"));
    ck_assert_ptr_null(strstr(it.other.requests, "Cookie"));
}

static const struct evil_reply hello = {
    .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .then = EVIL_KEEP
};
static const struct evil_reply busy = { .bytes = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
                                        .then = EVIL_KEEP };

static void lead_away(struct run *it) { reply(it, it->away, EVIL_KEEP); }
static void get_once(struct run *it) { get(it, 200); }
static void get_challenged(struct run *it) { get(it, 401); }

WT_TEST(no_redirect_tells_another_origin_who_asks)
{
    const struct evil_reply challenge = { .bytes = CHALLENGE, .then = EVIL_KEEP };
    for (size_t i = 0; i < N(kinds); i++)
        run(&kinds[i], &hello, 1, lead_away, get_once);
    for (size_t i = 0; i < N(kinds); i++)
        run(&kinds[i], &challenge, 1, lead_away, get_challenged);
}

/* It leads away before its body is there, so that the transfer has to be ended for it. */
static void lead_away_unfinished(struct run *it)
{
    *strrchr(it->away, '0') = '9'; /* its length */
    reply(it, it->away, EVIL_HOLD);
}

WT_TEST(no_redirect_that_is_left_tells_another_origin_who_asks)
{
    const struct evil_reply challenge = { .bytes = CHALLENGE, .then = EVIL_KEEP };
    for (size_t i = 0; i < N(kinds); i++)
        run(&kinds[i], &challenge, 1, lead_away_unfinished, get_challenged);
}

static void lead_away_later(struct run *it)
{
    reply(it, busy.bytes, EVIL_KEEP);
    reply(it, it->away, EVIL_KEEP);
}

static void get_with_retries(struct run *it)
{
    const weft_http_retry_opts retry = { SOON };
    it->request.retry = &retry;
    get(it, 200);
}

WT_TEST(no_retry_tells_another_origin_who_asks)
{
    const struct evil_reply others[] = { busy, hello };
    for (size_t i = 0; i < N(kinds); i++)
        run(&kinds[i], others, N(others), lead_away_later, get_with_retries);
}

static void lead_away_twice(struct run *it)
{
    reply(it, it->away, EVIL_KEEP);
    reply(it, it->away, EVIL_KEEP);
}

static void download(struct run *it)
{
    char path[300];
    const weft_http_download_opts opts = { .request = &it->request };
    (void)snprintf(path, sizeof(path), "%s/download", weft_temp_dir_path(it->dir));
    ck_assert_int_eq(weft_http_download(it->session, it->url, path, &opts, NULL), WEFT_EEOF);
    ck_assert_int_eq(weft_http_download(it->session, it->url, path, &opts, NULL), 0);
}

WT_TEST(no_download_tells_another_origin_who_asks)
{
    static const struct evil_reply others[] = {
        { .bytes = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 5\r\n\r\nhe" },
        { .bytes = "HTTP/1.1 206 OK\r\nContent-Range: bytes 1-4/5\r\nContent-Length: 4\r\n\r\nello",
          .then = EVIL_KEEP },
    };
    for (size_t i = 0; i < N(kinds); i++)
        run(&kinds[i], others, N(others), lead_away_twice, download);
}

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n"

static void lead_events(struct run *it)
{
    reply(it, STREAM, EVIL_CLOSE);
    reply(it, it->away, EVIL_KEEP);
    reply(it, "HTTP/1.1 204 No Content\r\n\r\n", EVIL_KEEP);
}

static void read_events(struct run *it)
{
    int n = 0;
    const weft_http_events_opts opts = { .request = &it->request,
                                         .retry_ns = WEFT_US(1),
                                         .max_retry_ns = WEFT_US(10) };
    WEFT_RX(weft_http_event, events);
    ck_assert_int_eq(weft_http_events(it->session, it->url, &opts, &events), 0);
    weft_each (event, events)
        n += strcmp(event.data, "a") == 0;
    ck_assert_int_eq(weft_error(events), 0);
    ck_assert_int_eq(n, 2);
}

WT_TEST(no_stream_that_goes_on_tells_another_origin_who_asks)
{
    static const struct evil_reply other = { .bytes = STREAM };
    for (size_t i = 0; i < N(kinds); i++)
        run(&kinds[i], &other, 1, lead_events, read_events);
}

/* ---- WebSockets, which follow no redirect ----------------------------------------------------------------- */

static void send_away(struct peer *peer, int fd)
{
    const char *away = peer->arg;
    ck_assert(peer_read_request(peer, fd));
    ck_assert(wt_send_all(fd, away, strlen(away)));
}

WT_TEST(no_websocket_tells_another_origin_who_asks)
{
    struct evil other;
    struct peer peer;
    char away[160];
    weft_http_session *session = NULL;
    weft_websocket *socket = NULL;
    evil_start(&other, &hello, 1);
    (void)snprintf(
        away, sizeof(away),
        "HTTP/1.1 307 Away\r\nLocation: http://localhost:%d/\r\nContent-Length: 0\r\n\r\n",
        other.port);
    peer_start(&peer, send_away, away);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, ALADDIN, .cookies = true), &session), 0);
    ck_assert_int_lt(weft_websocket_open(session, peer.url, NULL, &socket), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    peer_stop(&peer);
    evil_stop(&other);
    ck_assert_ptr_nonnull(strstr(peer.request, BASIC));
    ck_assert_uint_eq(other.n_connections, 0);
}
