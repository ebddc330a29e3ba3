/* SPDX-License-Identifier: MIT */
#ifndef FILE_H
#define FILE_H

#define _GNU_SOURCE 1
#include <stdint.h>

void read_many(int64_t n, int workers);
void read_random(int64_t n, int workers);
void read_random_direct(int64_t n, int workers);

#endif
