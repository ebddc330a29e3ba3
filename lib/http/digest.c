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
    x->proof = who->is_digest ? WF_PROOF_WANTED : WF_PROOF_OF_NOBODY;
    if (!who->is_digest || who->user == NULL)
        return 0; /* or it is in the URL */
    x->user = wf_copy_text(who->user);
    x->password = wf_copy_text(who->password != NULL ? who->password : "");
    return x->user != NULL && x->password != NULL ? 0 : WEFT_ENOMEM;
}

CURLcode wf_http_digest_attach(weft_http_response *x)
{
    /* A challenge, and one more for an answer that came too late. */
    enum { MOST = 3 };
    if (x->proof == WF_PROOF_OF_NOBODY)
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
    bool is_first = x->proof == WF_PROOF_WANTED;
    if (x->proof == WF_PROOF_OF_NOBODY)
        return false;
    if (x->head.status != 401 && !(is_first && x->is_upload && x->head.status < 300))
        x->proof = WF_PROOF_DONE;
    else
        x->proof = x->out.head > 0 ? WF_PROOF_BODY_REFUSED : WF_PROOF_HELD;
    return x->proof != WF_PROOF_DONE;
}

bool wf_http_digest_is_held(const weft_http_response *x)
{
    return x->proof == WF_PROOF_HELD || x->proof == WF_PROOF_BODY_REFUSED;
}
