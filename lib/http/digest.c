/* SPDX-License-Identifier: MIT
 * Digest: a user who proves that he knows the password, by an answer to the server's challenge.
 *
 * It takes two requests, both within one transfer of libcurl's, which computes the answer. A handle keeps
 * what it knows of a challenge, so one that was used for this is used for nothing else: each transfer begins
 * without, and a request with a body is first sent without the body, to be challenged.
 *
 *   A head that may be that of a challenge is held: the caller has not seen it. libcurl throws away the body
 *   of an answer that it makes another request after, so what follows a head that is held tells what it was:
 *   a head, then it was the challenge's and is forgotten; a byte of a body, or the end, then it is the
 *   answer, and the caller gets it. */
#include "http/session.h"

#include "plat/mem.h"

int wf_http_digest_set(weft_http_response *x, const struct wf_http_who *who)
{
    x->is_digest = who->is_digest;
    if (x->is_digest && x->is_upload && x->upload_size < 0)
        return WEFT_ENOTSUP; /* libcurl would announce chunks to be challenged, and send none */
    if (!x->is_digest || who->user == NULL)
        return 0; /* or it is in the URL */
    x->user = wf_copy_text(who->user);
    x->password = wf_copy_text(who->password != NULL ? who->password : "");
    return x->user != NULL && x->password != NULL ? 0 : WEFT_ENOMEM;
}

CURLcode wf_http_digest_attach(weft_http_response *x)
{
    /* A challenge, and one more for an answer that came too late. */
    enum { MOST = 3 };
    if (!x->is_digest)
        return CURLE_OK;
    CURLcode code = curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST);
    if (code == CURLE_OK)
        code = curl_easy_setopt(x->easy, CURLOPT_MAXREDIRS, (long)MOST);
    if (code == CURLE_OK && x->user != NULL)
        code = curl_easy_setopt(x->easy, CURLOPT_USERNAME, x->user);
    if (code == CURLE_OK && x->user != NULL)
        code = curl_easy_setopt(x->easy, CURLOPT_PASSWORD, x->password);
    return code;
}

/* A server that challenges nobody has taken the request without its body for the whole: libcurl sends it once
 * more, with the body. */
bool wf_http_digest_holds(weft_http_response *x)
{
    bool is_first = !x->was_challenged;
    if (!x->is_digest)
        return false;
    x->was_challenged = true;
    return x->head.status == 401 || (is_first && x->is_upload && x->head.status < 300);
}
