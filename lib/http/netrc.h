/* SPDX-License-Identifier: MIT
 * Users and passwords by host, from a file in the format of ~/.netrc. It is read once, when the session is
 * opened, and not by libcurl, which would read it in the driver's turn, for each request anew, and for
 * whatever host a redirect leads to. */
#ifndef WF_HTTP_NETRC_H
#define WF_HTTP_NETRC_H

#include "plat/cc.h"

struct wf_http_netrc;

/* Closing NULL is nothing. */
WF_MUST_CHECK int wf_http_netrc_open(const char *path, struct wf_http_netrc **out);
void wf_http_netrc_close(struct wf_http_netrc *netrc);

/* What it has for the host of url, which says nothing itself; NULL: nothing. The texts are netrc's, which may
 * be NULL. */
WF_MUST_CHECK int wf_http_netrc_find(const struct wf_http_netrc *netrc, const char *url,
                                     const char **out_user, const char **out_password);

#endif
