/* SPDX-License-Identifier: MIT */
/* events [URL]   prints the events of a stream, or of one of its own, whose server ends it after every
 *                second event: the receiver connects again, and says which one it has seen last */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_events.h>

#include "site.h"

static int print_events(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_RX(weft_http_event, events);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_http_events(session, url, NULL, &events));
    weft_each (event, events)
        printf("%s %s: %s\n", event.id, event.type, event.data);
    return weft_error(events);
}

/* ---- a server of three stops -------------------------------------------------------------------------- */

static const char *const stops[] = { "Oslo", "Hamar", "Lillehammer" };

enum { N_STOPS = sizeof stops / sizeof *stops, PER_ANSWER = 2 };

/* The event that the client has seen last; 0: none. */
static int read_request(weft_socket *peer, int *out_last)
{
    WEFT_AUTO(weft_reader, in);
    weft_line line;
    int rc;
    *out_last = 0;
    WEFT_TRY(weft_reader_open(peer, NULL, &in));
    while ((rc = weft_reader_line(in, &line)) > 0 && line.size > 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "%.*s", (int)line.size, line.data);
        if (strncasecmp(text, "Last-Event-ID:", 14) == 0)
            *out_last = atoi(text + 14);
    }
    return rc;
}

static int write_text(weft_socket *peer, const char *text, int size)
{
    size_t n_written;
    return weft_socket_write_all(peer, text, (size_t)size, &n_written);
}

/* 204: there will be no more. */
static int write_events(weft_socket *peer, int last)
{
    char text[256];
    int size = snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%sConnection: close\r\n\r\n",
                        last < N_STOPS ? "200 OK" : "204 No Content",
                        last < N_STOPS ? "Content-Type: text/event-stream\r\n" : "");
    WEFT_TRY(write_text(peer, text, size));
    for (int id = last + 1; id <= last + PER_ANSWER && id <= N_STOPS; id++) {
        size = snprintf(text, sizeof text, "retry: 10\nid: %d\nevent: stop\ndata: %s\n\n", id,
                        stops[id - 1]);
        WEFT_TRY(write_text(peer, text, size));
    }
    return 0;
}

/* Until it is cancelled. */
WEFT_TASK(serve, (weft_listener *, door))
{
    for (;;) {
        WEFT_AUTO(weft_socket, peer);
        int last;
        WEFT_TRY(weft_accept(door, &peer));
        if (read_request(peer, &last) > 0)
            WEFT_TRY(write_events(peer, last));
    }
}

static int print_own_events(void)
{
    char where[WEFT_ADDRESS_TEXT], url[WEFT_ADDRESS_TEXT + 16];
    WEFT_AUTO(weft_listener, door);
    WEFT_SCOPE(scope, .name = "server"); /* cancelled on the way out */
    WEFT_TRY(site_listen(&door, where));
    (void)snprintf(url, sizeof url, "http://%s/", where);
    WEFT_TRY(weft_spawn(&scope, serve, door));
    return print_events(url);
}

static int main_task(void *arg)
{
    const char *url = arg;
    int rc = url != NULL ? print_events(url) : print_own_events();
    if (rc < 0)
        fprintf(stderr, "events: %s\n", weft_strerror(rc));
    return rc;
}

int main(int argc, char **argv) { return weft_run(main_task, argc > 1 ? argv[1] : NULL) < 0; }
