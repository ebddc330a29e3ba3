/* SPDX-License-Identifier: MIT
 * An nginx on loopback, on free ports, as long as a test runs; with TLS by a certificate made on the
 * spot. Where there is no nginx, or no openssl, the test is skipped by name. */
#ifndef WT_NGINX_H
#define WT_NGINX_H

#include <weft/http.h>

struct nginx {
    int pid, port, tls_port;
    char folder[64];  /* with its files, root/ among them */
    char url[64];     /* http://127.0.0.1:PORT */
    char tls_url[64]; /* https://localhost:PORT */
    char ca_file[96];
};

/* In root/: small.txt, 1024 bytes; lines.txt, 1000 numbered lines; big.bin, 1 MiB. Locations: /echo
 * answers what a request was (method, arguments), /connection by which connection it came and its version,
 * /put which method had how long a body, or 413 if that is more than 2 MiB, /moved/... redirects,
 * /status/NNN; /cookie?NAME sets a cookie, and answers which ones came. */
void nginx_start(struct nginx *server);
void nginx_start_with(struct nginx *server, const char *lines); /* of its configuration, more */
void nginx_stop(struct nginx *server);

/* Reads the body: how many of its bytes are those of big.bin. */
int64_t nginx_count_bytes(weft_http_response *response);

#endif
