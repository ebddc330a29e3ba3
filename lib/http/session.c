/* SPDX-License-Identifier: MIT
 * The life of a session. */
#include "http/middleware.h"
#include "http/trust.h"

#include "base/opts.h"
#include "plat/fork.h"
#include "plat/mem.h"

#include <string.h>
#include <weft/scope.h>

#define OR(value, otherwise) ((value) != 0 ? (value) : (otherwise))

enum { DEFAULT_LIMIT = 100, DEFAULT_REDIRECTS = 10 };

/* ---- options --------------------------------------------------------------------------------------- */

static const size_t texts[] = {
    offsetof(weft_http_session_opts, base_url),
    offsetof(weft_http_session_opts, user_agent),
    offsetof(weft_http_session_opts, ca_file),
    offsetof(weft_http_session_opts, client_cert),
    offsetof(weft_http_session_opts, client_key),
    offsetof(weft_http_session_opts, pinned_key),
    offsetof(weft_http_session_opts, unix_socket),
    offsetof(weft_http_session_opts, proxy),
    offsetof(weft_http_session_opts, netrc),
    offsetof(weft_http_session_opts, user),
    offsetof(weft_http_session_opts, password),
    offsetof(weft_http_session_opts, no_proxy),
    offsetof(weft_http_session_opts, proxy_user),
    offsetof(weft_http_session_opts, proxy_password),
    offsetof(weft_http_session_opts, client_key_password),
};

static const char **text_of(weft_http_session_opts *opts, size_t i)
{
    return (const char **)(void *)((char *)opts + texts[i]);
}

/* Each is replaced by a copy, or by NULL. False: one could not be had. */
static bool copy_texts(weft_http_session_opts *opts)
{
    bool is_complete = true;
    for (size_t i = 0; i < WF_ARRAY_SIZE(texts); i++) {
        const char **text = text_of(opts, i);
        char *copy = *text != NULL ? wf_copy_text(*text) : NULL;
        is_complete &= *text == NULL || copy != NULL;
        *text = copy;
    }
    return is_complete;
}

static size_t fields_size(const weft_http_field *fields, size_t *out_n)
{
    size_t size = 0, n = 0;
    for (; fields[n].name != NULL; n++)
        size += strlen(fields[n].name) + strlen(fields[n].value) + 2;
    *out_n = n + 1;
    return size;
}

static char *copy_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* One block: the list, then its texts. */
static int copy_fields(const weft_http_field **list)
{
    const weft_http_field *fields = *list;
    size_t n;
    *list = NULL;
    for (const weft_http_field *f = fields; f != NULL && f->name != NULL; f++)
        if (!wf_http_is_token(f->name) || f->value == NULL || !wf_http_is_value(f->value))
            return WEFT_EINVAL;
    if (fields == NULL)
        return 0;
    size_t size = fields_size(fields, &n);
    weft_http_field *copy = wf_alloc(wf_size_with(size, n, sizeof(*copy)), 1);
    if (copy == NULL)
        return WEFT_ENOMEM;
    char *at = (char *)(copy + n);
    for (size_t i = 0; i + 1 < n; i++) {
        copy[i].name = copy_text(&at, fields[i].name);
        copy[i].value = copy_text(&at, fields[i].value);
    }
    *list = copy;
    return 0;
}

/* As if they were a request's: one Authorization at most, of what can be sent. */
static int check_auth(const weft_http_session *session)
{
    const weft_http_session_opts *opts = &session->opts;
    const weft_http_request_opts all = { .headers = opts->headers,
                                         .cross_origin_headers = opts->cross_origin_headers,
                                         .user = opts->user,
                                         .password = opts->password };
    struct wf_http_who who;
    return wf_http_auth_who(session, NULL, &all, &who);
}

