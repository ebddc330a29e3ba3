/* SPDX-License-Identifier: MIT
 * Certificates made on the spot by openssl, in a folder of their own; without openssl the test is
 * skipped by name. */
#ifndef WT_CERTS_H
#define WT_CERTS_H

#include <sys/types.h>

/* Two authorities of one name (ca.pem, other.pem, with keys of theirs). Of the first one, for localhost
 * and with key.pem: good, expired, future, and you.pem for another name. self.pem is signed by itself. */
void certs_begin(void);
void certs_end(void);

/* A file of the folder; the text stays until some 60 others. */
const char *certs_in(const char *name);

/* A shell's command, in the folder, that has to succeed. */
void certs_run(const char *command);

/* What it says goes to out_fd, or nowhere if that is negative. */
pid_t certs_spawn(const char *const *args, int out_fd);

#endif
