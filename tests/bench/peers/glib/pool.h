/* SPDX-License-Identifier: MIT */
/* The cases of the thread pool: pool.c. */
#ifndef POOL_H
#define POOL_H

#include "common.h"

void to_thread(int64_t n, int workers);
void to_thread_c64(int64_t n, int workers);
void to_thread_100us(int64_t n, int workers);
void blocking_sleep1ms(int64_t n, int workers);
void blocking_sleep1ms_c1(int64_t n, int workers);
void blocking_sleep1ms_c1000(int64_t n, int workers);

#endif
