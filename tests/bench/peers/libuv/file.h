/* SPDX-License-Identifier: MIT */
#ifndef FILE_H
#define FILE_H

#include <stdint.h>

void read_many(int64_t n, int workers);
void read_random(int64_t n, int workers);

#endif
