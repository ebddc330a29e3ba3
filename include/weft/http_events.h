/* SPDX-License-Identifier: MIT */
/* Server-sent events as a receiver, which connects again when the stream breaks off.
 *
 *     WEFT_RX(weft_http_event, events);
 *     WEFT_TRY(weft_http_events(session, "https://example.org/prices", NULL, &events));
 *     weft_each (event, events)
 *         printf("%s: %s\n", event.type, event.data);
 *     return weft_error(events);
 *
 * When the server ends the stream, or it breaks off or goes silent, the next receive waits
 * and connects again, and says with Last-Event-ID which event it has seen last, to whatever
 * server a redirect leads to. The wait is what the server has asked for by `retry`, but 10 ms at
 * least if .max_retry_ns is not less, twice as long after each attempt that brought nothing, and
 * up to a half longer by chance, so that not all clients come back at once. A server that wants
 * no more of it answers 204: that is the end of the events.
 *
 * There is no task behind it: between two receives nothing is read, and the server waits.
 * Dropping the receiver gives the connection up. Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_EVENTS_H
#define WEFT_HTTP_EVENTS_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One event. All of it stays valid until the next receive from the same receiver, and is as it
 * came: that it is UTF-8 is not looked at. */
typedef struct weft_http_event {
    const char *type;        /* "message" unless it says otherwise */
    const char *data;        /* its lines, with \n between them, and a 0 byte after the last */
    size_t size;             /* of data, without that 0 */
    const char *id;          /* of this event, or of the last one that had one; "" before */
    int64_t retry_ns;        /* the wait before connecting again, as it stands */
} weft_http_event;

/* 0 in a field is its default. Text is copied, but for what request points to. */
typedef struct weft_http_events_opts {
    size_t size_;
    const char *method;                    /* "GET" */
    const weft_http_request_opts *request; /* for each connection: what it points to outlives the
                                              receiver. No .body_rx, nor one in a .form, which is
                                              sent but once; its .timeouts.idle_ns: no limit unless
                                              it is set */
    const char *last_id;                   /* the event to go on after; not to be a header of
                                              request's */
    size_t max_event;                      /* bytes; a longer one is WEFT_EHTTPLIMIT; 1 MiB */
    int64_t retry_ns;                      /* the wait until the server asks for another; 3 s */
    int64_t max_retry_ns;                  /* no wait is longer, but for what chance adds; 5 min */
    int max_retries;                       /* connections in a row that bring not a byte; 10;
                                              negative: a stream that ends is not taken up again */
} weft_http_events_opts;

/* Opens the stream of events at url: sends the request, and waits for the head of the answer.
 *
 * session outlives the receiver, which is the caller's to drop and is written by memcpy. opts may
 * be NULL. A receive returns 0 after a 204, and at the stream's end with .max_retries negative;
 * an error that no new connection would mend, a status other than 200 or another type than
 * text/event-stream among them, ends the events. Usually called by weft_http_events.
 *
 * Waits    the task, or a plain thread; so does a receive
 * Cancel   yes: a receive that was cancelled has received nothing, and may be called again
 * From     any thread; receives one at a time
 * Returns  0
 *          WEFT_EHTTPSTATUS   the status is neither 200 nor 204
 *          WEFT_EHTTPPROTO    it is no stream of events
 *          WEFT_EINVAL        .last_id can't be sent, or is a header, or a receiver is to be sent,
 *                             which is dropped
 *          or as weft_http_request; and of a receive also:
 *          WEFT_EHTTPLIMIT    an event is longer than .max_event
 *          or as weft_http_read and weft_http_request, the last attempt's of .max_retries
 *          WEFT_EEOF          that one had an empty answer                                  */
WEFT_API WEFT_MUST_CHECK int weft_http_events_open(weft_http_session *session, const char *url,
                                                   const weft_http_events_opts *opts,
                                                   weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_http_events(session, url, NULL, &events) */
#define weft_http_events(session, url, opts, rx) \
    weft_http_events_open(session, url, opts, WEFT_RX_SLOT_(weft_http_event, rx))

#endif
#endif
