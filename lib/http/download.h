/* SPDX-License-Identifier: MIT
 * What is there of a file that is being downloaded: PATH.part, and PATH.part.tag, which says what it
 * is a part of.
 *
 *   L1  There is a tag only beside a part all of whose bytes are of that URL's that version: the tag
 *       goes before the part is emptied, and comes before the first byte.
 *   L2  A part gets the name of the whole when it is complete, after its last byte is written. */
#ifndef WF_HTTP_DOWNLOAD_H
#define WF_HTTP_DOWNLOAD_H

#include "plat/cc.h"

#include <stdint.h>
#include <weft/http_download.h>
#include <weft/http_response.h>

struct wf_http_part {
    const char *path, *url; /* the caller's */
    char *part, *tag;       /* paths */
    char *validator;        /* for If-Range; NULL: nothing to go on with */
    int64_t size;           /* bytes of the part; 0 without a validator */
};

/* To be closed on every path. */
WF_MUST_CHECK int wf_http_part_open(struct wf_http_part *part, const char *url, const char *path);
void wf_http_part_close(struct wf_http_part *part);

/* L1: what is there is not used. */
WF_MUST_CHECK int wf_http_part_restart(struct wf_http_part *part,
                                       const weft_http_response *response);
/* L2 */
WF_MUST_CHECK int wf_http_part_finish(const struct wf_http_part *part);

/* "bytes FROM-TO/TOTAL"; -1 for a "*". False: it is none. */
bool wf_http_parse_range(const char *text, int64_t *out_from, int64_t *out_total);

#endif
