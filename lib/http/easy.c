/* SPDX-License-Identifier: MIT
 * Easy handles: what those of a session have in common, and what a transfer changes.
 *
 * Headers that are the same for all are a list of the session's, which is told to a handle once. libcurl
 * would write its own, User-Agent and Accept-Encoding, twice and byte by byte. It still does where there is
 * a proxy, which is told the User-Agent too, or a header of the request's.
 *
 * A plain URL is told parsed, too: libcurl would not only parse the text each time, but write it anew. It has
 * the text for when it starts over, after a challenge or on a new connection. What is not plain it parses
 * itself: a copy of a parsed URL lacks what libcurl (7.88) forgets to copy, the scope of an address. */
#include "http/easy.h"

#include "http/setopt.h"
#include "http/trust.h"

#include "plat/mem.h"

#include <string.h>

/* ---- what they have in common ---------------------------------------------------------------------- */

static CURLcode set_security(CURL *curl, const weft_http_session_opts *opts)
{
    CURLcode code = wf_http_set_tls(curl, opts);
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(code, curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(code, curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    SET(code, curl, CURLOPT_FOLLOWLOCATION, 0L);
    SET_IF_KNOWN(code, curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET_TEXT(code, curl, CURLOPT_UNIX_SOCKET_PATH, opts->unix_socket);
    return code == CURLE_OK ? wf_http_set_proxy(curl, opts) : code;
}

static CURLcode set_callbacks(struct wf_http_easy *easy, struct wf_http_engine *engine)
{
    CURL *curl = easy->curl;
    CURLcode code = CURLE_OK;
    SET(code, curl, CURLOPT_PRIVATE, (char *)easy);
    SET(code, curl, CURLOPT_ERRORBUFFER, easy->error_text);
    SET(code, curl, CURLOPT_DEBUGFUNCTION, wf_http_on_words);
    SET(code, curl, CURLOPT_DEBUGDATA, easy);
    SET(code, curl, CURLOPT_OPENSOCKETFUNCTION, wf_http_open_socket);
    SET(code, curl, CURLOPT_OPENSOCKETDATA, easy);
    SET(code, curl, CURLOPT_CLOSESOCKETFUNCTION, wf_http_close_socket);
    SET(code, curl, CURLOPT_CLOSESOCKETDATA, engine);
    return code == CURLE_OK ? wf_http_transfer_set_callbacks(easy) : code;
}

/* The one packing of which a cut is noticed (packing.h). libcurl unpacks others as well, from servers that send
 * them all the same. */
static const char *asked_coding(void)
{
    bool has_zlib = curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_LIBZ;
    return has_zlib ? "gzip" : "identity";
}

static long version_of(const weft_http_session *session, bool is_http1)
{
    return session->opts.http2 && !is_http1 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
}

static CURLcode set_common(struct wf_http_easy *easy, weft_http_session *session)
{
    CURL *curl = easy->curl;
    CURLcode code = CURLE_OK;
    SET(code, curl, CURLOPT_NOSIGNAL, 1L);
    SET(code, curl, CURLOPT_NOPROGRESS, 1L);
    SET(code, curl, CURLOPT_ACCEPT_ENCODING, session->opts.no_compression ? NULL : asked_coding());
    SET(code, curl, CURLOPT_BUFFERSIZE, 64L << 10);
    SET(code, curl, CURLOPT_USERAGENT, session->opts.user_agent);
    SET(code, curl, CURLOPT_HTTP_VERSION, version_of(session, false));
    SET(code, curl, CURLOPT_PIPEWAIT,
        (long)session->opts.http2); /* or each would make a connection */
    SET(code, curl, CURLOPT_MAXAGE_CONN, 60L);
#if LIBCURL_VERSION_NUM >= 0x075000
    SET_IF_KNOWN(code, curl, CURLOPT_MAXLIFETIME_CONN, 600L);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    SET_IF_KNOWN(code, curl, CURLOPT_QUICK_EXIT,
                 1L); /* or a slow resolver would hold up everybody */
#endif
    if (code == CURLE_OK)
        code = set_security(curl, &session->opts);
    return code == CURLE_OK ? set_callbacks(easy, &session->engine) : code;
}

static CURLcode make(weft_http_session *session, struct wf_http_easy **out)
{
    struct wf_http_easy *easy = wf_alloc(1, sizeof(*easy));
    if (easy == NULL)
        return CURLE_OUT_OF_MEMORY;
    easy->curl = curl_easy_init();
    easy->parsed = curl_url();
    bool has_both = easy->curl != NULL && easy->parsed != NULL;
    CURLcode code = has_both ? set_common(easy, session) : CURLE_OUT_OF_MEMORY;
    if (code == CURLE_OK)
        *out = easy;
    else
        wf_http_easy_free(easy);
    return code;
}

/* The end of a body of unknown length makes libcurl before 8.1 read on in what has come for the connection,
 * though another transfer is paused in the middle of it: that one's bytes are overwritten (http2.c,
 * http2_done_sending; undone by curl's commit 744dcf22fa). */
static bool loses_beside_streams(const weft_http_session_opts *opts)
{
    return opts->http2 && curl_version_info(CURLVERSION_NOW)->version_num < 0x080100;
}

int wf_http_easy_open(struct wf_http_engine *engine)
{
    const weft_http_session_opts *opts = &wf_http_session_of(engine)->opts;
    int rc = 0;
    engine->loses_beside_streams = loses_beside_streams(opts);
    if (opts->proxy != NULL || opts->proxy_from_environment)
        return 0;
    if (opts->user_agent[0] != '\0')
        rc = wf_http_field_add(&engine->common, "User-Agent", opts->user_agent);
    if (rc == 0 && !opts->no_compression)
        rc = wf_http_field_add(&engine->common, "Accept-Encoding", asked_coding());
    return rc;
}

/* ---- what a transfer changes ----------------------------------------------------------------------- */

/* Every body is read by libcurl's callback: it has none that it could send a second time, as it would on
 * a kept connection that turns out to be dead, whatever the method. */
static CURLcode tell_method(const weft_http_response *x)
{
    struct wf_http_easy *easy = x->easy;
    bool is_plain = !x->is_upload && strcmp(x->method, "GET") == 0;
    CURLcode code = CURLE_OK;
    if (is_plain && easy->is_plain)
        return code;
    easy->is_plain = is_plain;
    SET(code, easy->curl, CURLOPT_HTTPGET, 1L); /* takes back what the last transfer has set */
    if (x->is_upload) {
        SET(code, easy->curl, CURLOPT_UPLOAD, 1L);
        SET(code, easy->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->upload_size);
    } else if (strcmp(x->method, "HEAD") == 0) {
        SET(code, easy->curl, CURLOPT_NOBODY, 1L);
    }
    SET(code, easy->curl, CURLOPT_CUSTOMREQUEST, is_plain ? NULL : x->method);
    return code;
}

static CURLcode tell_version(const weft_http_response *x)
{
    struct wf_http_easy *easy = x->easy;
    const weft_http_session *session = x->session;
    bool is_stream = x->is_upload && x->upload_size < 0;
    bool is_http1 = is_stream && session->engine.loses_beside_streams;
    if (easy->is_http1 == is_http1)
        return CURLE_OK;
    easy->is_http1 = is_http1;
    return curl_easy_setopt(easy->curl, CURLOPT_HTTP_VERSION, version_of(session, is_http1));
}

/* A list of the request's own is told each time: the last one is gone, and this may be where it was. */
static CURLcode tell_headers(const weft_http_response *x)
{
    struct wf_http_easy *easy = x->easy;
    struct curl_slist *common = x->session->engine.common;
    bool is_common = x->headers == NULL && common != NULL;
    CURLcode code = CURLE_OK;
    if (is_common && easy->is_common)
        return code;
    if (is_common != easy->is_common)
        SET(code, easy->curl, CURLOPT_USERAGENT, is_common ? NULL : x->session->opts.user_agent);
    SET(code, easy->curl, CURLOPT_HTTPHEADER, is_common ? common : x->headers);
    easy->is_common = is_common;
    return code;
}

static CURLcode tell_connect_time(const weft_http_response *x)
{
    struct wf_http_easy *easy = x->easy;
    int64_t ns = x->timeouts.connect_ns; /* 0 would be libcurl's own limit */
    int64_t ms = ns < 0 ? INT32_MAX : WF_MIN(ns / 1000000 + 1, (int64_t)INT32_MAX);
    if (easy->connect_ms == (long)ms)
        return CURLE_OK;
    easy->connect_ms = (long)ms;
    return curl_easy_setopt(easy->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)ms);
}

static CURLcode tell_parsed_url(const weft_http_response *x)
{
    struct wf_http_easy *easy = x->easy;
    if (easy->url != NULL && strcmp(easy->url, x->url) == 0)
        return CURLE_OK;
    wf_free(easy->url);
    easy->url = wf_copy_text(x->url);
    if (easy->url == NULL)
        return CURLE_OUT_OF_MEMORY;
    bool is_parsed = wf_http_url_is_plain(x->url) &&
                     curl_url_set(easy->parsed, CURLUPART_URL, x->url, 0) == CURLUE_OK;
    return curl_easy_setopt(easy->curl, CURLOPT_CURLU, is_parsed ? easy->parsed : NULL);
}

/* The text each time: libcurl may have put another in its place, and would take want of memory for a wrong
 * URL if it had to make it from the parsed one. */
static CURLcode tell_url(const weft_http_response *x)
{
    CURLcode code = tell_parsed_url(x);
    SET(code, x->easy->curl, CURLOPT_URL, x->url);
    return code;
}

/* Not taken back: the handle is not used again. */
static CURLcode tell_tunnel(CURL *curl)
{
    CURLcode code = CURLE_OK;
    SET(code, curl, CURLOPT_CONNECT_ONLY, 1L);
    SET(code, curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    SET(code, curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return code;
}

CURLcode wf_http_easy_tell(weft_http_response *x)
{
    x->easy->is_told = false;
    CURLcode code = tell_method(x);
    if (code == CURLE_OK)
        code = tell_version(x);
    if (code == CURLE_OK)
        code = tell_headers(x);
    if (code == CURLE_OK)
        code = tell_connect_time(x);
    if (code == CURLE_OK)
        code = wf_http_watch_goodbye(x);
    if (x->is_tunnel && code == CURLE_OK)
        code = tell_tunnel(x->easy->curl);
    if (code == CURLE_OK)
        code = wf_http_jar_attach(x);
    if (code == CURLE_OK)
        code = wf_http_digest_attach(x);
    if (code == CURLE_OK)
        code = tell_url(x);
    x->easy->is_told = code == CURLE_OK;
    return code;
}

CURLcode wf_http_easy_set_verbose(struct wf_http_easy *easy, bool is_verbose)
{
    if (easy->is_verbose == is_verbose)
        return CURLE_OK;
    easy->is_verbose = is_verbose;
    return curl_easy_setopt(easy->curl, CURLOPT_VERBOSE, (long)is_verbose);
}

/* ---- from one to the next -------------------------------------------------------------------------- */

CURLcode wf_http_easy_take(weft_http_response *x)
{
    struct wf_http_engine *engine = &x->session->engine;
    CURLcode code = CURLE_OK;
    if (x->easy == NULL && engine->n_spare > 0)
        x->easy = engine->spare[--engine->n_spare];
    else if (x->easy == NULL)
        code = make(x->session, &x->easy);
    if (code != CURLE_OK)
        return code;
    x->easy->x = x;
    x->easy->error_text[0] = '\0';
    return CURLE_OK;
}

void wf_http_easy_spare(struct wf_http_engine *engine, struct wf_http_easy *easy)
{
    if (easy->is_told && engine->n_spare < WF_ARRAY_SIZE(engine->spare))
        engine->spare[engine->n_spare++] = easy;
    else
        wf_http_easy_free(easy);
}

void wf_http_easy_free(struct wf_http_easy *easy)
{
    if (easy->curl != NULL)
        curl_easy_cleanup(easy->curl);
    curl_url_cleanup(easy->parsed);
    wf_free(easy->url);
    wf_free(easy);
}
