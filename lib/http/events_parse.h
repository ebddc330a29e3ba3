/* SPDX-License-Identifier: MIT
 * Server-sent events out of bytes, wherever these are split (WHATWG HTML, 9.2.6). It knows nothing of
 * connections; bytes are copied, so a chunk may go when it was fed.
 *
 *   V1  `line` holds a line that has not ended yet, without its end; nothing else survives a feed but
 *       what belongs to the event under way: data, type, and the id that it will have.
 *   V2  The id counts from the blank line on that ends an event, not before: an event that was cut off
 *       is sent again. */
#ifndef WF_HTTP_EVENTS_PARSE_H
#define WF_HTTP_EVENTS_PARSE_H

#include "plat/cc.h"

#include <weft/http_events.h>

struct wf_http_event_text {
    char *data; /* ended by 0 once it was written to */
    size_t size, room;
};

struct wf_http_event_parser {
    size_t max_event; /* of a line, and of an event's data and type together */
    int64_t retry_ns;
    struct wf_http_event_text line, data, type, id, next_id; /* V1, V2 */
    bool has_line; /* the stream's first line is behind it, and with it the mark of its encoding */
    bool is_after_cr; /* a \n that comes now belongs to the line's end before it */
    bool has_given;   /* data and type are the last event's, which its reader has had */
};

/* id may be NULL. The parser is to be destroyed also when this fails. */
WF_MUST_CHECK int wf_http_event_parser_init(struct wf_http_event_parser *parser, size_t max_event,
                                            int64_t retry_ns, const char *id);
void wf_http_event_parser_destroy(struct wf_http_event_parser *parser);

/* A new stream begins: of the last one the id and the wait stay. */
void wf_http_event_parser_restart(struct wf_http_event_parser *parser);

/* Takes bytes until an event is complete: 1, and *out has it until the next call; 0: all were taken;
 * < 0: it is too long, or there is no memory. *n_taken is written in every case. */
WF_MUST_CHECK int wf_http_event_parse(struct wf_http_event_parser *parser, const char *data,
                                      size_t size, size_t *n_taken, weft_http_event *out);

/* The wait before a new connection, after so many in a row that brought nothing, but for what chance adds. */
int64_t wf_http_event_delay(int64_t retry_ns, int64_t most_ns, int n_vain);

/* The id that the server is told, "" if there is none. */
const char *wf_http_event_id(const struct wf_http_event_parser *parser);

#endif
