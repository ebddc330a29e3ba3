/* SPDX-License-Identifier: MIT */
/* A program outside the tree that uses the HTTP client: nobody listens where it asks. */
#include <stdio.h>
#include <weft.h>
#include <weft/http.h>

static int ask(void *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    return weft_http_get(session, url, NULL, &response);
}

int main(void)
{
    static char url[] = "http://127.0.0.1:1/";
    int rc = weft_run(ask, url);
    printf("%s: %s\n", weft_http_version(), weft_strerror(rc));
    return rc != -ECONNREFUSED;
}
