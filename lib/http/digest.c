/* SPDX-License-Identifier: MIT
 * Digest: a user who proves that he knows the password, by an answer to the server's challenge.
 *
 * It takes two requests, both within one transfer of libcurl's, which computes the answer; one with a body is
 * first sent without it, to be challenged. A handle keeps what it knows of a challenge, so one that was used
 * for this is used for nothing else than to prove the same user to the same server: his next request has the
 * proof with it. But not with a body that is there only once, which a server that has forgotten its challenge
 * would have for nothing.
 *
 *   A head that may be that of a challenge is held: the caller has not seen it. libcurl throws away the body
 *   of an answer that it makes another request after, so what follows a head that is held tells what it was:
 *   a head, then it was the challenge's and is forgotten; a byte of a body, or the end, then it is the
 *   answer, and the caller gets it. Unless it refuses a proof that nobody had asked for: libcurl, who knows of
 *   no reason but a wrong password, is given another handle then, which knows of no challenge. */
#include "http/easy.h"

#include "plat/mem.h"

#include <stdio.h>
#include <string.h>

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
    CURLcode code = curl_easy_setopt(x->easy->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST);
    if (code == CURLE_OK)
        code = curl_easy_setopt(x->easy->curl, CURLOPT_MAXREDIRS, (long)MOST);
    if (code == CURLE_OK && x->user != NULL)
        code = curl_easy_setopt(x->easy->curl, CURLOPT_USERNAME, x->user);
    if (code == CURLE_OK && x->user != NULL)
        code = curl_easy_setopt(x->easy->curl, CURLOPT_PASSWORD, x->password);
    return code;
}

/* A server that challenges nobody has taken the request without its body for the whole: libcurl sends it once
 * more, with the body. */
static enum wf_http_proof after_head(const weft_http_response *x)
{
    enum wf_http_proof proof = x->proof;
    if (x->head.status == 401 && (proof == WF_PROOF_OFFERED || proof == WF_PROOF_REFUSED))
        return WF_PROOF_REFUSED;
    if (x->head.status == 401)
        return x->out.head > 0 ? WF_PROOF_BODY_REFUSED : WF_PROOF_HELD;
    if (proof == WF_PROOF_WANTED && x->is_upload && x->head.status < 300)
        return WF_PROOF_UNASKED;
    return proof == WF_PROOF_WANTED || proof == WF_PROOF_UNASKED ? WF_PROOF_DONE : WF_PROOF_TAKEN;
}

bool wf_http_digest_holds(weft_http_response *x)
{
    if (x->proof == WF_PROOF_OF_NOBODY)
        return false;
    x->proof = after_head(x);
    return wf_http_digest_is_held(x);
}

bool wf_http_digest_is_held(const weft_http_response *x)
{
    return x->proof >= WF_PROOF_UNASKED && x->proof <= WF_PROOF_REFUSED;
}

/* ---- the next time ------------------------------------------------------------------------------------ */

/* "scheme://user:password@host:port", and who is to be proved if he is not in there. NULL: no memory. */
static char *who_and_where(const weft_http_response *x)
{
    const char *host = strstr(x->url, "://");
    size_t size = host != NULL ? (size_t)(host - x->url) + 3 : 0;
    size += strcspn(x->url + size, "/?#");
    if (x->user == NULL)
        return wf_http_join(x->url, size, "");
    size_t room = size + strlen(x->user) + strlen(x->password) + sizeof("\n\n");
    char *who = wf_realloc(NULL, room);
    if (who != NULL)
        (void)snprintf(who, room, "%.*s\n%s\n%s", (int)size, x->url, x->user, x->password);
    return who;
}

static struct wf_http_easy *take_at(struct wf_http_engine *engine, unsigned i)
{
    struct wf_http_easy *easy = engine->proved[i].easy;
    wf_free(engine->proved[i].who);
    engine->n_proved--;
    memmove(&engine->proved[i], &engine->proved[i + 1],
            (engine->n_proved - i) * sizeof(engine->proved[0]));
    return easy;
}

struct wf_http_easy *wf_http_digest_take(weft_http_response *x)
{
    struct wf_http_engine *engine = &x->session->engine;
    if (x->proof != WF_PROOF_WANTED || x->is_streamed || engine->n_proved == 0)
        return NULL;
    char *who = who_and_where(x);
    for (unsigned i = engine->n_proved; who != NULL && i-- > 0;) {
        if (strcmp(engine->proved[i].who, who) != 0)
            continue;
        wf_free(who);
        x->proof = WF_PROOF_OFFERED;
        return take_at(engine, i);
    }
    wf_free(who);
    return NULL;
}

bool wf_http_digest_keep(weft_http_response *x, struct wf_http_easy *easy)
{
    struct wf_http_engine *engine = &x->session->engine;
    char *who = x->proof == WF_PROOF_TAKEN ? who_and_where(x) : NULL;
    if (who == NULL)
        return false;
    if (engine->n_proved == WF_ARRAY_SIZE(engine->proved))
        wf_http_easy_free(take_at(engine, 0));
    engine->proved[engine->n_proved++] = (struct wf_http_proved){ easy, who };
    return true;
}

void wf_http_digest_forget(struct wf_http_engine *engine)
{
    while (engine->n_proved > 0)
        wf_http_easy_free(take_at(engine, engine->n_proved - 1));
}
