/* SPDX-License-Identifier: MIT */
#include "proxy.h"

#include "wt_loopback.h"
#include "wt_test.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 4096, HEAD = 8192 };

/* A connection: its thread's. */
struct link {
    struct proxy *proxy;
    int client, server;
    size_t n_up, n_down;
    uint64_t random;
};

static size_t random_below(struct link *link, size_t limit)
{
    link->random = link->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(link->random >> 33) % limit;
}

static int connect_to(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), now = 1;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
        close(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
    return fd;
}

static void wait_for_end(int fd)
{
    char spill[BLOCK];
    while (recv(fd, spill, sizeof(spill), 0) > 0)
        continue;
}

/* ---- what goes wrong --------------------------------------------------------------------------------- */

static bool strikes(const struct link *link)
{
    const struct proxy_fault *fault = &link->proxy->fault;
    switch (fault->kind) {
    case FAULT_CUT:
    case FAULT_HALF_OPEN:
    case FAULT_RESET: return link->n_down >= fault->at;
    case FAULT_CUT_UP: return link->n_up >= fault->at;
    default: return false;
    }
}

static void strike(const struct link *link)
{
    struct linger now = { 1, 0 };
    if (link->proxy->fault.kind == FAULT_HALF_OPEN)
        wait_for_end(link->client);
    if (link->proxy->fault.kind == FAULT_RESET)
        (void)setsockopt(link->client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static size_t block_size(struct link *link, bool is_down)
{
    const struct proxy_fault *fault = &link->proxy->fault;
    size_t moved = is_down ? link->n_down : link->n_up;
    bool is_struck = fault->kind == FAULT_CUT_UP ? !is_down : is_down && fault->kind >= FAULT_CUT;
    if (fault->kind == FAULT_SLICES)
        return 1 + random_below(link, 7);
    if (fault->kind == FAULT_BANDWIDTH)
        return fault->at;
    return is_struck && moved < fault->at && fault->at - moved < BLOCK ? fault->at - moved : BLOCK;
}

static void delay(const struct link *link)
{
    enum proxy_fault_kind kind = link->proxy->fault.kind;
    if (kind == FAULT_LATENCY || kind == FAULT_BANDWIDTH)
        (void)poll(NULL, 0, kind == FAULT_LATENCY ? 3 : 1);
}

/* False: this was the end. */
static bool forward(struct link *link, bool is_down)
{
    char block[BLOCK];
    int from = is_down ? link->server : link->client, to = is_down ? link->client : link->server;
    size_t *moved = is_down ? &link->n_down : &link->n_up;
    ssize_t n = recv(from, block, block_size(link, is_down), 0);
    if (n <= 0)
        return false;
    if (is_down && link->proxy->fault.kind == FAULT_CORRUPT && *moved == link->proxy->fault.at)
        block[0] ^= (char)(1 << random_below(link, 7));
    delay(link);
    *moved += (size_t)n;
    return wt_send_all(to, block, (size_t)n);
}

static void relay(struct link *link)
{
    struct pollfd polled[] = { { .fd = link->client, .events = POLLIN },
                               { .fd = link->server, .events = POLLIN } };
    bool goes_on = true;
    while (goes_on && !strikes(link) && poll(polled, 2, -1) > 0) {
        if (polled[0].revents != 0)
            goes_on = forward(link, false);
        if (goes_on && polled[1].revents != 0 && !strikes(link))
            goes_on = forward(link, true);
    }
    if (strikes(link))
        strike(link);
}

/* ---- what is asked ----------------------------------------------------------------------------------- */

static bool read_head(struct link *link, char *head)
{
    head[0] = '\0';
    for (size_t size = 0; strstr(head, "\r\n\r\n") == NULL;) {
        if (size == HEAD - 1 || recv(link->client, head + size, 1, 0) != 1)
            return false;
        head[++size] = '\0';
    }
    return true;
}

static void note_head(struct proxy *proxy, const char *head)
{
    (void)pthread_mutex_lock(&proxy->mutex);
    size_t size = strlen(head), room = sizeof(proxy->heads) - 1 - proxy->size;
    size = size < room ? size : room;
    memcpy(proxy->heads + proxy->size, head, size);
    proxy->size += size;
    proxy->heads[proxy->size] = '\0';
    (void)pthread_mutex_unlock(&proxy->mutex);
}

static bool is_allowed(const struct proxy *proxy, const char *head)
{
    char line[256];
    if (proxy->authorization == NULL)
        return true;
    (void)snprintf(line, sizeof(line), "\r\nProxy-Authorization: %s\r\n", proxy->authorization);
    return strstr(head, line) != NULL;
}

/* Of "CONNECT host:port" and "GET http://host:port/path". */
static int port_of(const char *head)
{
    const char *host = strchr(head, ' ') + 1, *scheme = strstr(host, "://");
    const char *end = strchr(host, ' ');
    const char *colon = strchr(scheme != NULL && scheme < end ? scheme + 3 : host, ':');
    return colon != NULL ? atoi(colon + 1) : 0;
}

/* Without what is for the proxy alone. */
static bool pass_head(struct link *link, char *head)
{
    char *own = strstr(head, "Proxy-Authorization:");
    if (own != NULL) {
        char *next = strstr(own, "\r\n") + 2;
        memmove(own, next, strlen(next) + 1);
    }
    return wt_send_all(link->server, head, strlen(head));
}

static bool answer(struct link *link, const char *text)
{
    return wt_send_all(link->client, text, strlen(text));
}

static bool refuse(struct link *link, const char *head)
{
    const struct proxy *proxy = link->proxy;
    size_t size = proxy->refusal == NULL    ? 0
                  : proxy->refusal_size > 0 ? proxy->refusal_size
                                            : strlen(proxy->refusal);
    if (proxy->refusal != NULL)
        (void)wt_send_all(link->client, proxy->refusal, size);
    else if (!is_allowed(proxy, head))
        (void)answer(link, "HTTP/1.1 407 Who Are You\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                           "Content-Length: 0\r\nConnection: close\r\n\r\n");
    else if (!proxy->is_silent)
        return false;
    if (proxy->is_silent)
        wait_for_end(link->client);
    return true;
}

static bool is_connected(struct link *link)
{
    char head[HEAD];
    const struct proxy *proxy = link->proxy;
    if (proxy->target_port != 0)
        return (link->server = connect_to(proxy->target_port)) >= 0;
    if (!read_head(link, head))
        return false;
    note_head(link->proxy, head);
    if (refuse(link, head) || (link->server = connect_to(port_of(head))) < 0)
        return false;
    return strncmp(head, "CONNECT ", 8) == 0 ? answer(link, "HTTP/1.1 200 Go On\r\n\r\n")
                                             : pass_head(link, head);
}

/* ---- its life ---------------------------------------------------------------------------------------- */

static void serve(void *arg)
{
    struct link *link = arg;
    if (is_connected(link))
        relay(link);
    if (link->server >= 0)
        close(link->server);
    close(link->client);
    free(link);
}

static void accept_all(void *arg)
{
    struct proxy *proxy = arg;
    for (int fd; (fd = accept(proxy->fd, NULL, NULL)) >= 0;) {
        int now = 1;
        struct link *link = malloc(sizeof(*link));
        ck_assert_ptr_nonnull(link);
        ck_assert_uint_lt(proxy->n_links, sizeof(proxy->links) / sizeof(proxy->links[0]));
        *link = (struct link){ .proxy = proxy, .client = fd, .server = -1 };
        link->random = proxy->seed + proxy->n_links;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
        proxy->links[proxy->n_links++] = wt_thread_start(serve, link);
    }
}

void proxy_start(struct proxy *proxy)
{
    ck_assert_int_eq(pthread_mutex_init(&proxy->mutex, NULL), 0);
    proxy->fd = wt_listen(SOCK_CLOEXEC, 128, &proxy->port);
    (void)snprintf(proxy->url, sizeof(proxy->url), "http://127.0.0.1:%d", proxy->port);
    proxy->thread = wt_thread_start(accept_all, proxy);
}

void proxy_stop(struct proxy *proxy)
{
    (void)shutdown(proxy->fd, SHUT_RDWR); /* an accept that waits returns */
    wt_thread_join(proxy->thread);
    for (unsigned i = 0; i < proxy->n_links; i++)
        wt_thread_join(proxy->links[i]);
    close(proxy->fd);
    (void)pthread_mutex_destroy(&proxy->mutex);
}
