/* SPDX-License-Identifier: MIT
 * Who we are, and whom we trust: client certificates, lists of authorities and pinned keys, against an nginx
 * that asks for a certificate. */
#include "certs.h"
#include "nginx.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

static struct nginx nginx;

static void begin(void)
{
    char lines[256];
    certs_begin();
    certs_run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
              " -keyout stranger.key -out stranger.pem -subj /CN=stranger\n"
              "openssl pkcs8 -topk8 -in key.pem -out locked.pem -passout pass:word\n"
              "cat good.pem key.pem > both.pem; : > empty.pem; echo nonsense > nonsense.pem\n");
    (void)snprintf(lines, sizeof(lines), "ssl_client_certificate %s; ssl_verify_client on;",
                   certs_in("ca.pem"));
    nginx_start_with(&nginx, lines);
}

static void end(void)
{
    nginx_stop(&nginx);
    certs_end();
}

/* The status of what the server answers, or the code. */
static int fetch(const weft_http_session_opts *opts)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    char url[96], *text;
    (void)snprintf(url, sizeof(url), "%s/echo", nginx.tls_url);
    WEFT_TRY(weft_http_session_open(opts, &session));
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_text(response, &text));
    weft_free(text);
    return weft_http_status(response);
}

#define CERT(cert_, key_, ...)                                                        \
    WEFT_OPTS(http_session, .ca_file = nginx.ca_file, .client_cert = certs_in(cert_), \
              .client_key = certs_in(key_), ##__VA_ARGS__)

WT_TEST(a_server_knows_who_we_are)
{
    begin();
    ck_assert_int_eq(fetch(CERT("good.pem", "key.pem")), 200);
    ck_assert_int_eq(fetch(WEFT_OPTS(http_session, .ca_file = nginx.ca_file,
                                     .client_cert = certs_in("both.pem"))),
                     200);
    ck_assert_int_eq(fetch(CERT("good.pem", "locked.pem", .client_key_password = "word")), 200);
    ck_assert_int_eq(fetch(WEFT_OPTS(http_session, .ca_file = nginx.ca_file)), 400);
    ck_assert_int_eq(fetch(CERT("stranger.pem", "stranger.key")), 400);
    ck_assert_int_eq(fetch(CERT("expired.pem", "key.pem")), 400);
    end();
}

WT_TEST(a_certificate_or_a_key_that_can_not_be_used)
{
    begin();
    const char *const pairs[][2] = { { "good.pem", "stranger.key" }, { "none.pem", "key.pem" },
                                     { "good.pem", "none.pem" },     { "empty.pem", "key.pem" },
                                     { "good.pem", "empty.pem" },    { "nonsense.pem", "key.pem" },
                                     { "good.pem", "nonsense.pem" }, { "key.pem", "good.pem" },
                                     { "good.pem", "locked.pem" } };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        ck_assert_int_eq(fetch(CERT(pairs[i][0], pairs[i][1])), WEFT_EHTTPCERT);
    ck_assert_int_eq(fetch(CERT("good.pem", "locked.pem", .client_key_password = "other")),
                     WEFT_EHTTPCERT);
    /* Whoever trusts anybody still means to be known. */
    ck_assert_int_eq(fetch(CERT("good.pem", "stranger.key", .insecure_any_certificate = true)),
                     WEFT_EHTTPCERT);
    end();
}

WT_TEST(a_list_of_authorities)
{
    begin();
    const char *const lists[] = { "none.pem", "empty.pem", "nonsense.pem" };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        ck_assert_int_eq(fetch(WEFT_OPTS(http_session, .ca_file = certs_in(lists[i]))),
                         WEFT_EHTTPCERT);
    ck_assert_int_eq(fetch(WEFT_OPTS(http_session, .ca_file = "")), WEFT_EHTTPCERT);
    ck_assert_int_eq(fetch(WEFT_OPTS(http_session, .ca_file = certs_in("ca.pem"))), WEFT_EHTTPTLS);
    ck_assert_int_eq(fetch(NULL), WEFT_EHTTPTLS); /* the system's */
    ck_assert_int_eq(fetch(WEFT_OPTS(http_session, .ca_file = nginx.ca_file)), 400);
    end();
}

/* "sha256//..." of the certificate's key. */
static void find_pin(char pin[64])
{
    char command[512];
    (void)snprintf(command, sizeof(command),
                   "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform der |"
                   " openssl dgst -sha256 -binary | openssl base64 > pin",
                   nginx.ca_file);
    certs_run(command);
    FILE *file = fopen(certs_in("pin"), "r");
    ck_assert_ptr_nonnull(file);
    memcpy(pin, "sha256//", 8);
    ck_assert_int_eq(fread(pin + 8, 1, 44, file), 44);
    pin[52] = '\0';
    (void)fclose(file);
}

#define WRONG_PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PIN(pin_, ca_, ...)                                         \
    WEFT_OPTS(http_session, .pinned_key = (pin_), .ca_file = (ca_), \
              .client_cert = certs_in("both.pem"), ##__VA_ARGS__)

WT_TEST(a_pinned_key)
{
    char pin[64], either[128];
    begin();
    find_pin(pin);
    (void)snprintf(either, sizeof(either), "%s;%s", WRONG_PIN, pin);
    ck_assert_int_eq(fetch(PIN(pin, nginx.ca_file)), 200);
    ck_assert_int_eq(fetch(PIN(either, nginx.ca_file)), 200);
    ck_assert_int_eq(fetch(PIN(WRONG_PIN, nginx.ca_file)), WEFT_EHTTPPIN);
    ck_assert_int_eq(fetch(PIN(WRONG_PIN, nginx.ca_file, .insecure_any_certificate = true)),
                     WEFT_EHTTPPIN);
    ck_assert_int_eq(fetch(PIN(pin, certs_in("ca.pem"))), WEFT_EHTTPTLS);
    end();
}

static int open_with(const weft_http_session_opts *opts)
{
    weft_http_session *session = NULL;
    int rc = weft_http_session_open(opts, &session);
    return rc < 0 ? rc : weft_http_session_close(session);
}

/* What libcurl would take for the name of a file, or pass over. */
WT_TEST(what_can_not_be_meant)
{
    const char *const pins[] = { "",
                                 "sha256//",
                                 "sha1//AAAA",
                                 "key.pem",
                                 WRONG_PIN ";",
                                 WRONG_PIN "A",
                                 "sha256//AAAA=",
                                 WRONG_PIN ";key.pem" };
    for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++)
        ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .pinned_key = pins[i])), WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .pinned_key = WRONG_PIN)), 0);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .client_key = "key.pem")), WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .client_key_password = "x")), WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .client_cert = "both.pem")), 0);
}

WT_MAIN("http_trust")
