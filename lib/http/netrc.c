/* SPDX-License-Identifier: MIT
 * netrc.h. Its `default` is for no host here: it would give a password away to each. */
#include "http/netrc.h"

#include "http/session.h"
#include "plat/mem.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <weft/file_at.h>

struct entry {
    const char *machine, *login, *password;
};

struct wf_http_netrc {
    char *text; /* what the entries point into */
    struct entry *entries;
    size_t n, room;
};

/* ---- words ------------------------------------------------------------------------------------------- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* "..." with \" and \\ in it: unpacked where it is. NULL: it has no end. */
static char *unquote(char *word, char **at)
{
    char *to = word, *from = word + 1;
    while (*from != '"' && *from != '\0') {
        from += *from == '\\' && from[1] != '\0';
        *to++ = *from++;
    }
    if (*from == '\0')
        return NULL;
    *to = '\0';
    *at = from + 1;
    return word;
}

/* The next word, ended by 0; *at goes behind it. NULL: there is none. */
static char *next_word(char **at)
{
    while (is_space(**at))
        (*at)++;
    char *word = *at;
    if (*word == '\0')
        return NULL;
    if (*word == '"')
        return unquote(word, at);
    while (**at != '\0' && !is_space(**at))
        (*at)++;
    if (**at != '\0')
        *(*at)++ = '\0';
    return word;
}

static void skip_line(char **at)
{
    *at += strcspn(*at, "\n");
    *at += **at == '\n';
}

static bool skip_comment(char **at)
{
    while (is_space(**at))
        (*at)++;
    if (**at != '#')
        return false;
    skip_line(at);
    return true;
}

/* The rest of the line with its name, and those up to an empty one. */
static void skip_macro(char **at)
{
    skip_line(at);
    while (**at != '\0' && **at != '\n' && strncmp(*at, "\r\n", 2) != 0)
        skip_line(at);
}

/* ---- entries ------------------------------------------------------------------------------------------- */

static int add_entry(struct wf_http_netrc *netrc, const char *machine, struct entry **out)
{
    if (netrc->n == netrc->room) {
        size_t room = WF_MAX(netrc->room * 2, (size_t)8);
        struct entry *grown = wf_realloc(netrc->entries, wf_size_with(0, room, sizeof(*grown)));
        if (grown == NULL)
            return WEFT_ENOMEM;
        netrc->entries = grown;
        netrc->room = room;
    }
    *out = &netrc->entries[netrc->n++];
    **out = (struct entry){ .machine = machine };
    return 0;
}

static bool is_user(const char *text)
{
    return wf_http_is_value(text) && strchr(text, ':') == NULL;
}

/* A word and what follows it; *entry is the one that it says something of. */
static int parse_pair(struct wf_http_netrc *netrc, const char *word, char **at,
                      struct entry **entry)
{
    const char *value = next_word(at);
    if (value == NULL || !wf_http_is_value(value))
        return -EBADMSG;
    if (strcmp(word, "machine") == 0)
        return add_entry(netrc, value, entry);
    if (*entry == NULL)
        return -EBADMSG;
    if (strcmp(word, "login") == 0) {
        (*entry)->login = value;
        return is_user(value) ? 0 : -EBADMSG;
    }
    if (strcmp(word, "password") == 0) {
        (*entry)->password = value;
        return 0;
    }
    return strcmp(word, "account") == 0 ? 0 : -EBADMSG;
}

static int parse(struct wf_http_netrc *netrc)
{
    struct entry anybody, *entry = NULL;
    char *at = netrc->text;
    int rc = 0;
    while (rc == 0) {
        if (skip_comment(&at))
            continue;
        if (*at == '\0')
            return 0;
        const char *word = next_word(&at);
        if (word == NULL)
            return -EBADMSG;
        if (strcmp(word, "macdef") == 0)
            skip_macro(&at);
        else if (strcmp(word, "default") == 0)
            entry = &anybody;
        else
            rc = parse_pair(netrc, word, &at, &entry);
    }
    return rc;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

/* Not one that others can read too: then it is no secret. */
static int read_text(struct wf_http_netrc *netrc, const char *path)
{
    struct stat about;
    size_t size;
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(path, "r", &file));
    WEFT_TRY(weft_file_stat(file, &about));
    if ((about.st_mode & 077) != 0)
        return -EACCES;
    WEFT_TRY(weft_file_read_all(file, &netrc->text, &size));
    return strlen(netrc->text) < size ? -EBADMSG : 0;
}

int wf_http_netrc_open(const char *path, struct wf_http_netrc **out)
{
    struct wf_http_netrc *netrc = wf_alloc(1, sizeof(*netrc));
    if (netrc == NULL)
        return WEFT_ENOMEM;
    int rc = read_text(netrc, path);
    if (rc == 0)
        rc = parse(netrc);
    if (rc < 0)
        wf_http_netrc_close(netrc);
    else
        *out = netrc;
    return rc;
}

void wf_http_netrc_close(struct wf_http_netrc *netrc)
{
    if (netrc == NULL)
        return;
    weft_free(netrc->text);
    wf_free(netrc->entries);
    wf_free(netrc);
}

/* ---- looking up ---------------------------------------------------------------------------------------- */

/* host: of an origin, "host:port/" or "[address]:port/". */
static bool is_of(const struct entry *entry, const char *host)
{
    bool is_address = *host == '[';
    host += is_address;
    size_t size = strcspn(host, is_address ? "]" : ":/");
    return entry->login != NULL && strlen(entry->machine) == size &&
           strncasecmp(entry->machine, host, size) == 0;
}

int wf_http_netrc_find(const struct wf_http_netrc *netrc, const char *url, const char **out_user,
                       const char **out_password)
{
    char *origin;
    *out_user = *out_password = NULL;
    if (netrc == NULL || wf_http_url_shown(url) != url)
        return 0;
    int rc = wf_http_url_origin(url, &origin);
    if (rc < 0)
        return rc;
    const char *host = strstr(origin, "://");
    for (size_t i = 0; host != NULL && *out_user == NULL && i < netrc->n; i++)
        if (is_of(&netrc->entries[i], host + 3)) {
            *out_user = netrc->entries[i].login;
            *out_password = netrc->entries[i].password;
        }
    wf_free(origin);
    return 0;
}
