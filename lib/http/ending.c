/* SPDX-License-Identifier: MIT
 * The end of a body. What is packed by gzip says its own (packing.h), whatever its framing says.
 *
 * And there are bodies that nothing but the end of their connection tells: neither a length nor chunks. libcurl
 * takes them for complete, and two things may show that they need not be.
 *
 * It is packed. Its packing has an end, at which libcurl does not look: what it has unpacked so far is all
 * that it tells. To unpack it here, too, would be a second zlib for servers of HTTP/1.0; so such a body is
 * given, and then it is an error.
 *
 * It came by TLS, and the other side has not said that it ends there (close_notify): whoever is on the way
 * could have cut it. libcurl with OpenSSL does not mind. What has been said is known to OpenSSL, whose
 * functions we don't link to, and is told by libcurl to those who ask for its words alone. Should they ever
 * change, such a body is an error and never a part that passes for the whole. Other TLS libraries report the
 * cut themselves. With a proxy that is spoken to by TLS its goodbye is not told from the server's.
 *
 * It came in clear: the connection was ended in order, and no more can be known. */
#include "http/easy.h"

#include <string.h>
#include <strings.h>

int wf_http_on_words(CURL *curl, curl_infotype type, char *words, size_t size, void *arg)
{
    (void)curl;
    weft_http_response *x = ((struct wf_http_easy *)arg)->x;
    if (x == NULL)
        return 0;
    if (type == CURLINFO_DATA_IN)
        wf_http_packing_take(&x->packing, words, size);
    if (type == CURLINFO_TEXT && memmem(words, size, "(IN)", 4) != NULL &&
        memmem(words, size, "close notify", 12) != NULL)
        x->has_goodbye = true;
    return 0;
}

static bool is_openssl(void)
{
    const char *name = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return name != NULL && strstr(name, "SSL") != NULL; /* OpenSSL, LibreSSL, BoringSSL */
}

CURLcode wf_http_watch_goodbye(weft_http_response *x)
{
    x->needs_goodbye = !x->is_tunnel && strncasecmp(x->url, "https:", 6) == 0 && is_openssl();
    x->has_goodbye = false;
    return wf_http_easy_set_verbose(x->easy, x->needs_goodbye);
}

/* Frames of HTTP/2 are undone before libcurl tells of bytes, chunks after. A goodbye that was heard
 * before the head is that of another connection, which libcurl has put away meanwhile. */
CURLcode wf_http_watch_body(weft_http_response *x)
{
    const struct wf_http_head *head = &x->head;
    x->has_goodbye = false;
    x->packing = (struct wf_http_packing){ .is_chunked = head->is_chunked };
    x->packing.is_watched = head->is_gzip && head->n_codings == 1 && head->status != 206 &&
                            !x->session->opts.no_compression;
    if (!head->is_chunked)
        x->packing.left = head->length >= 0 ? (uint64_t)head->length : UINT64_MAX;
    return x->packing.is_watched ? wf_http_easy_set_verbose(x->easy, true) : CURLE_OK;
}

bool wf_http_is_cut_off(const weft_http_response *x)
{
    long version = 0;
    if (x->proof == WF_PROOF_REFUSED)
        return false; /* what is thrown away is for nobody */
    if (wf_http_packing_is_cut(&x->packing, x->n_received))
        return true;
    if (wf_http_head_tells_end(&x->head) || strcmp(x->method, "HEAD") == 0)
        return false;
    (void)curl_easy_getinfo(x->easy->curl, CURLINFO_HTTP_VERSION, &version);
    bool has_frames = version != CURL_HTTP_VERSION_1_0 && version != CURL_HTTP_VERSION_1_1;
    return !has_frames && (x->head.is_encoded || (x->needs_goodbye && !x->has_goodbye));
}
