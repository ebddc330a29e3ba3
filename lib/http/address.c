/* SPDX-License-Identifier: MIT */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct net4 {
    uint32_t prefix;
    int bits;
};

static bool is_private4(uint32_t ip)
{
    static const struct net4 nets[] = {
        { 0x00000000u, 8 },                       /* this host */
        { 0x0a000000u, 8 },  { 0x64400000u, 10 }, /* shared by a provider's customers */
        { 0x7f000000u, 8 },  { 0xa9fe0000u, 16 }, /* the link; where clouds have their secrets */
        { 0xac100000u, 12 }, { 0xc0000000u, 24 },
        { 0xc0a80000u, 16 }, { 0xc6120000u, 15 }, /* measurements */
        { 0xe0000000u, 3 },                       /* multicast, and reserved */
    };
    for (size_t i = 0; i < WF_ARRAY_SIZE(nets); i++)
        if ((ip ^ nets[i].prefix) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static uint32_t word_at(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Public are the globally routed (2000::/3), and of these not Teredo's, whose IPv4 address is hidden. */
static bool is_private6(const unsigned char ip[16])
{
    static const unsigned char zero[12], mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    if (memcmp(ip, zero, 12) == 0 || memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0)
        return is_private4(word_at(ip + 12)); /* :: and ::1 among them */
    if (ip[0] == 0x20 && ip[1] == 0x02)
        return is_private4(word_at(ip + 2)); /* 6to4 */
    return ip[0] >> 5 != 1 || word_at(ip) == 0x20010000u;
}

bool wf_http_is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_private4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return is_private6(in6.sin6_addr.s6_addr);
    }
    return address->sa_family != AF_UNIX;
}