static int check_opts(const weft_http_session *session)
{
    const weft_http_session_opts *opts = &session->opts;
    const curl_version_info_data *about = curl_version_info(CURLVERSION_NOW);
    char *url = NULL;
    if (opts->http2 && !(about->features & CURL_VERSION_HTTP2))
        return WEFT_ENOTSUP;
    if (!wf_http_is_value(opts->user_agent))
        return WEFT_EINVAL;
    int rc = wf_http_check_trust(opts);
    if (rc == 0 && opts->base_url != NULL)
        rc = wf_http_url_make(NULL, opts->base_url, NULL, &url);
    wf_free(url);
    return rc < 0 ? rc : check_auth(session);
}

static void copy_retry(weft_http_session *session)
{
    const weft_http_retry_opts *from = session->opts.retry;
    if (from == NULL)
        return;
    wf_opts_copy(&session->retry, sizeof(session->retry), from);
    session->retry.size_ = 0; /* the copy is as long as ours */
    session->opts.retry = &session->retry;
}

static int take_opts(weft_http_session *session, const weft_http_session_opts *user_opts)
{
    weft_http_session_opts *opts = &session->opts;
    wf_opts_copy(opts, sizeof(*opts), user_opts);
    opts->user_agent = opts->user_agent != NULL ? opts->user_agent : "weft";
    opts->limit = OR(opts->limit, (unsigned)DEFAULT_LIMIT);
    opts->max_redirects = OR(opts->max_redirects, DEFAULT_REDIRECTS);
    weft_http_timeouts *timeouts = &opts->timeouts;
    timeouts->connect_ns = OR(timeouts->connect_ns, WEFT_SEC(10));
    timeouts->first_byte_ns = OR(timeouts->first_byte_ns, WEFT_SEC(30));
    timeouts->idle_ns = OR(timeouts->idle_ns, WEFT_SEC(30));
    copy_retry(session);
    int rc = copy_fields(&opts->headers), other_rc = copy_fields(&opts->cross_origin_headers);
    int middleware_rc = wf_http_middleware_copy(&opts->middleware);
    rc = rc < 0 ? rc : other_rc < 0 ? other_rc : middleware_rc;
    if (!copy_texts(opts) && rc == 0)
        rc = WEFT_ENOMEM;
    if (rc == 0)
        rc = check_opts(session);
    return rc == 0 && opts->netrc != NULL ? wf_http_netrc_open(opts->netrc, &session->netrc) : rc;
}

/* ---- opening --------------------------------------------------------------------------------------- */

void wf_http_session_free(weft_http_session *session)
{
    for (size_t i = 0; i < WF_ARRAY_SIZE(texts); i++)
        wf_free((void *)(uintptr_t)*text_of(&session->opts, i));
    wf_free((void *)(uintptr_t)session->opts.headers);
    wf_free((void *)(uintptr_t)session->opts.cross_origin_headers);
    wf_free((void *)(uintptr_t)session->opts.middleware);
    wf_http_netrc_close(session->netrc);
    wf_http_timers_destroy(&session->timers);
    wf_free(session);
}

/* How many forks there are between us and who has loaded the library. To ask for the process's number
 * is a system call, four times for each request. */
static unsigned n_forks;

static void note_fork(void) { n_forks++; }

int wf_http_watch_forks(void) { return wf_on_fork_child(note_fork) ? 0 : WEFT_ENOMEM; }

bool wf_http_has_forked(const weft_http_session *session) { return n_forks != session->n_forks; }

static weft_http_session *make_session(void)
{
    weft_http_session *session = wf_alloc(1, sizeof(*session));
    if (session == NULL)
        return NULL;
    wf_http_role_init(&session->role, &wf_http_engine_ops, &session->engine);
    wf_http_party_init(&session->party);
    wf_http_errand_init(&session->errand, &session->party);
    wf_list_init(&session->queue);
    wf_list_init(&session->posted);
    wf_list_init(&session->running);
    wf_list_init(&session->asked);
    wf_list_init(&session->hosts);
    wf_list_init(&session->open);
    session->n_forks = n_forks;
    return session;
}

