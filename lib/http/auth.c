/* SPDX-License-Identifier: MIT
 * Who asks. It is a header like the request's own, made here and not by libcurl: so it does not follow
 * a redirect to another origin (redirect.c), and a handle that goes from one transfer to the next keeps
 * nothing of it. */
#include "http/base64.h"
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>

static const char header[] = "Authorization";

static char *append(char *at, const char *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static int add_scheme(struct curl_slist **list, const char *scheme, const char *what)
{
    size_t scheme_size = strlen(scheme), size = strlen(what) + 1;
    char *value = wf_alloc(wf_size_with(scheme_size, 1, size), 1);
    if (value == NULL)
        return WEFT_ENOMEM;
    (void)append(append(value, scheme, scheme_size), what, size);
    int rc = wf_http_field_add(list, "Authorization", value);
    wf_free(value);
    return rc;
}

/* RFC 7617: the server takes what is before the first colon for the name; so do those of digest.c. */
static int check(const struct wf_http_who *who)
{
    bool can_be = who->user == NULL ||
                  (strchr(who->user, ':') == NULL && wf_http_is_value(who->user));
    return can_be && (who->password == NULL || wf_http_is_value(who->password)) ? 0 : WEFT_EINVAL;
}

static int add_basic(struct curl_slist **list, const char *user, const char *password)
{
    size_t user_size = strlen(user), password_size = strlen(password);
    size_t size = user_size + 1 + password_size, room = size / 3 * 4 + 5;
    char *pair = wf_alloc(wf_size_with(size, 1, room), 1);
    if (pair == NULL)
        return WEFT_ENOMEM;
    char *end = append(append(pair, user, user_size), ":", 1);
    (void)append(end, password, password_size);
    wf_http_base64((const unsigned char *)pair, size, pair + size);
    int rc = add_scheme(list, "Basic ", pair + size);
    wf_free(pair);
    return rc;
}

static int look_up(const weft_http_session *session, const char *url, struct wf_http_who *who)
{
    if (url == NULL || wf_http_fields_have(session->opts.headers, header) ||
        wf_http_fields_have(session->opts.cross_origin_headers, header))
        return 0;
    return wf_http_netrc_find(session->netrc, url, &who->user, &who->password);
}

int wf_http_auth_who(const weft_http_session *session, const char *url,
                     const weft_http_request_opts *opts, struct wf_http_who *out)
{
    *out = (struct wf_http_who){ .bearer = opts->bearer };
    bool says_itself = wf_http_fields_have(opts->headers, header) ||
                       wf_http_fields_have(opts->cross_origin_headers, header);
    if (says_itself + (opts->bearer != NULL) + (opts->user != NULL || opts->digest) > 1 ||
        (opts->password != NULL && opts->user == NULL))
        return WEFT_EINVAL;
    if (says_itself || opts->bearer != NULL)
        return 0;
    bool is_own = opts->user != NULL;
    out->is_digest = opts->digest || session->opts.digest;
    out->user = is_own ? opts->user : session->opts.user;
    out->password = is_own ? opts->password : session->opts.password;
    int rc = out->user == NULL ? look_up(session, url, out) : 0;
    return rc < 0 ? rc : check(out);
}

int wf_http_auth_add(struct curl_slist **list, const struct wf_http_who *who)
{
    if (who->bearer != NULL)
        return add_scheme(list, "Bearer ", who->bearer);
    if (who->user == NULL || who->is_digest)
        return 0; /* there is nothing to say before a challenge */
    return add_basic(list, who->user, who->password != NULL ? who->password : "");
}
