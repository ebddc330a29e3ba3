/* SPDX-License-Identifier: MIT */
/* websocket [URL]   sends a few messages by a WebSocket while another task prints what comes back,
 *                   until both sides have said that this is the end; without a URL to a site of its own */
#include <stdio.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

#include "echo_site.h"

static const char *const words[] = { "one", "two", "three" };

enum { N_WORDS = sizeof words / sizeof *words };

/* Beside the receives: neither waits for the other. */
WEFT_TASK(send_words, (weft_websocket *, socket))
{
    for (int i = 0; i < N_WORDS; i++)
        WEFT_TRY(weft_websocket_send_text(socket, words[i]));
    return 0;
}

static int print_echoes(weft_websocket *socket)
{
    int n_echoes = 0;
    WEFT_RX(weft_websocket_message, messages);
    WEFT_SCOPE(scope, .name = "sends");
    WEFT_TRY(weft_spawn(&scope, send_words, socket));
    WEFT_TRY(weft_websocket_messages(socket, &messages));
    weft_each (message, messages) {
        printf("%.*s\n", (int)message.size, message.data);
        if (++n_echoes < N_WORDS)
            continue;
        WEFT_TRY(weft_scope_wait(&scope)); /* the last send may be about to return still */
        WEFT_TRY(weft_websocket_end(socket, 1000, "that is all"));
    }
    return weft_error(messages);
}

static int talk(const char *url)
{
    const char *reason;
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_websocket_open(session, url, NULL, &socket));
    WEFT_TRY(print_echoes(socket));
    int code = weft_websocket_close_code(socket, &reason);
    printf("The end: %d, %s\n", code, reason);
    return 0;
}

static int talk_to_own_site(void)
{
    char url[WEFT_ADDRESS_TEXT + 16];
    WEFT_AUTO(weft_listener, door);
    WEFT_SCOPE(scope, .name = "site"); /* cancelled on the way out */
    WEFT_TRY(echo_site_open(&scope, &door, url, sizeof url));
    return talk(url);
}

static int main_task(void *arg)
{
    const char *url = arg;
    int rc = url != NULL ? talk(url) : talk_to_own_site();
    if (rc < 0)
        fprintf(stderr, "websocket: %s\n", weft_strerror(rc));
    return rc;
}

int main(int argc, char **argv) { return weft_run(main_task, argc > 1 ? argv[1] : NULL) < 0; }
