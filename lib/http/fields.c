/* SPDX-License-Identifier: MIT
 * What may go into a request: RFC 9110's tokens and values, so that no byte of a name, a value or a
 * method begins a line of its own. */
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>
#include <strings.h>

/* Each name of each answer goes through it. */
static const bool token_chars[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['!'] = true,  ['#'] = true,
    ['$'] = true,         ['%'] = true,         ['&'] = true,         ['\''] = true, ['*'] = true,
    ['+'] = true,         ['-'] = true,         ['.'] = true,         ['^'] = true,  ['_'] = true,
    ['`'] = true,         ['|'] = true,         ['~'] = true,
};

size_t wf_http_token_size(const char *text)
{
    size_t n = 0;
    while (token_chars[(unsigned char)text[n]])
        n++;
    return n;
}

bool wf_http_is_token(const char *text)
{
    size_t n = wf_http_token_size(text);
    return n > 0 && text[n] == '\0';
}

bool wf_http_is_value(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* libcurl takes "name: value", and "name;" for an empty value. */
int wf_http_field_add(struct curl_slist **list, const char *name, const char *value)
{
    if (!wf_http_is_token(name) || value == NULL || !wf_http_is_value(value))
        return WEFT_EINVAL;
    size_t n = strlen(name), value_size = strlen(value);
    char *line = wf_alloc(wf_size_with(n + 3, 1, value_size), 1);
    if (line == NULL)
        return WEFT_ENOMEM;
    memcpy(line, name, n + 1);
    line[n] = value_size > 0 ? ':' : ';';
    if (value_size > 0) {
        line[n + 1] = ' ';
        memcpy(line + n + 2, value, value_size + 1);
    }
    struct curl_slist *longer = curl_slist_append(*list, line);
    wf_free(line);
    if (longer == NULL)
        return WEFT_ENOMEM;
    *list = longer;
    return 0;
}

bool wf_http_fields_have(const weft_http_field *fields, const char *name)
{
    for (; fields != NULL && fields->name != NULL; fields++)
        if (strcasecmp(fields->name, name) == 0)
            return true;
    return false;
}

weft_http_field *wf_http_fields_extend(const weft_http_field *fields, size_t n_more, size_t *out_n)
{
    size_t n = 0;
    while (fields != NULL && fields[n].name != NULL)
        n++;
    weft_http_field *list = wf_alloc(wf_size_with(n_more + 1, 1, n), sizeof(*list));
    if (list != NULL && n > 0)
        memcpy(list, fields, n * sizeof(*list));
    *out_n = n;
    return list;
}

int wf_http_fields_add(struct curl_slist **list, const weft_http_field *fields)
{
    int rc = 0;
    for (; rc == 0 && fields != NULL && fields->name != NULL; fields++)
        rc = wf_http_field_add(list, fields->name, fields->value);
    return rc;
}
