/* SPDX-License-Identifier: MIT
 * The session's cookies to and from files, in the format of Netscape's: a line each, of seven fields with
 * tabs between them. libcurl reads and writes these lines; but it says nothing of one that it does not
 * understand, and so they are looked at here first. */
#include "http/session.h"

#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <weft/file.h>
#include <weft/http_cookies.h>
#include <weft/replace.h>
#include <weft/whole.h>

/* ---- lines ------------------------------------------------------------------------------------------- */

enum { DOMAIN, SUBDOMAINS, PATH, SECURE, EXPIRES, NAME, VALUE, N_FIELDS };

static const char http_only[] = "#HttpOnly_";

/* Fields end with a tab, the last one with the line. */
static bool split(const char *line, const char *fields[N_FIELDS], size_t sizes[N_FIELDS])
{
    for (int i = 0; i < N_FIELDS; i++) {
        fields[i] = line;
        sizes[i] = strcspn(line, "\t");
        line += sizes[i];
        if ((*line == '\0') != (i == VALUE))
            return false;
        line++;
    }
    return true;
}

static bool is_flag(const char *text, size_t size)
{
    return (size == 4 && strncasecmp(text, "TRUE", 4) == 0) ||
           (size == 5 && strncasecmp(text, "FALSE", 5) == 0);
}

/* libcurl would read the one with that beginning as a header; and what it has from a server need not be
 * one either, for it lets tabs into paths. */
static bool is_cookie(const char *line)
{
    const char *fields[N_FIELDS];
    size_t sizes[N_FIELDS];
    return wf_http_is_value(line) && strncasecmp(line, "Set-Cookie:", 11) != 0 &&
           split(line, fields, sizes) && sizes[DOMAIN] > 0 && sizes[NAME] > 0 &&
           is_flag(fields[SUBDOMAINS], sizes[SUBDOMAINS]) && fields[PATH][0] == '/' &&
           is_flag(fields[SECURE], sizes[SECURE]) && sizes[EXPIRES] > 0 && sizes[EXPIRES] <= 19 &&
           strspn(fields[EXPIRES], "0123456789") == sizes[EXPIRES];
}

static bool is_comment(const char *line)
{
    return *line == '\0' || (*line == '#' && strncmp(line, http_only, sizeof(http_only) - 1) != 0);
}

/* Puts the cookies one after the other, each ended by 0, and an empty one. */
static int take_lines(char *text)
{
    char *to = text, *next;
    for (char *line = text; line != NULL; line = next) {
        size_t size = strcspn(line, "\n");
        next = line[size] == '\n' ? line + size + 1 : NULL;
        size -= size > 0 && line[size - 1] == '\r';
        line[size] = '\0';
        if (is_comment(line))
            continue;
        if (!is_cookie(line))
            return -EBADMSG;
        memmove(to, line, size + 1);
        to += size + 1;
    }
    *to = '\0';
    return 0;
}

/* ---- files --------------------------------------------------------------------------------------------- */

static int check(const weft_http_session *session)
{
    if (session == NULL || !session->opts.cookies)
        return WEFT_EINVAL;
    return wf_http_has_forked(session) ? WEFT_EFORK : 0;
}

/* With room for the empty line behind the last one, which need not end with a line break. */
static int read_lines(const char *path, char **out_lines)
{
    char *text;
    size_t size;
    int rc = weft_whole_read(path, &text, &size);
    if (rc < 0)
        return rc;
    char *lines = wf_alloc(wf_size_with(2, 1, size), 1);
    if (lines != NULL)
        memcpy(lines, text, size);
    weft_free(text);
    rc = lines == NULL ? WEFT_ENOMEM : strlen(lines) < size ? -EBADMSG : take_lines(lines);
    if (rc < 0)
        wf_free(lines);
    else
        *out_lines = lines;
    return rc;
}

int weft_http_cookies_load(weft_http_session *session, const char *path)
{
    char *lines;
    int rc = check(session);
    if (rc == 0)
        rc = path == NULL ? WEFT_EINVAL : read_lines(path, &lines);
    if (rc < 0)
        return rc;
    rc = wf_http_errand_run(session, wf_http_jar_add, lines);
    wf_free(lines);
    return rc;
}

