/* SPDX-License-Identifier: MIT
 * An easy handle of libcurl's, which does one transfer after the other. All of it is the driver's.
 *
 *   Y1  Between two transfers of one session a handle differs in what is written here, in what jar.c tells it
 *       each time, and in what digest.c and a tunnel set, whose handles go to nobody else. What a transfer
 *       sets, the next one takes back: it compares with what the handle was told last, and tells what
 *       differs.
 *   Y2  libcurl's callbacks get the handle, and find the transfer by it. It is NULL while the handle is
 *       nobody's: what comes then, when a kept connection is closed say, is for nobody. */
#ifndef WF_HTTP_EASY_H
#define WF_HTTP_EASY_H

#include "http/session.h"

struct wf_http_easy {
    CURL *curl;
    weft_http_response *x;            /* Y2 */
    char error_text[CURL_ERROR_SIZE]; /* libcurl's, of its end */

    bool is_told; /* all that its transfer wanted: or what was told is not known */

    /* What it was told last. */
    bool is_plain;   /* a GET without a body */
    bool is_common;  /* with the session's common headers alone */
    bool is_verbose; /* ending.c */
    bool is_http1;   /* and no other version */
    long connect_ms;
    char *url;
    CURLU *parsed; /* from that, if it is plain */
};

/* What all transfers of a session say. */
WF_MUST_CHECK int wf_http_easy_open(struct wf_http_engine *engine);

/* For x, which has it then: a spare one, or a new one. */
WF_MUST_CHECK CURLcode wf_http_easy_take(weft_http_response *x);

/* What x asks for. */
WF_MUST_CHECK CURLcode wf_http_easy_tell(weft_http_response *x);

/* It is off the multi handle, and nobody's: for the next transfer; or it goes. */
void wf_http_easy_spare(struct wf_http_engine *engine, struct wf_http_easy *easy);
void wf_http_easy_free(struct wf_http_easy *easy);

/* Whether libcurl tells on_words (ending.c) what it reads and does. */
WF_MUST_CHECK CURLcode wf_http_easy_set_verbose(struct wf_http_easy *easy, bool is_verbose);

/* transfer.c: that all of it comes there. */
WF_MUST_CHECK CURLcode wf_http_transfer_set_callbacks(struct wf_http_easy *easy);

#endif
