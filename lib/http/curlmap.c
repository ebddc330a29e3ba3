/* SPDX-License-Identifier: MIT
 * libcurl's codes as weft's. Only the connection's own errors have a number of the system's. */
#include "http/session.h"

#include <errno.h>

static int code_of_tls(CURLcode code)
{
    switch ((int)code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
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
    case CURLE_OUT_OF_MEMORY: return WEFT_ENOMEM;
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a head: the scheme was looked at before */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return WEFT_EHTTPPROTO;
    case CURLE_NOT_BUILT_IN:
    case CURLE_UNKNOWN_OPTION: return WEFT_ENOTSUP;
    default: return code_of_tls(code);
    }
}

int wf_http_code_of_multi(CURLMcode code)
{
    if (code == CURLM_OK)
        return 0;
    return code == CURLM_OUT_OF_MEMORY ? WEFT_ENOMEM : -EIO;
}
