/* SPDX-License-Identifier: MIT */
#ifndef WF_NET_CONNECT_H
#define WF_NET_CONNECT_H

#include "net/socket.h"

/* The options with their defaults. */
weft_connect_opts wf_connect_opts_of(const weft_connect_opts *opts);

/* Connects to one address: 0 and a socket, or why not. */
WF_MUST_CHECK int wf_connect_one(const weft_address *to, const weft_connect_opts *opts,
                                 weft_socket **out);

/* To the first of n addresses that answers (race.c). */
WF_MUST_CHECK int wf_connect_race(const weft_address *to, int n, const weft_connect_opts *opts,
                                  weft_socket **out);

#endif
