/* SPDX-License-Identifier: MIT
 * How a WebSocket begins (RFC 6455, 4): a request for it, and an answer that proves that it was
 * understood. Both go through the tunnel like everything after them. */
#include "http/trace.h"
#include "http/websocket.h"
#include "http/websocket_key.h"

#include "plat/mem.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* ---- the transfer ---------------------------------------------------------------------------------------- */

/* ws: is to http: as wss: is to https:, which is what libcurl connects to. */
static char *as_http(const char *url)
{
    bool is_tls = strncasecmp(url, "wss:", 4) == 0;
    if (!is_tls && strncasecmp(url, "ws:", 3) != 0)
        return wf_copy_text(url);
    return is_tls ? wf_http_join("https", 5, url + 3) : wf_http_join("http", 4, url + 2);
}

int wf_websocket_prepare(weft_http_response *x, const char *url, const weft_websocket_opts *opts)
{
    char *http = as_http(url);
    x->method = wf_copy_text("GET");
    wf_http_set_timeouts(x, &opts->timeouts);
    x->timeouts.idle_ns = x->timeouts.total_ns = 0; /* those of an answer with an end */
    int rc = http == NULL || x->method == NULL
                 ? WEFT_ENOMEM
                 : wf_http_url_make(x->session->opts.base_url, http, opts->query, &x->url);
    wf_free(http);
    return rc;
}

/* ---- lists ----------------------------------------------------------------------------------------------- */

/* One of a list with commas between. */
static bool lists(const char *list, const char *wanted, size_t size, bool in_any_case)
{
    while (list != NULL && *list != '\0') {
        list += strspn(list, ", \t");
        size_t n = strcspn(list, ", \t");
        if (n == size && n > 0 &&
            (in_any_case ? strncasecmp(list, wanted, n) : strncmp(list, wanted, n)) == 0)
            return true;
        list += n;
    }
    return false;
}

/* Tokens with commas between, none of them twice. */
static bool is_offer(const char *protocols)
{
    for (;;) {
        protocols += strspn(protocols, " \t");
        size_t n = wf_http_token_size(protocols);
        const char *end = protocols + n + strspn(protocols + n, " \t");
        if (n == 0 || (*end != ',' && *end != '\0') || lists(end, protocols, n, false))
            return false;
        if (*end == '\0')
            return true;
        protocols = end + 1;
    }
}

/* ---- the request ------------------------------------------------------------------------------------------ */

struct bytes {
    char *data;
    size_t size, room;
};

