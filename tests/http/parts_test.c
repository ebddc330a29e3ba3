/* SPDX-License-Identifier: MIT
 * Forms of random parts, of bytes that look like a form among them, read by a strict parser. */
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

enum { MOST_PARTS = 8, MOST_DATA = 90000, MOST_BODY = MOST_PARTS * (MOST_DATA + 300) };

/* The parts' names are their numbers. */
struct form {
    size_t n, size[MOST_PARTS];
    char name[MOST_PARTS][4], *data[MOST_PARTS];
    char *body; /* as it came, its chunks put together */
    size_t body_size;
};

/* ---- a server ---------------------------------------------------------------------------------------- */

static bool read_exactly(int fd, void *to, size_t size)
{
    return size == 0 || recv(fd, to, size, MSG_WAITALL) == (ssize_t)size;
}

/* A line of hexadecimal digits. */
static size_t read_chunk_size(int fd)
{
    char line[20] = "";
    for (size_t i = 0; strstr(line, "\r\n") == NULL && i + 1 < sizeof(line); i++)
        ck_assert(read_exactly(fd, &line[i], 1));
    return strtoul(line, NULL, 16);
}

static void read_chunks(struct form *form, int fd)
{
    char end[2];
    for (size_t n = 1; n > 0; form->body_size += n) {
        n = read_chunk_size(fd);
        ck_assert_uint_le(form->body_size + n, MOST_BODY);
        ck_assert(read_exactly(fd, form->body + form->body_size, n));
        ck_assert(read_exactly(fd, end, 2) && memcmp(end, "\r\n", 2) == 0);
    }
}

static void read_form(struct peer *peer, int fd)
{
    static const char fine[] = "HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n";
    struct form *form = peer->arg;
    ck_assert(peer_read_request(peer, fd));
    const char *length = strstr(peer->request, "Content-Length: ");
    if (length == NULL) {
        read_chunks(form, fd);
    } else {
        form->body_size = strtoul(length + strlen("Content-Length: "), NULL, 10);
        ck_assert_uint_le(form->body_size, MOST_BODY);
        ck_assert(read_exactly(fd, form->body, form->body_size));
    }
    ck_assert(wt_send_all(fd, fine, strlen(fine)));
    peer_wait_for_end(fd);
}

/* ---- a parser, RFC 2046 and 7578 ----------------------------------------------------------------------- */

/* Goes past text, which has to be there. */
static char *expect(char *at, const char *text)
{
    ck_assert_int_eq(strncmp(at, text, strlen(text)), 0);
    return at + strlen(text);
}

/* A part ends where the boundary is next, whatever is announced. */
static char *expect_part(const struct form *form, size_t i, char *at, const char *boundary)
{
    char head[160];
    (void)snprintf(head, sizeof(head),
                   "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", boundary,
                   form->name[i]);
    at = expect(at, head);
    (void)snprintf(head, sizeof(head), "\r\n--%s", boundary);
    size_t left = form->body_size - (size_t)(at - form->body);
    char *end = memmem(at, left, head, strlen(head));
    ck_assert_ptr_nonnull(end);
    ck_assert_uint_eq((size_t)(end - at), form->size[i]);
    ck_assert_int_eq(memcmp(at, form->data[i], form->size[i]), 0);
    return end + 2;
}

static void expect_form(const struct form *form, const char *request)
{
    char boundary[72];
    const char *type = strstr(request, "Content-Type: multipart/form-data; boundary=");
    ck_assert_ptr_nonnull(type);
    ck_assert_int_eq(sscanf(strchr(type, '='), "=%70[0-9A-Za-z-]\r\n", boundary), 1);
    char *at = form->body;
    for (size_t i = 0; i < form->n; i++)
        at = expect_part(form, i, at, boundary);
    at = expect(expect(expect(at, "--"), boundary), "--\r\n");
    ck_assert_ptr_eq(at, form->body + form->body_size);
}

/* ---- random forms -------------------------------------------------------------------------------------- */

/* Mostly what a careless parser would take for the end of the part. */
static void make_data(struct form *form, size_t i)
{
    static const char *const pieces[] = { "\r\n--weft-", "\r\n", "--", "\r", "\"", "boundary" };
    size_t most = wt_random_below(3) == 0 ? MOST_DATA : 100;
    form->size[i] = wt_random_below(most);
    form->data[i] = malloc(form->size[i] + 1);
    ck_assert_ptr_nonnull(form->data[i]);
    for (size_t at = 0; at < form->size[i]; at++) {
        const char *piece = pieces[wt_random_below(6)];
        if (at + strlen(piece) < form->size[i] && wt_random_below(2) == 0) {
            memcpy(form->data[i] + at, piece, strlen(piece));
            at += strlen(piece) - 1;
        } else {
            form->data[i][at] = (char)wt_random_below(256);
        }
    }
}

WEFT_GENERATOR(in_pieces, weft_rx(weft_http_chunk), (const char *, data), (size_t, size))
{
    while (size > 0) {
        size_t n = 1 + size / 3;
        WEFT_TRY(weft_yield((weft_http_chunk){ data, n }));
        data += n;
        size -= n;
    }
    return 0;
}

static void make_part(struct form *form, size_t i, weft_http_part *part,
                      weft_rx(weft_http_chunk) * rx, bool may_stream)
{
    make_data(form, i);
    (void)snprintf(form->name[i], sizeof(form->name[i]), "%zu", i);
    *part = (weft_http_part){ .name = form->name[i] };
    if (may_stream && wt_random_below(2) == 0) {
        ck_assert_int_eq(in_pieces(form->data[i], form->size[i], rx), 0);
        part->rx = rx;
    } else {
        part->data = form->data[i];
        part->data_size = form->size[i];
    }
}

static void send_one(struct form *form)
{
    weft_http_part parts[MOST_PARTS + 1] = { { 0 } };
    weft_rx(weft_http_chunk) rx[MOST_PARTS] = { 0 };
    weft_http_session *session;
    weft_http_response *response;
    struct peer peer;
    char url[64];
    bool may_stream = wt_random_below(2) == 0;
    form->n = wt_random_below(MOST_PARTS + 1);
    form->body_size = 0;
    for (size_t i = 0; i < form->n; i++)
        make_part(form, i, &parts[i], &rx[i], may_stream);
    peer_start(&peer, read_form, form);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(
        weft_http_post(session, url, WEFT_OPTS(http_request, .form = parts), &response), 0);
    ck_assert_int_eq(weft_http_status(response), 200);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    peer_stop(&peer);
    expect_form(form, peer.request);
    for (size_t i = 0; i < form->n; i++)
        free(form->data[i]);
}

WT_TEST(random_parts_are_read_as_they_were)
{
    struct form form = { .body = malloc(MOST_BODY) };
    ck_assert_ptr_nonnull(form.body);
    for (unsigned i = 0; i < wt_scaled(30); i++)
        send_one(&form);
    free(form.body);
}
