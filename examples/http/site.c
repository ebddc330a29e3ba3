/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct request {
    char path[256];
    char authorization[128];
};

/* 1, 0: the client has no more, or < 0. */
static int read_request(weft_reader *in, struct request *request)
{
    weft_line line;
    int rc = weft_reader_line(in, &line);
    *request = (struct request){ .path = "" };
    if (rc > 0 && sscanf(line.data, "GET %255[^ ]", request->path) != 1)
        return WEFT_EHTTPPROTO;
    while (rc > 0 && (rc = weft_reader_line(in, &line)) > 0 && line.size > 0) {
        char text[192];
        (void)snprintf(text, sizeof text, "%.*s", (int)line.size, line.data);
        if (strncasecmp(text, "Authorization:", 14) == 0)
            (void)sscanf(text + 14, " %127[^\r\n]", request->authorization);
    }
    return rc;
}

static const struct site_page *find_page(const struct site_page *page, const char *path)
{
    while (page->path != NULL && strcmp(page->path, path) != 0)
        page++;
    return page;
}

static int write_page(weft_socket *peer, const char *status, const char *body)
{
    char head[128];
    size_t n_written;
    int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status,
                        strlen(body));
    WEFT_TRY(weft_socket_write_all(peer, head, (size_t)size, &n_written));
    return weft_socket_write_all(peer, body, strlen(body), &n_written);
}

static int answer(weft_socket *peer, const struct site_page *pages, const struct request *request)
{
    const struct site_page *page = find_page(pages, request->path);
    if (page->path == NULL)
        return write_page(peer, "404 Not Found", "no such page\n");
    if (page->guard != NULL && strcmp(page->guard, request->authorization) != 0)
        return write_page(peer, "401 Unauthorized", "who are you?\n");
    return write_page(peer, "200 OK", page->body);
}

/* A client that leaves is no fault of the server's. */
WEFT_TASK(talk, (auto, weft_socket, peer), (const struct site_page *, pages))
{
    WEFT_AUTO(weft_reader, in);
    struct request request;
    WEFT_TRY(weft_reader_open(peer, NULL, &in));
    while (read_request(in, &request) > 0 && answer(peer, pages, &request) == 0)
        ;
    return 0;
}

/* Until it is cancelled. */
WEFT_TASK(serve, (weft_listener *, door), (const struct site_page *, pages))
{
    WEFT_SCOPE(connections);
    for (;;) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        WEFT_TRY(weft_spawn(&connections, talk, WEFT_MOVE(peer), pages));
    }
}

int site_listen(weft_listener **door, char where[WEFT_ADDRESS_TEXT])
{
    weft_address address;
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, door));
    WEFT_TRY(weft_listener_address(*door, &address));
    return weft_address_text(&address, where, WEFT_ADDRESS_TEXT);
}

int site_open(weft_scope *scope, const struct site_page *pages, weft_listener **door, char *url,
              size_t size)
{
    char where[WEFT_ADDRESS_TEXT];
    WEFT_TRY(site_listen(door, where));
    (void)snprintf(url, size, "http://%s", where);
    return weft_spawn(scope, serve, *door, pages);
}
