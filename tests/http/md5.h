/* SPDX-License-Identifier: MIT
 * RFC 1321, for a server that looks at proofs. */
#ifndef WT_MD5_H
#define WT_MD5_H

/* The digest of a text of less than 500 bytes, as 32 digits and 0. */
void md5_text(const char *text, char out[33]);

#endif
