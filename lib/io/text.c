/* SPDX-License-Identifier: MIT
 * Lines that their holder owns, and the memory that weft gives away. */
#include "plat/mem.h"

#include <string.h>
#include <weft/file.h>
#include <weft/line.h>

int weft_text_copy(weft_line line, weft_text *out_text)
{
    if (out_text == NULL || (line.data == NULL && line.size > 0))
        return WEFT_EINVAL;
    char *data = wf_alloc(1, wf_size_with(1, line.size, 1));
    if (data == NULL)
        return WEFT_ENOMEM;
    if (line.size > 0)
        memcpy(data, line.data, line.size);
    data[line.size] = '\0';
    *out_text = (weft_text){ data, line.size };
    return 0;
}

void weft_text_drop(void *text)
{
    weft_text *held = text;
    if (held == NULL)
        return;
    wf_free(held->data);
    *held = (weft_text){ NULL, 0 };
}

void weft_free(void *memory) { wf_free(memory); }
