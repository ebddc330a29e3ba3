/* SPDX-License-Identifier: MIT
 * Who asks. It is a header like the request's own, made here and not by libcurl: so it does not follow
 * a redirect to another origin (redirect.c), and a handle that goes from one transfer to the next keeps
 * nothing of it. */
#include "http/base64.h"
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>

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
static int add_user(struct curl_slist **list, const char *user, const char *password,
                    bool is_digest)
{
    password = password != NULL ? password : "";
    if (strchr(user, ':') != NULL || !wf_http_is_value(user) || !wf_http_is_value(password))
        return WEFT_EINVAL;
    if (is_digest)
        return 0; /* there is nothing to say before a challenge */
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

int wf_http_auth_add(struct curl_slist **list, const weft_http_session_opts *session,
                     const weft_http_request_opts *opts)
{
    static const char header[] = "Authorization";
    if (opts->password != NULL && opts->user == NULL)
        return WEFT_EINVAL;
    bool says_itself = wf_http_fields_have(opts->headers, header) ||
                       wf_http_fields_have(opts->cross_origin_headers, header);
    if (says_itself + (opts->bearer != NULL) + (opts->user != NULL) > 1)
        return WEFT_EINVAL;
    if (opts->bearer != NULL)
        return add_scheme(list, "Bearer ", opts->bearer);
    bool is_digest = opts->digest || session->digest;
    if (opts->user != NULL)
        return add_user(list, opts->user, opts->password, is_digest);
    if (says_itself || session->user == NULL)
        return 0;
    return add_user(list, session->user, session->password, is_digest);
}
