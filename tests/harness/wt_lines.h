/* SPDX-License-Identifier: MIT
 * Lines as a text that can be compared. */
#ifndef WT_LINES_H
#define WT_LINES_H

#include "wt_test.h"

#include <string.h>
#include <weft.h>

/* All there are, as "[line][line]", and the code of the end. */
static inline int wt_join_lines(weft_rx(weft_line) lines, char *out, size_t room)
{
    size_t size = 0;
    weft_each (line, lines) {
        ck_assert_uint_lt(size + line.size + 3, room);
        out[size++] = '[';
        memcpy(out + size, line.data, line.size);
        size += line.size;
        out[size++] = ']';
    }
    out[size] = '\0';
    return weft_error(lines);
}

#endif
