/* SPDX-License-Identifier: MIT */
#ifndef NET_H
#define NET_H

#include "common.h"

void tcp_echo_c1(int64_t n, int workers);
void tcp_echo_c64(int64_t n, int workers);
void tcp_echo_c1000(int64_t n, int workers);

#endif
