/* SPDX-License-Identifier: MIT */
#include "proof.h"

#include "md5.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>

struct proof_answer proof_ask(weft_http_session *session, const char *method, const char *url,
                              const weft_http_request_opts *opts)
{
    weft_http_response *response = NULL;
    char *text = NULL;
    weft_http_hop hop;
    struct proof_answer it = { .rc = weft_http_request(session, method, url, opts, &response) };
    if (it.rc < 0)
        return it;
    it.status = weft_http_status(response);
    it.has_first = weft_http_header(response, "X-First") != NULL;
    ck_assert(it.status != 200 || !weft_http_history_at(response, 1, &hop));
    it.rc = weft_http_text(response, &text);
    (void)snprintf(it.text, sizeof(it.text), "%s", text != NULL ? text : "");
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    return it;
}

void proof_is_hello(struct proof_answer it)
{
    ck_assert_int_eq(it.rc, 0);
    ck_assert_int_eq(it.status, 200);
    ck_assert_str_eq(it.text, "hello");
    ck_assert(!it.has_first);
}

void proof_is_denied(struct proof_answer it)
{
    ck_assert_int_eq(it.rc, 0);
    ck_assert_int_eq(it.status, 401);
    ck_assert_str_eq(it.text, "denied");
    ck_assert(it.has_first);
}

const char *proof_said(const struct evil *server, const char *name)
{
    static char texts[8][128];
    static unsigned n;
    char *text = texts[n++ % 8];
    const char *at = server->requests, *last = NULL;
    while ((at = strstr(at, "Authorization: Digest ")) != NULL)
        last = at++;
    ck_assert_ptr_nonnull(last);
    last += strlen("Authorization: Digest");
    size_t size = strlen(name);
    do {
        last += strspn(last, " ,");
        if (strncmp(last, name, size) == 0 && last[size] == '=') {
            last += size + 1;
            last += *last == '"';
            (void)snprintf(text, sizeof(texts[0]), "%.*s", (int)strcspn(last, "\",\r"), last);
            return text;
        }
        last += strcspn(last, ",\r");
    } while (*last == ',');
    ck_abort_msg("no %s", name);
}

void proof_check(const struct evil *server, const char *method, const char *nonce)
{
    char text[400], ha1[33], ha2[33], proof[33];
    md5_text("Mufasa:" REALM ":Circle Of Life", ha1);
    (void)snprintf(text, sizeof(text), "%s:%s", method, proof_said(server, "uri"));
    md5_text(text, ha2);
    ck_assert_str_eq(proof_said(server, "qop"), "auth");
    ck_assert_str_eq(proof_said(server, "nonce"), nonce);
    (void)snprintf(text, sizeof(text), "%s:%s:%s:%s:auth:%s", ha1, nonce, proof_said(server, "nc"),
                   proof_said(server, "cnonce"), ha2);
    md5_text(text, proof);
    ck_assert_str_eq(proof_said(server, "response"), proof);
}
