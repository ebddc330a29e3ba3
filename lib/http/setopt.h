/* SPDX-License-Identifier: MIT
 * Options of an easy handle. */
#ifndef WF_HTTP_SETOPT_H
#define WF_HTTP_SETOPT_H

#include "http/session.h"

/* Every option is required: one that is not set, for want of memory say, may be the one that keeps a
 * request from the wrong server. The first that fails is kept, and no later one is tried. */
#define SET(code, easy, option, value) \
    ((void)((code) != CURLE_OK ||      \
            ((code) = curl_easy_setopt((easy), (option), (value))) != CURLE_OK))

/* But for those that only make things quicker, and defaults: this libcurl may do without. */
#define SET_IF_KNOWN(code, easy, option, value)                             \
    do {                                                                    \
        SET(code, easy, option, value);                                     \
        if ((code) == CURLE_UNKNOWN_OPTION || (code) == CURLE_NOT_BUILT_IN) \
            (code) = CURLE_OK;                                              \
    } while (0)

/* A text that is NULL is the default, which a libcurl without the option has too. */
#define SET_TEXT(code, easy, option, text) \
    ((void)((text) == NULL || (SET(code, easy, option, text), true)))

#endif
