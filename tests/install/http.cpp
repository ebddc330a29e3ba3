// SPDX-License-Identifier: MIT
// The same in C++, which has the functions and not the macros.
#include <cstdio>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_cookies.h>
#include <weft/http_download.h>
#include <weft/http_events.h>

static int ask(void *url)
{
    weft_http_session *session = nullptr;
    weft_http_response *response = nullptr;
    weft_http_session_opts opts = {};
    opts.limit = 2;
    int rc = weft_http_session_open(&opts, &session);
    if (rc == 0)
        rc = weft_http_get(session, static_cast<const char *>(url), nullptr, &response);
    weft_http_response_close(response);
    weft_http_session_close(session);
    return rc;
}

int main()
{
    static char url[] = "http://127.0.0.1:1/";
    int rc = weft_run(ask, url);
    std::printf("%s: %s\n", weft_http_version(), weft_strerror(rc));
    return rc != -ECONNREFUSED;
}
