/* SPDX-License-Identifier: MIT
 * The text of forms, as the HTML standard has it: fields, and what is around the parts. */
#include "http/form.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* ---- text: its size, and, where `to` is not NULL, itself --------------------------------------------- */

static const char hex[] = "0123456789ABCDEF";

static size_t add_char(char *to, size_t at, char c)
{
    if (to != NULL)
        to[at] = c;
    return at + 1;
}

static size_t add(char *to, size_t at, const char *text)
{
    for (; *text != '\0'; text++)
        at = add_char(to, at, *text);
    return at;
}

static size_t add_percent(char *to, size_t at, unsigned char c)
{
    at = add_char(to, at, '%');
    at = add_char(to, at, hex[c >> 4]);
    return add_char(to, at, hex[c & 15]);
}

static bool breaks_a_quote(char c) { return c == '\r' || c == '\n' || c == '"'; }

static size_t add_quoted(char *to, size_t at, const char *text)
{
    at = add_char(to, at, '"');
    for (; *text != '\0'; text++)
        at = breaks_a_quote(*text) ? add_percent(to, at, (unsigned char)*text)
                                   : add_char(to, at, *text);
    return add_char(to, at, '"');
}

/* ---- urlencoded -------------------------------------------------------------------------------------- */

static bool stays(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("*-._", c) != NULL;
}

static size_t add_encoded(char *to, size_t at, const char *text)
{
    for (; *text != '\0'; text++)
        at = *text == ' '   ? add_char(to, at, '+')
             : stays(*text) ? add_char(to, at, *text)
                            : add_percent(to, at, (unsigned char)*text);
    return at;
}

size_t wf_http_form_fields(const weft_http_field *fields, char *to)
{
    size_t at = 0;
    for (const weft_http_field *field = fields; field->name != NULL; field++) {
        if (field != fields)
            at = add_char(to, at, '&');
        at = add_encoded(to, at, field->name);
        at = add_char(to, at, '=');
        at = add_encoded(to, at, field->value);
    }
    return at;
}

/* ---- the heads of parts ------------------------------------------------------------------------------ */

static const char *filename_of(const weft_http_part *part)
{
    if (part->filename != NULL || part->path == NULL)
        return part->filename;
    const char *slash = strrchr(part->path, '/');
    return slash != NULL ? slash + 1 : part->path;
}

static const char *type_of(const weft_http_part *part)
{
    bool is_file = filename_of(part) != NULL;
    return part->type == NULL && is_file ? "application/octet-stream" : part->type;
}

size_t wf_http_form_head(const struct wf_http_form *form, size_t i, char *to)
{
    const weft_http_part *part = &form->parts[i];
    const char *filename = filename_of(part), *type = type_of(part);
    size_t at = add(to, 0, i > 0 ? "\r\n--" : "--");
    at = add(to, at, form->boundary);
    at = add(to, at, "\r\nContent-Disposition: form-data; name=");
    at = add_quoted(to, at, part->name);
    if (filename != NULL)
        at = add_quoted(to, add(to, at, "; filename="), filename);
    if (type != NULL)
        at = add(to, add(to, at, "\r\nContent-Type: "), type);
    return add(to, at, "\r\n\r\n");
}

size_t wf_http_form_end(const struct wf_http_form *form, char *to)
{
    size_t at = add(to, 0, form->n > 0 ? "\r\n--" : "--");
    return add(to, add(to, at, form->boundary), "--\r\n");
}

/* Random, so that nobody can write a value that ends its part. */
int wf_http_form_boundary(struct wf_http_form *form)
{
    unsigned char random[16];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    size_t at = add(form->boundary, 0, "weft-");
    for (size_t i = 0; i < sizeof(random); i++) {
        at = add_char(form->boundary, at, hex[random[i] >> 4]);
        at = add_char(form->boundary, at, hex[random[i] & 15]);
    }
    form->boundary[at] = '\0';
    at = add(form->type, 0, "multipart/form-data; boundary=");
    at = add(form->type, at, form->boundary);
    form->type[at] = '\0';
    return 0;
}
