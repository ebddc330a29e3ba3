/* SPDX-License-Identifier: MIT */
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>

char *wf_http_join(const char *text, size_t size, const char *more)
{
    size_t more_size = strlen(more) + 1;
    char *joined = wf_realloc(NULL, wf_size_with(size, 1, more_size));
    if (joined == NULL)
        return NULL;
    memcpy(joined, text, size);
    memcpy(joined + size, more, more_size);
    return joined;
}