static int append(struct bytes *bytes, const char *data, size_t size)
{
    if (bytes->data == NULL || bytes->room - bytes->size < size) {
        size_t room = WF_MAX(bytes->room * 2, bytes->size + size);
        room = WF_MAX(room, (size_t)1024);
        char *grown = wf_realloc(bytes->data, room);
        if (grown == NULL)
            return WEFT_ENOMEM;
        bytes->data = grown;
        bytes->room = room;
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

struct request {
    struct bytes bytes;
    int rc;
};

static void add(struct request *request, const char *text)
{
    if (request->rc == 0)
        request->rc = append(&request->bytes, text, strlen(text));
}

static void add_field(struct request *request, const char *name, const char *value)
{
    if (request->rc == 0 && (!wf_http_is_token(name) || value == NULL || !wf_http_is_value(value)))
        request->rc = WEFT_EINVAL;
    if (request->rc < 0)
        return;
    const char *const parts[] = { name, ": ", value, "\r\n" };
    for (size_t i = 0; i < WF_ARRAY_SIZE(parts); i++)
        add(request, parts[i]);
}

/* What only this file may say, or would make a body of what follows. */
static bool is_ours(const char *name)
{
    static const char *const names[] = { "Host", "Upgrade", "Connection", "Content-Length",
                                         "Transfer-Encoding" };
    for (size_t i = 0; i < WF_ARRAY_SIZE(names); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return strncasecmp(name, "Sec-WebSocket-", 14) == 0;
}

static bool says_itself(const weft_websocket_opts *opts, const char *name)
{
    return wf_http_fields_have(opts->headers, name) ||
           (opts->bearer != NULL && strcasecmp(name, "Authorization") == 0);
}

static void add_fields(struct request *request, const weft_http_field *fields,
                       const weft_websocket_opts *unless)
{
    for (; fields != NULL && fields->name != NULL; fields++) {
        if (is_ours(fields->name))
            request->rc = WEFT_EINVAL;
        if (unless == NULL || !says_itself(unless, fields->name))
            add_field(request, fields->name, fields->value);
    }
}

static void add_auth(struct request *request, const weft_http_response *x,
                     const weft_websocket_opts *opts)
{
    const weft_http_request_opts own = { .headers = opts->headers, .bearer = opts->bearer };
    struct curl_slist *list = NULL;
    struct wf_http_who who;
    int rc = wf_http_auth_who(x->session, x->url, &own, &who);
    if (rc == 0)
        rc = wf_http_auth_add(&list, &who);
    if (request->rc == 0)
        request->rc = rc;
    for (const struct curl_slist *line = list; line != NULL; line = line->next) {
        add(request, line->data);
        add(request, "\r\n");
    }
    curl_slist_free_all(list);
}

static void add_users_fields(struct request *request, const weft_http_response *x,
                             const weft_websocket_opts *opts)
{
    const weft_http_session *session = x->session;
    if (!wf_http_fields_have(opts->headers, "User-Agent") &&
        !wf_http_fields_have(session->opts.headers, "User-Agent"))
        add_field(request, "User-Agent", session->opts.user_agent);
    add_fields(request, opts->headers, NULL);
    add_fields(request, session->opts.headers, opts);
    add_auth(request, x, opts);
    if (opts->protocols != NULL && request->rc == 0 && !is_offer(opts->protocols))
        request->rc = WEFT_EINVAL;
    if (opts->protocols != NULL)
        add_field(request, "Sec-WebSocket-Protocol", opts->protocols);
}

static int make_request(struct request *request, const weft_http_response *x, const char *key,
                        const weft_websocket_opts *opts)
{
    char *host, *target;
    request->rc = wf_http_url_parts(x->url, &host, &target);
    if (request->rc == 0) {
        add(request, "GET ");
        add(request, target);
        add(request, " HTTP/1.1\r\n");
        add_field(request, "Host", host);
        add_field(request, "Upgrade", "websocket");
        add_field(request, "Connection", "Upgrade");
        add_field(request, "Sec-WebSocket-Version", "13");
        add_field(request, "Sec-WebSocket-Key", key);
        add_users_fields(request, x, opts);
        add(request, "\r\n");
    }
    wf_free(host);
    wf_free(target);
    return request->rc < 0 || request->bytes.size <= WF_HTTP_RING ? request->rc : WEFT_EINVAL;
}

/* ---- the answer ------------------------------------------------------------------------------------------- */

/* Takes bytes up to the end of a line, if it is there. 1: the head is complete. */
static int take_line(weft_http_response *x, struct bytes *line)
{
    const char *data = NULL;
    int64_t n = wf_http_body_wait(x, &data);
    if (n <= 0)
        return n == 0 ? WEFT_EEOF : (int)n;
    const char *end = memchr(data, '\n', (size_t)n);
    size_t size = end != NULL ? (size_t)(end - data) + 1 : (size_t)n;
    int rc = line->size + size > WF_HTTP_MAX_HEAD ? WEFT_EHTTPLIMIT : append(line, data, size);
    wf_http_body_taken(x, size);
    if (rc < 0 || end == NULL)
        return rc;
    rc = wf_http_head_line(&x->head, false, line->data, line->size);
    line->size = 0;
    return rc;
}

static int read_answer(weft_http_response *x)
{
    struct bytes line = { .data = NULL };
    int rc = 0;
    while (rc == 0)
        rc = take_line(x, &line);
    wf_free(line.data);
    x->head.length = -1; /* whatever it says: what follows are frames */
    return WF_MIN(rc, 0);
}

/* One line of several that say the same kind of thing will do. */
static bool upgrades_connection(const struct wf_http_head *head)
{
    for (unsigned i = 0; i < head->n_fields; i++)
        if (strcasecmp(head->text + head->fields[i].name, "Connection") == 0 &&
            lists(head->text + head->fields[i].value, "upgrade", 7, true))
            return true;
    return false;
}

/* Of these there is one at most: two say two things. */
static bool says_once(const struct wf_http_head *head, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i < head->n_fields; i++)
        n += strcasecmp(head->text + head->fields[i].name, name) == 0;
    return n <= 1;
}

static int check_answer(weft_websocket *socket, const char *key, const char *protocols)
{
    const struct wf_http_head *head = &socket->x->head;
    char accept[WF_WEBSOCKET_ACCEPT];
    if (head->status != 101)
        return WEFT_EHTTPSTATUS;
    wf_websocket_accept(key, accept);
    const char *accepted = wf_http_head_find(head, "Sec-WebSocket-Accept");
    const char *upgrade = wf_http_head_find(head, "Upgrade");
    if (accepted == NULL || strcmp(accepted, accept) != 0 || upgrade == NULL ||
        strcasecmp(upgrade, "websocket") != 0 || !upgrades_connection(head) ||
        !says_once(head, "Upgrade") || !says_once(head, "Sec-WebSocket-Accept") ||
        !says_once(head, "Sec-WebSocket-Protocol") ||
        wf_http_head_find(head, "Sec-WebSocket-Extensions") != NULL)
        return WEFT_EHTTPPROTO;
    socket->protocol = wf_http_head_find(head, "Sec-WebSocket-Protocol");
    if (socket->protocol != NULL &&
        !lists(protocols, socket->protocol, strlen(socket->protocol), false))
        return WEFT_EHTTPPROTO;
    return 0;
}

/* ---- both --------------------------------------------------------------------------------------------------- */

static void send_request(weft_http_response *x, const struct request *request)
{
    struct wf_http_role *role = &x->session->role;
    wf_http_role_lock(role);
    (void)wf_http_tunnel_put_locked(x, request->bytes.data, request->bytes.size,
                                    0); /* it has room for it */
    wf_http_role_unlock(role);
}

/* From here on there is no limit of time but the user's. */
static void disarm(weft_http_response *x)
{
    struct wf_http_role *role = &x->session->role;
    wf_http_role_lock(role);
    if (x->stage == WF_HTTP_RUNNING)
        wf_http_arm_locked(x, 0, 0);
    wf_http_role_unlock(role);
}

int wf_websocket_shake_hands(weft_websocket *socket, const weft_websocket_opts *opts)
{
    weft_http_response *x = socket->x;
    struct request request = { .rc = 0 };
    unsigned char random[16];
    char key[WF_WEBSOCKET_KEY];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    wf_websocket_key(random, key);
    int rc = make_request(&request, x, key, opts);
    if (rc == 0)
        rc = wf_http_tunnel_open(x);
    if (rc == 0) {
        send_request(x, &request);
        rc = read_answer(x);
    }
    wf_free(request.bytes.data);
    disarm(x);
    if (rc == 0 && x->trace != NULL)
        wf_http_trace_head(x);
    return rc < 0 ? rc : check_answer(socket, key, opts->protocols);
}
