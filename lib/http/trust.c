/* SPDX-License-Identifier: MIT
 * TLS and proxies. An option that libcurl would pass over in silence is an error when the session is
 * opened: who names a key for a certificate that is not given, or a pin that is none, means something. */
#include "http/trust.h"

#include "http/setopt.h"

#include <string.h>
#include <strings.h>

/* ---- what can't be ---------------------------------------------------------------------------------- */

enum { PIN_BASE64 = 44 }; /* of the 32 bytes of SHA-256 */

/* "sha256//...", or several with a semicolon between: whatever else is a file's name to libcurl. */
static bool is_pin(const char *text)
{
    static const char kind[] = "sha256//";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (;; text++) {
        if (strncmp(text, kind, strlen(kind)) != 0)
            return false;
        text += strlen(kind);
        if (strspn(text, digits) != PIN_BASE64 - 1 || text[PIN_BASE64 - 1] != '=')
            return false;
        text += PIN_BASE64;
        if (*text != ';')
            return *text == '\0';
    }
}

static bool wants_tls(const weft_http_session_opts *opts)
{
    return opts->ca_file != NULL || opts->client_cert != NULL || opts->pinned_key != NULL ||
           (opts->proxy != NULL && strncasecmp(opts->proxy, "https:", 6) == 0);
}

/* HTTP's own alone: SOCKS would be another protocol with another set of errors. */
static bool is_proxy(const char *text)
{
    const char *end = strstr(text, "://");
    return *text != '\0' && (end == NULL || strncasecmp(text, "http://", 7) == 0 ||
                             strncasecmp(text, "https://", 8) == 0);
}

int wf_http_check_trust(const weft_http_session_opts *opts)
{
    int features = curl_version_info(CURLVERSION_NOW)->features;
    bool has_proxy = opts->proxy != NULL || opts->proxy_from_environment;
    if (wants_tls(opts) && !(features & CURL_VERSION_SSL))
        return WEFT_ENOTSUP;
    if (opts->client_cert == NULL &&
        (opts->client_key != NULL || opts->client_key_password != NULL))
        return WEFT_EINVAL;
    if (opts->pinned_key != NULL && !is_pin(opts->pinned_key))
        return WEFT_EINVAL;
    if (opts->proxy != NULL && !is_proxy(opts->proxy))
        return WEFT_EINVAL;
    if ((opts->proxy_user != NULL || opts->no_proxy != NULL) && !has_proxy)
        return WEFT_EINVAL;
    if (opts->refuse_private && has_proxy) /* it connects to hosts whose addresses we do not see */
        return WEFT_EINVAL;
    if (opts->proxy_user == NULL ? opts->proxy_password != NULL
                                 : strchr(opts->proxy_user, ':') != NULL)
        return WEFT_EINVAL;
    bool is_https = opts->proxy != NULL && strncasecmp(opts->proxy, "https:", 6) == 0;
    return is_https && !(features & CURL_VERSION_HTTPS_PROXY) ? WEFT_ENOTSUP : 0;
}

/* ---- to libcurl ------------------------------------------------------------------------------------- */

static const char *or_empty(const char *text) { return text != NULL ? text : ""; }

/* A key that wants a password which was not given would be asked for at the terminal. */
static CURLcode set_identity(CURL *easy, const weft_http_session_opts *opts)
{
    CURLcode code = CURLE_OK;
    if (opts->client_cert == NULL)
        return CURLE_OK;
    SET(code, easy, CURLOPT_SSLCERT, opts->client_cert);
    SET_TEXT(code, easy, CURLOPT_SSLKEY, opts->client_key);
    SET(code, easy, CURLOPT_KEYPASSWD, or_empty(opts->client_key_password));
    return code;
}

CURLcode wf_http_set_tls(CURL *easy, const weft_http_session_opts *opts)
{
    CURLcode code = CURLE_OK;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_SSL))
        return CURLE_OK; /* no https at all, and the session has no option of it */
    SET(code, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(code, easy, CURLOPT_SSL_VERIFYPEER, opts->insecure_any_certificate ? 0L : 1L);
    SET(code, easy, CURLOPT_SSL_VERIFYHOST, opts->insecure_any_certificate ? 0L : 2L);
    if (opts->ca_file != NULL) {
        SET(code, easy, CURLOPT_CAINFO, opts->ca_file);
        SET_IF_KNOWN(code, easy, CURLOPT_CAPATH, NULL);
    }
    SET_TEXT(code, easy, CURLOPT_PINNEDPUBLICKEY, opts->pinned_key);
    return code == CURLE_OK ? set_identity(easy, opts) : code;
}

/* A proxy that is spoken to by TLS is trusted for the same reasons as a server, and not told who we are. */
static CURLcode set_proxy_tls(CURL *easy, const weft_http_session_opts *opts)
{
    CURLcode code = CURLE_OK;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY))
        return CURLE_OK;
    SET(code, easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(code, easy, CURLOPT_PROXY_SSL_VERIFYPEER, opts->insecure_any_certificate ? 0L : 1L);
    SET(code, easy, CURLOPT_PROXY_SSL_VERIFYHOST, opts->insecure_any_certificate ? 0L : 2L);
    if (opts->ca_file != NULL) {
        SET(code, easy, CURLOPT_PROXY_CAINFO, opts->ca_file);
        SET_IF_KNOWN(code, easy, CURLOPT_PROXY_CAPATH, NULL);
    }
    return code;
}

/* Where nothing is set libcurl looks at the environment, for no_proxy also when a proxy is set. */
CURLcode wf_http_set_proxy(CURL *easy, const weft_http_session_opts *opts)
{
    CURLcode code = CURLE_OK;
    bool is_asked = opts->proxy_from_environment;
    SET_TEXT(code, easy, CURLOPT_PROXY, opts->proxy);
    if (opts->proxy == NULL && !is_asked)
        SET_IF_KNOWN(code, easy, CURLOPT_PROXY, "");
    SET_TEXT(code, easy, CURLOPT_NOPROXY, opts->no_proxy);
    if (opts->no_proxy == NULL && !is_asked)
        SET_IF_KNOWN(code, easy, CURLOPT_NOPROXY, "");
    if (opts->proxy_user != NULL) {
        SET(code, easy, CURLOPT_PROXYUSERNAME, opts->proxy_user);
        SET(code, easy, CURLOPT_PROXYPASSWORD, or_empty(opts->proxy_password));
    }
    SET_IF_KNOWN(code, easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return code == CURLE_OK && (opts->proxy != NULL || is_asked) ? set_proxy_tls(easy, opts) : code;
}