int weft_http_session_open(const weft_http_session_opts *opts, weft_http_session **out_session)
{
    if (out_session == NULL)
        return WEFT_EINVAL;
    weft_http_session *session = make_session();
    if (session == NULL)
        return WEFT_ENOMEM;
    int rc = take_opts(session, opts);
    if (rc >= 0)
        rc = wf_http_engine_open(&session->engine);
    if (rc < 0) {
        wf_http_session_free(session);
        return rc;
    }
    weft_resource_opened(&session->entry, "HTTP session", wf_http_url_shown(session->opts.base_url),
                         NULL, 0);
    *out_session = session;
    return 0;
}

/* ---- closing --------------------------------------------------------------------------------------- */

static bool is_quiet(void *arg)
{
    const weft_http_session *session = arg;
    return session->n_running == 0 && wf_list_is_empty(&session->queue);
}

/* Whether all have ended by themselves. */
static bool let_end(weft_http_session *session)
{
    if (session->opts.close_wait_ns <= 0)
        return false;
    WEFT_SCOPE(scope, .shielded = true, .move_on = true, .timeout_ns = session->opts.close_wait_ns);
    int rc = wf_http_role_wait(&session->role, &session->party, is_quiet, session);
    return weft_scope_wait(&scope) >= 0 && rc >= 0;
}

static void abort_all(weft_http_session *session)
{
    struct wf_list *waiting[] = { &session->queue, &session->posted };
    wf_http_role_lock(&session->role);
    session->is_aborted = true;
    for (size_t i = 0; i < WF_ARRAY_SIZE(waiting); i++)
        while (!wf_list_is_empty(waiting[i]))
            wf_http_abort_locked(WF_CONTAINER(wf_list_first(waiting[i]), weft_http_response, link),
                                 WEFT_ECLOSED);
    wf_list_each (link, &session->running)
        wf_http_abort_locked(WF_CONTAINER(link, weft_http_response, link), WEFT_ECLOSED);
    wf_http_role_unlock(&session->role);
}

/* All is over, and nobody turns the engine, which nobody has a reason to do from now on: who gets the
 * role finds that what it waits for has come. It is not turned for this: that may need a thread. */
static bool is_mine(void *arg)
{
    const weft_http_session *session = arg;
    const struct wf_http_party *driver = session->role.driver;
    return is_quiet(arg) && (driver == NULL || driver == &session->party);
}

/* The holder of each may be about to close it: a reference keeps it while it is named. */
static int name_open(weft_http_session *session)
{
    struct wf_link *link;
    int n = 0;
    for (;; n++) {
        wf_http_role_lock(&session->role);
        link = wf_list_pop_front(&session->open);
        weft_http_response *x = link == NULL ? NULL
                                             : WF_CONTAINER(link, weft_http_response, open_link);
        if (x != NULL)
            x->party.n_refs++;
        wf_http_role_unlock(&session->role);
        if (x == NULL)
            return n;
        weft_resource_left(&x->entry, "an HTTP session is closed, and this");
        wf_http_party_unref(&session->role, &x->party);
    }
}

static int close_session(weft_http_session *session)
{
    wf_http_role_lock(&session->role);
    session->is_closing = true;
    wf_http_role_unlock(&session->role);
    if (!let_end(session))
        abort_all(session);
    int rc = wf_http_role_wait(&session->role, &session->party, is_mine, session);
    if (rc < 0)
        return rc; /* past the teardown budget: the driver still has it */
    wf_http_engine_close(&session->engine);
    weft_resource_closed(&session->entry);
    int n_open = name_open(session);
    wf_http_party_unref(&session->role, &session->party);
    return n_open;
}

int weft_http_session_close(weft_http_session *session)
{
    if (session == NULL)
        return 0;
    if (wf_http_has_forked(session))
        return WEFT_EFORK;
    weft_closing closing;
    weft_closing_begin(&closing);
    int rc = close_session(session);
    weft_closing_end(&closing, "weft_http_session", __FILE__, __LINE__);
    return rc;
}

const char *weft_http_version(void) { return curl_version(); }
