/* SPDX-License-Identifier: MIT */
/* Downloads: a URL into a file, gone on with where an earlier attempt ended.
 *
 *     weft_http_progress progress;
 *     WEFT_TRY(weft_http_download(session, url, "debian.iso", NULL, &progress));
 *
 * What has come goes to PATH.part, and once it is complete that becomes PATH, in one step: there
 * is never a part under the name of the whole. PATH.part.tag says what it is a part of: the
 * URL, and the server's ETag or the time of the last change. The next attempt asks for the rest,
 * on condition that it is the same still (Range, If-Range); of a server that sends
 * all of it instead, or has another version, it takes all. An error, a cancel or the end of
 * the process leave both files as they are.
 *
 * How far it is may be watched (weft/watch.h), by another task as often as that likes:
 *
 *     WEFT_TX(weft_http_progress, progress_tx);
 *     WEFT_RX(weft_http_progress, progress);
 *     WEFT_TRY(weft_watch_open(&progress_tx, &progress));
 *     ... weft_http_download(session, url, path,
 *                            WEFT_OPTS(http_download, .progress = progress_tx), NULL) ...
 *
 * Part of weft-http: weft/http.h has the session. weft_http_save (weft/http_response.h) is for
 * an answer that is there already.
 */
#ifndef WEFT_HTTP_DOWNLOAD_H
#define WEFT_HTTP_DOWNLOAD_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_http_progress {
    int64_t size;            /* bytes that are in the file */
    int64_t total;           /* bytes it will have; -1: the server has not said */
    int64_t resumed;         /* those of size that an earlier attempt had brought */
} weft_http_progress;

/* 0 in a field is its default. */
typedef struct weft_http_download_opts {
    size_t size_;
    const weft_http_request_opts *request; /* no .body_rx, nor one in a .form, which is
                                              sent but once */
#ifdef __cplusplus
    void *progress;
#else
    weft_tx(weft_http_progress) progress;  /* borrowed; of a watch, or of a channel, whose
                                              receiver then sets the pace. Told at the answer's
                                              head and after each write; a receiver that has
                                              gone is no error */
#endif
    int64_t max_size;                      /* a longer file is WEFT_EHTTPLIMIT; no limit */
    bool restart;                          /* what an earlier attempt left is not used */
} weft_http_download_opts;

/* Downloads what is at url into the file at path, which is replaced.
 *
 * opts may be NULL. *out_progress, which may be NULL, is written also when this fails. One
 * download at a time for each path. A body is asked for unpacked, for only so are its bytes those
 * of the last attempt.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: what has come is in PATH.part
 * From     any thread
 * Returns  0: the file at path is complete
 *          WEFT_EHTTPSTATUS   the status is not 200, nor 206 for a rest
 *          WEFT_EHTTPPROTO    the server sends another part than the one that it was asked for
 *          WEFT_EHTTPLIMIT    it is longer than .max_size
 *          WEFT_EINVAL        a receiver is to be sent, which is dropped
 *          or as weft_http_request, weft_http_read and weft_file_write; of them WEFT_EEOF
 *          and the like tell that another attempt has less to do                            */
WEFT_API WEFT_MUST_CHECK int weft_http_download(weft_http_session *session, const char *url,
                                                const char *path,
                                                const weft_http_download_opts *opts,
                                                weft_http_progress *out_progress);

#ifdef __cplusplus
}
#endif
#endif
