/* SPDX-License-Identifier: MIT */
/* Responses: the head of an answer, and its body as text, as bytes, as chunks or as lines.
 *
 *     WEFT_AUTO(weft_http_response, response);
 *     WEFT_RX(weft_line, lines);
 *     WEFT_TRY(weft_http_get(session, url, NULL, &response));
 *     WEFT_TRY(weft_http_lines(response, NULL, &lines));
 *     weft_each (line, lines)
 *         printf("%.*s\n", (int)line.size, line.data);
 *     return weft_error(lines);
 *
 * A body comes as fast as it is read: what nobody has read yet fills 64 KiB, then the server
 * waits (with HTTP/2 it is more: weft/http.h). An end before the body is complete is an error of
 * the read, never its end; but of an answer that gives no length the end of the connection is the
 * end. Closing a response with its body unread gives its connection back if little is missing, or
 * others share it, else drops it.
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_RESPONSE_H
#define WEFT_HTTP_RESPONSE_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/http_request.h>
#include <weft/line.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the head ------------------------------------------------------------------------- */

/* The status: 200, 404 ...
 *
 * Waits    no
 * From     any thread
 * Returns  the number, or WEFT_EINVAL for NULL                                              */
WEFT_API int weft_http_status(const weft_http_response *response);

/* The version of HTTP that the answer came by.
 *
 * Waits    no
 * From     any thread
 * Returns  10, 11 or 20, for HTTP/1.0, HTTP/1.1 and HTTP/2; WEFT_EINVAL for NULL            */
WEFT_API int weft_http_version_of(const weft_http_response *response);

/* The value of the first header of this name, in whatever case it is written.
 *
 * Waits    no
 * From     any thread
 * Returns  text that lives as long as the response; NULL if there is none                   */
WEFT_API const char *weft_http_header(const weft_http_response *response, const char *name);

/* The header at place i, from 0 on, in the order in which they came; repeated ones as often.
 *
 * Waits    no
 * From     any thread
 * Returns  whether there is one, with its name and value in *out                            */
WEFT_API bool weft_http_header_at(const weft_http_response *response, size_t i,
                                  weft_http_field *out);

/* Where the answer came from: the URL of the request, its query included, or that of the
 * last redirect.
 *
 * Waits    no
 * From     any thread
 * Returns  text that lives as long as the response; NULL for NULL                           */
WEFT_API const char *weft_http_url(const weft_http_response *response);

/* An answer that led on to another URL. */
typedef struct weft_http_hop {
    int status;
    const char *url; /* of the request that it answered */
} weft_http_hop;

/* The redirect at place i, from 0 on, of those that were followed, in their order.
 *
 * Waits    no
 * From     any thread
 * Returns  whether there is one, with it in *out; its text lives as long as the response    */
WEFT_API bool weft_http_history_at(const weft_http_response *response, size_t i,
                                   weft_http_hop *out);

/* Makes an error of a status of 400 and more.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or WEFT_EHTTPSTATUS                                                           */
WEFT_API WEFT_MUST_CHECK int weft_http_raise_for_status(const weft_http_response *response);

/* ---- the body ------------------------------------------------------------------------- */

/* Reads what is there of the body, at most size bytes.
 *
 * A gzip that ends early, within a length or chunks that are right, is WEFT_EEOF; no other packing is
 * asked for. Of those that a server sends all the same, or that a request's own Accept-Encoding asks
 * for, it is not noticed: libcurl does not look for their end. With .no_compression none is asked to
 * be packed.
 *
 * Waits    the task, or a plain thread, until there is something
 * Cancel   yes: nothing is read
 * From     any thread, one at a time
 * Returns  how many bytes, 1 or more; 0: the body is complete
 *          WEFT_EEOF       the connection ended before the body was complete, or nobody can
 *                          know: it tells no length, and is packed or came by TLS without its end
 *          WEFT_EHTTPIDLE, WEFT_EHTTPTOTAL    too late
 *          WEFT_EHTTPLIMIT    it unpacks to more than 100 times what came
 *          WEFT_EHTTPPROTO    it is not encoded as it should be
 *          WEFT_ECLOSED       the session is closed
 *          WEFT_ECANCELED, or -errno of the connection                                      */
WEFT_API WEFT_MUST_CHECK int64_t weft_http_read(weft_http_response *response, void *buf,
                                                size_t size);

/* Reads the rest of the body into memory of its own.
 *
 * *out_data is the caller's, to be freed with weft_free or free; a 0 byte follows the last.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: what was read is gone
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_EHTTPLIMIT    it is longer than .max_body
 *          WEFT_ENOMEM, or as weft_http_read                                                */
WEFT_API WEFT_MUST_CHECK int weft_http_read_all(weft_http_response *response, char **out_data,
                                                size_t *out_size);

/* The same for a body that is text: what is in it is given as it came.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: what was read is gone
 * From     any thread, one at a time
 * Returns  as weft_http_read_all                                                            */
WEFT_API WEFT_MUST_CHECK int weft_http_text(weft_http_response *response, char **out_text);

/* Reads the rest of the body into a file, which is made, or emptied.
 *
 * *out_size, which may be NULL, is written also when this fails: how many bytes the file has.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the file keeps what it has
 * From     any thread, one at a time
 * Returns  0, or as weft_http_read and weft_file_write                                      */
WEFT_API WEFT_MUST_CHECK int weft_http_save(weft_http_response *response, const char *path,
                                            int64_t *out_size);

/* The rest of the body as a receiver of weft_http_chunk.
 *
 * The response stays the caller's, and open as long as the receiver, which is the caller's to
 * drop and is written by memcpy. Usually called by weft_http_chunks.
 *
 * Waits    no; a receive waits as weft_http_read
 * From     any thread
 * Returns  0, or WEFT_ENOMEM                                                                */
WEFT_API WEFT_MUST_CHECK int weft_http_chunks_open(weft_http_response *response,
                                                   weft_receiver **out_rx);

/* The rest of the body as a receiver of weft_line (weft/line.h), likewise. opts may be NULL.
 *
 * Waits    no; a receive waits as weft_http_read
 * From     any thread
 * Returns  0, or WEFT_ENOMEM                                                                */
WEFT_API WEFT_MUST_CHECK int weft_http_lines_open(weft_http_response *response,
                                                  const weft_lines_opts *opts,
                                                  weft_receiver **out_rx);

/* Closes the response. NULL is 0.
 *
 * If at most 64 KiB of a body whose length is known are missing they are read, for a moment,
 * so that the connection can be used again; else it is closed.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded, within the teardown budget
 * From     any thread, when no other call uses the response
 * Returns  0; the response is gone                                                          */
WEFT_API int weft_http_response_close(weft_http_response *response);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_http_response, weft_http_response_close)

/* weft_http_chunks(response, &chunks); weft_http_lines(response, NULL, &lines). */
#define weft_http_chunks(response, rx) \
    weft_http_chunks_open(response, WEFT_RX_SLOT_(weft_http_chunk, rx))
#define weft_http_lines(response, opts, rx) \
    weft_http_lines_open(response, opts, WEFT_RX_SLOT_(weft_line, rx))

#endif
#endif
