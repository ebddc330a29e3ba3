/* SPDX-License-Identifier: MIT */
#include "md5.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void add_block(uint32_t sum[4], const unsigned char *block)
{
    static const unsigned turns[4][4] = {
        { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
    };
    uint32_t a = sum[0], b = sum[1], c = sum[2], d = sum[3];
    for (unsigned i = 0; i < 64; i++) {
        const uint32_t mixed[4] = { (b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d,
                                    c ^ (b | ~d) };
        const unsigned places[4] = { i, 5 * i + 1, 3 * i + 5, 7 * i };
        const unsigned char *at = block + 4 * (places[i / 16] % 16);
        uint32_t word = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                        (uint32_t)at[3] << 24;
        uint32_t sine = (uint32_t)(int64_t)(fabs(sin(i + 1.0)) * 4294967296.0);
        uint32_t x = a + mixed[i / 16] + word + sine;
        unsigned n = turns[i / 16][i % 4];
        a = d;
        d = c;
        c = b;
        b += x << n | x >> (32 - n);
    }
    sum[0] += a;
    sum[1] += b;
    sum[2] += c;
    sum[3] += d;
}

void md5_text(const char *text, char out[33])
{
    unsigned char padded[512 + 64] = { 0 };
    uint32_t sum[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
    size_t size = strlen(text), n = (size + 8) / 64 + 1;
    memcpy(padded, text, size);
    padded[size] = 0x80;
    for (unsigned i = 0; i < 8; i++)
        padded[64 * n - 8 + i] = (unsigned char)((uint64_t)size * 8 >> 8 * i);
    for (size_t i = 0; i < n; i++)
        add_block(sum, padded + 64 * i);
    for (unsigned i = 0; i < 16; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", sum[i / 4] >> 8 * (i % 4) & 0xff);
}
