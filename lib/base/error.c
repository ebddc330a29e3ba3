/* SPDX-License-Identifier: MIT
 * Names and texts of the error map (weft/error.h), and of plain -errno values. */
#include "plat/cc.h"

#include <limits.h>
#include <string.h>
#include <weft/error.h>

struct entry {
    int code;
    const char *name, *text;
};

static const struct entry entries[] = {
#define ENTRY(name, code, text) { WEFT_##name, "WEFT_" #name, text },
    WEFT_ERROR_MAP(ENTRY)
#undef ENTRY
};

static const struct entry *find(int code)
{
    for (size_t i = 0; i < WF_ARRAY_SIZE(entries); i++)
        if (entries[i].code == code)
            return &entries[i];
    return NULL;
}

/* INT_MIN has no opposite; INT_MAX names nothing either. */
static int to_errno(int code) { return code == INT_MIN ? INT_MAX : -code; }

const char *weft_strerror(int code)
{
    const struct entry *entry = find(code);
    if (entry != NULL)
        return entry->text;
    if (code >= 0)
        return "success";
    const char *text = strerrordesc_np(to_errno(code));
    return text != NULL ? text : "unknown error";
}

const char *weft_errname(int code)
{
    const struct entry *entry = find(code);
    if (entry != NULL)
        return entry->name;
    if (code >= 0)
        return "OK";
    const char *name = strerrorname_np(to_errno(code));
    return name != NULL ? name : "?";
}