static int write_line(weft_file *file, const char *line)
{
    int rc = weft_file_write(file, line, strlen(line));
    return rc < 0 ? rc : weft_file_write(file, "\n", 1);
}

static int write_lines(weft_file *file, const struct curl_slist *line)
{
    int rc = wf_fs.set_mode(weft_file_fd(file), 0600);
    if (rc == 0)
        rc = write_line(file, "# Netscape HTTP Cookie File");
    for (; rc >= 0 && line != NULL; line = line->next)
        if (is_cookie(line->data))
            rc = write_line(file, line->data);
    return rc;
}

static int list_lines(weft_http_session *session, struct curl_slist **out_list)
{
    *out_list = NULL;
    return wf_http_errand_run(session, wf_http_jar_list, out_list);
}

int weft_http_cookies_save(weft_http_session *session, const char *path)
{
    struct curl_slist *list;
    weft_replace *replace = NULL;
    int rc = check(session);
    if (rc == 0)
        rc = path == NULL ? WEFT_EINVAL : list_lines(session, &list);
    if (rc < 0)
        return rc;
    rc = weft_replace_open(path, NULL, &replace);
    if (rc == 0)
        rc = write_lines(weft_replace_file(replace), list);
    curl_slist_free_all(list);
    return weft_replace_close(replace, rc);
}

/* ---- lists --------------------------------------------------------------------------------------------- */

static bool is_true(const char *flag) { return strcasecmp(flag, "TRUE") == 0; }

/* line is written into, and stays the cookie's. */
static void parse(char *line, weft_http_cookie *out)
{
    const char *fields[N_FIELDS];
    size_t sizes[N_FIELDS];
    *out = (weft_http_cookie){ .domain = "", .path = "", .name = "", .value = "" };
    out->http_only = strncmp(line, http_only, sizeof(http_only) - 1) == 0;
    line += out->http_only ? sizeof(http_only) - 1 : 0;
    if (!split(line, fields, sizes)) /* libcurl writes them whole */
        return;
    for (int i = 0; i < N_FIELDS; i++)
        line[(fields[i] - line) + (ptrdiff_t)sizes[i]] = '\0';
    out->domain = fields[DOMAIN] + (fields[DOMAIN][0] == '.');
    out->subdomains = is_true(fields[SUBDOMAINS]);
    out->path = fields[PATH];
    out->secure = is_true(fields[SECURE]);
    for (const char *digit = fields[EXPIRES]; *digit >= '0' && *digit <= '9'; digit++)
        out->expires_s = out->expires_s * 10 + (*digit - '0');
    out->name = fields[NAME];
    out->value = fields[VALUE];
}

static size_t count(const struct curl_slist *list, size_t *out_size)
{
    size_t n = 0;
    for (*out_size = 0; list != NULL; list = list->next) {
        n += is_cookie(list->data);
        *out_size += strlen(list->data) + 1;
    }
    return n;
}

static int copy_list(const struct curl_slist *list, weft_http_cookie **out_cookies, size_t *out_n)
{
    size_t size, n = count(list, &size);
    *out_cookies = NULL;
    *out_n = n;
    if (n == 0)
        return 0;
    weft_http_cookie *cookie = wf_alloc(wf_size_with(size, n, sizeof(*cookie)), 1);
    if (cookie == NULL)
        return WEFT_ENOMEM;
    *out_cookies = cookie;
    char *at = (char *)(cookie + n);
    for (; list != NULL; list = list->next) {
        size_t line_size = strlen(list->data) + 1;
        if (is_cookie(list->data))
            parse(memcpy(at, list->data, line_size), cookie++);
        at += line_size;
    }
    return 0;
}

int weft_http_cookies_list(weft_http_session *session, weft_http_cookie **out_cookies,
                           size_t *out_n)
{
    struct curl_slist *list;
    int rc = check(session);
    if (rc == 0)
        rc = out_cookies == NULL || out_n == NULL ? WEFT_EINVAL : list_lines(session, &list);
    if (rc < 0)
        return rc;
    rc = copy_list(list, out_cookies, out_n);
    curl_slist_free_all(list);
    return rc;
}

int weft_http_cookies_clear(weft_http_session *session)
{
    int rc = check(session);
    return rc < 0 ? rc : wf_http_errand_run(session, wf_http_jar_clear, NULL);
}
