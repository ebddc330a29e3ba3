/* SPDX-License-Identifier: MIT
 * SHA-1 (FIPS 180-4) for one use: a key of 24 characters and the words that it is hashed with, 60
 * bytes. libcurl has it and does not give it, and a library more would be a dependency for this
 * alone. */
#include "http/websocket_key.h"

#include "http/base64.h"

#include <string.h>

enum { HASH = 20, BLOCK = 64, TEXT = 60 };

static uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static void mix(uint32_t state[5], const unsigned char block[BLOCK])
{
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                              : (b ^ c ^ d) + 0xca62c1d6u;
        uint32_t next = rotate(a, 5) + f + e + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* Of TEXT bytes: they fill one block but for the mark of their end, their length is in the next. */
static void hash(const unsigned char *text, unsigned char out[HASH])
{
    uint32_t state[5] = { 0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u };
    unsigned char blocks[2 * BLOCK] = { 0 };
    memcpy(blocks, text, TEXT);
    blocks[TEXT] = 0x80;
    blocks[2 * BLOCK - 2] = TEXT * 8 >> 8;
    blocks[2 * BLOCK - 1] = (unsigned char)(TEXT * 8);
    mix(state, blocks);
    mix(state, blocks + BLOCK);
    for (int i = 0; i < HASH; i++)
        out[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void wf_websocket_key(const unsigned char random[16], char key[WF_WEBSOCKET_KEY])
{
    wf_http_base64(random, 16, key);
}

void wf_websocket_accept(const char *key, char accept[WF_WEBSOCKET_ACCEPT])
{
    static const char words[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char text[TEXT], hashed[HASH];
    memcpy(text, key, WF_WEBSOCKET_KEY - 1);
    memcpy(text + WF_WEBSOCKET_KEY - 1, words, sizeof(words) - 1);
    hash(text, hashed);
    wf_http_base64(hashed, HASH, accept);
}
