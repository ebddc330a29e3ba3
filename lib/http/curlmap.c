/* SPDX-License-Identifier: MIT
 * libcurl's codes as weft's. Only the connection's own errors have a number of the system's. */
#include "http/easy.h"

#include <errno.h>
#include <string.h>

static int code_of_tls(CURLcode code)
{
    switch ((int)code) {
    case CURLE_SSL_CERTPROBLEM: /* ours */
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE: return WEFT_EHTTPCERT;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return WEFT_EHTTPPIN;
#if LIBCURL_VERSION_NUM >= 0x074d00
    case CURLE_SSL_CLIENTCERT:
#endif
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_SHUTDOWN_FAILED: return WEFT_EHTTPTLS;
    default: return -EIO;
    }
}

int wf_http_code_of(CURLcode code, long os_error)
{
    switch ((int)code) {
    case CURLE_OK: return 0;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return WEFT_ENAME;
    case CURLE_COULDNT_CONNECT: return os_error > 0 ? -(int)os_error : -ECONNREFUSED;
    case CURLE_SEND_FAIL_REWIND: /* a body that was on its way when a kept connection was found dead */
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return os_error > 0 ? -(int)os_error : -ECONNRESET;
    case CURLE_OPERATION_TIMEDOUT:
        return WEFT_EHTTPCONNECT; /* the only limit that libcurl is told of */
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING: return WEFT_EEOF;
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT: return WEFT_EINVAL;
    case CURLE_OUT_OF_MEMORY: return WEFT_ENOMEM; /* before 8.6 also a line of more than 100 KiB */
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE: return WEFT_EHTTPLIMIT;
#endif
    case CURLE_TOO_MANY_REDIRECTS: /* of answers to a challenge each was too late, the server says */
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a head: the scheme was looked at before */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR: /* not ours, which say why: of what follows the end of a packed body */
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return WEFT_EHTTPPROTO;
    case CURLE_NOT_BUILT_IN:
    case CURLE_UNKNOWN_OPTION: return WEFT_ENOTSUP;
    default: return code_of_tls(code);
    }
}

/* What the TLS library did not like about bytes that came or went has no code of libcurl's own: only
 * its words say that it was no error of the connection. A connection that ended without its goodbye may
 * have been cut by anybody. 0: nothing of the kind. */
static int code_of_tls_text(const char *text)
{
    if (strstr(text, "unexpected eof") != NULL || strstr(text, "non-properly terminated") != NULL)
        return WEFT_EEOF;
    bool is_of_tls = strstr(text, "error:") != NULL || strncmp(text, "GnuTLS", 6) == 0;
    return is_of_tls ? WEFT_EHTTPTLS : 0;
}

int wf_http_outcome_of(const weft_http_response *x, CURLcode code)
{
    long os_error = 0, proxy_status = 0;
    if (code == CURLE_OK)
        return wf_http_is_cut_off(x) ? WEFT_EEOF : 0;
    (void)curl_easy_getinfo(x->easy->curl, CURLINFO_OS_ERRNO, &os_error);
    (void)curl_easy_getinfo(x->easy->curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    int rc = wf_http_code_of(code, os_error);
    if (code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR)
        return rc;
    if (proxy_status >= 300 && !x->has_head)
        return WEFT_EHTTPPROXY;
    int tls_rc = code_of_tls_text(x->easy->error_text);
    return tls_rc < 0 ? tls_rc : rc;
}

int wf_http_code_of_multi(CURLMcode code)
{
    if (code == CURLM_OK)
        return 0;
    return code == CURLM_OUT_OF_MEMORY ? WEFT_ENOMEM : -EIO;
}
