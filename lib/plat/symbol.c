/* SPDX-License-Identifier: MIT */
#include "plat/symbol.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

static const char *without_folders(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void wf_symbol_of_return(const void *address, struct wf_symbol *out_symbol)
{
    *out_symbol = (struct wf_symbol){ .module = NULL };
    /* What follows the call may be another line, or another function. */
    const char *call = (const char *)__builtin_extract_return_addr((void *)(uintptr_t)address) - 1;
    Dl_info found;
    struct link_map *map = NULL;
    if (dladdr1(call, &found, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL)
        return;
    out_symbol->module = without_folders(found.dli_fname);
    out_symbol->in_module = (uintptr_t)call - map->l_addr;
    out_symbol->function = found.dli_sname;
    if (found.dli_sname != NULL)
        out_symbol->in_function = (uintptr_t)call - (uintptr_t)found.dli_saddr;
}
