/* SPDX-License-Identifier: MIT
 * Addresses as text. */
#include "net/handle.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char unix_prefix[] = "unix:";
enum { PREFIX_SIZE = sizeof unix_prefix - 1, MOST_PORT = 65535 };

int wf_address_family(const weft_address *address)
{
    sa_family_t family;
    if (address->size < sizeof family)
        return AF_UNSPEC;
    memcpy(&family, address->sockaddr_, sizeof family);
    return family;
}

void wf_address_set(weft_address *out, const struct sockaddr *from, socklen_t size)
{
    *out = (weft_address){ .size = WF_MIN(size, (socklen_t)sizeof out->sockaddr_) };
    memcpy(out->sockaddr_, from, out->size);
}

/* ---- from text ----------------------------------------------------------------------------------- */

static bool copy_part(char *out, size_t room, const char *from, size_t size)
{
    if (size >= room)
        return false;
    memcpy(out, from, size);
    out[size] = '\0';
    return true;
}

static int parse_port(const char *text)
{
    int port = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return WEFT_EINVAL;
        port = port * 10 + (*text - '0');
        if (port > MOST_PORT)
            return WEFT_EINVAL;
    }
    return port;
}

/* A number that is no port is no name either: the system's resolver would cut it to 16 bits. */
static bool is_a_service(const char *text)
{
    return parse_port(text) >= 0 || text[strspn(text, "0123456789")] != '\0';
}

int wf_place_split(const char *where, struct wf_place *out)
{
    const char *host = where, *colon = strrchr(where, ':');
    if (colon == NULL || colon[1] == '\0')
        return WEFT_EINVAL;
    size_t size = (size_t)(colon - where);
    bool has_brackets = size >= 2 && where[0] == '[' && colon[-1] == ']';
    if (has_brackets) {
        host++;
        size -= 2;
    }
    /* "::1:80" could be either. */
    if (!has_brackets && memchr(host, ':', size) != NULL)
        return WEFT_EINVAL;
    bool fits = copy_part(out->host, sizeof out->host, host, size) &&
                copy_part(out->service, sizeof out->service, colon + 1, strlen(colon + 1));
    return fits && is_a_service(out->service) ? 0 : WEFT_EINVAL;
}

static int parse_unix(const char *path, weft_address *out)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t size = strlen(path);
    if (size == 0)
        return WEFT_EINVAL;
    if (size >= sizeof un.sun_path)
        return WEFT_EOVERFLOW;
    memcpy(un.sun_path, path, size);
    /* An abstract name begins with a 0 byte and has none at its end. */
    if (path[0] == '@')
        un.sun_path[0] = '\0';
    else
        size++;
    wf_address_set(out, (const struct sockaddr *)&un,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    return 0;
}

/* An interface by its number or name; 0: none. */
static uint32_t parse_zone(const char *text)
{
    enum { DECIMAL = 10 };
    size_t n_digits = strspn(text, "0123456789");
    if (n_digits == 0 || text[n_digits] != '\0')
        return if_nametoindex(text);
    unsigned long long number = strtoull(text, NULL, DECIMAL);
    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* "fe80::1%eth0": the same link-local address may be on each interface. */
static bool parse_v6(const char *host, struct sockaddr_in6 *out)
{
    char bare[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t size = zone != NULL ? (size_t)(zone - host) : strlen(host);
    if (!copy_part(bare, sizeof bare, host, size) ||
        inet_pton(AF_INET6, bare, &out->sin6_addr) != 1)
        return false;
    out->sin6_scope_id = zone != NULL ? parse_zone(zone + 1) : 0;
    return zone == NULL || out->sin6_scope_id != 0;
}

int weft_address_parse(const char *text, weft_address *out_address)
{
    if (text == NULL || out_address == NULL)
        return WEFT_EINVAL;
    if (strncmp(text, unix_prefix, PREFIX_SIZE) == 0)
        return parse_unix(text + PREFIX_SIZE, out_address);
    struct wf_place place;
    int rc = wf_place_split(text, &place);
    int port = rc >= 0 ? parse_port(place.service) : rc;
    if (port < 0)
        return port;
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
    if (inet_pton(AF_INET, place.host, &in.sin_addr) == 1)
        wf_address_set(out_address, (const struct sockaddr *)&in, sizeof in);
    else if (place.host[0] == '\0' || parse_v6(place.host, &in6))
        wf_address_set(out_address, (const struct sockaddr *)&in6, sizeof in6);
    else
        return WEFT_EINVAL;
    return 0;
}

/* ---- to text ------------------------------------------------------------------------------------- */

static void write_unix(const weft_address *address, char *text, size_t size)
{
    struct sockaddr_un un;
    /* The system counts a 0 behind a path that fills it, which is not there. */
    size_t n = WF_MIN(address->size - offsetof(struct sockaddr_un, sun_path), sizeof un.sun_path);
    memset(&un, 0, sizeof un);
    memcpy(&un, address->sockaddr_, WF_MIN(address->size, sizeof un));
    bool is_abstract = n > 0 && un.sun_path[0] == '\0';
    (void)snprintf(text, size, "%s%s%.*s", unix_prefix, is_abstract ? "@" : "",
                   (int)(is_abstract ? n - 1 : n), un.sun_path + is_abstract);
}

static void write_v6(const weft_address *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "", zone[16] = "";
    struct sockaddr_in6 in6;
    memcpy(&in6, address->sockaddr_, sizeof in6);
    if (in6.sin6_scope_id != 0)
        (void)snprintf(zone, sizeof zone, "%%%u", in6.sin6_scope_id);
    (void)snprintf(text, size, "[%s%s]:%u", inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host),
                   zone, ntohs(in6.sin6_port));
}

static void write_address(const weft_address *address, char *text, size_t size)
{
    char host[INET_ADDRSTRLEN] = "";
    struct sockaddr_in in;
    switch (wf_address_family(address)) {
    case AF_INET:
        memcpy(&in, address->sockaddr_, sizeof in);
        (void)snprintf(text, size, "%s:%u", inet_ntop(AF_INET, &in.sin_addr, host, sizeof host),
                       ntohs(in.sin_port));
        return;
    case AF_INET6: write_v6(address, text, size); return;
    case AF_UNIX: write_unix(address, text, size); return;
    default: (void)snprintf(text, size, "?");
    }
}

int weft_address_text(const weft_address *address, char *text, size_t size)
{
    char whole[WEFT_ADDRESS_TEXT];
    if (address == NULL || text == NULL)
        return WEFT_EINVAL;
    write_address(address, whole, sizeof whole);
    size_t n = strlen(whole);
    if (n >= size)
        return WEFT_EOVERFLOW;
    memcpy(text, whole, n + 1);
    return (int)n;
}

uint16_t weft_address_port(const weft_address *address)
{
    uint16_t port = 0;
    int family = address != NULL ? wf_address_family(address) : AF_UNSPEC;
    if (family == AF_INET || family == AF_INET6) /* both have it in one place */
        memcpy(&port, (const char *)address->sockaddr_ + offsetof(struct sockaddr_in, sin_port),
               sizeof port);
    return ntohs(port);
}
