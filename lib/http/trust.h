/* SPDX-License-Identifier: MIT
 * Whom a session trusts, who it is, and by whose way it goes. */
#ifndef WF_HTTP_TRUST_H
#define WF_HTTP_TRUST_H

#include "http/session.h"

/* What of it can't be: WEFT_EINVAL, or WEFT_ENOTSUP by this libcurl. */
WF_MUST_CHECK int wf_http_check_trust(const weft_http_session_opts *opts);

CURLcode wf_http_set_tls(CURL *easy, const weft_http_session_opts *opts);
CURLcode wf_http_set_proxy(CURL *easy, const weft_http_session_opts *opts);

#endif
