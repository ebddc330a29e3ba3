/* SPDX-License-Identifier: MIT */
#include "http/base64.h"

void wf_http_base64(const unsigned char *data, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < size; at += 3) {
        size_t n = WF_MIN(size - at, (size_t)3);
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < n ? data[at + i] : 0u);
        for (size_t i = 0; i < 4; i++)
            out[i] = digits[bits >> (18 - 6 * i) & 63];
        for (size_t i = n + 1; i < 4; i++)
            out[i] = '=';
        out += 4;
    }
    *out = '\0';
}
