/* SPDX-License-Identifier: MIT */
/* A site of a few pages on loopback, served by tasks of the same program: the examples need no
 * network. No model of a server: it knows GET, and takes what it gets for granted. */
#ifndef SITE_H
#define SITE_H

#include <weft.h>

struct site_page {
    const char *path; /* "/about"; the last one's is NULL */
    const char *body;
    const char *guard; /* who does not send this as its Authorization gets a 401; NULL: all do */
};

/* On any port that is free. where: "127.0.0.1:PORT". */
int site_listen(weft_listener **door, char where[WEFT_ADDRESS_TEXT]);

/* As long as the scope; *door is the caller's to close, after it. url: http://127.0.0.1:PORT. */
int site_open(weft_scope *scope, const struct site_page *pages, weft_listener **door, char *url,
              size_t size);

#endif
