/* SPDX-License-Identifier: MIT
 * What the files of the client share: the session, and a transfer, which is the user's response.
 *
 * A session is one libcurl multi handle with its pool of connections, and the role of driving it
 * (role.h). libcurl is called in a turn of the engine alone (engine.c, transfer.c): one caller at a
 * time, on a native stack. Everybody else writes what he wants done under the role's lock, and posts.
 *
 *   A transfer's stages, under the lock:
 *
 *     IDLE -> QUEUED -> POSTED -> RUNNING -> OVER
 *             |  waits for a place (admit.c): neither connect nor total time runs yet
 *             |         |  has a place; in session->posted, for the next turn to begin
 *             |         |          |  in the multi: its easy handle is the driver's
 *             +---------+----------+--> OVER: code says how; nothing of it is the driver's any more
 *
 *   E1  Only a turn makes a transfer RUNNING, and only a turn ends one that is RUNNING. One that is
 *       not may be ended by whoever has the lock.
 *   E2  From QUEUED to OVER the session holds a reference to it: whoever waits for it may leave.
 *   E3  What the request consists of is written before QUEUED, and the driver's until OVER. The head
 *       of the answer is the driver's until has_head, and constant from then on.
 *   E4  A ring's bytes between head and tail are the reader's, the others the writer's; both numbers
 *       change under the lock. So bytes are copied without it.
 *   E5  A place is held from POSTED to OVER. */
#ifndef WF_HTTP_SESSION_H
#define WF_HTTP_SESSION_H

#include "http/errand.h"
#include "http/netrc.h"
#include "http/packing.h"
#include "http/role.h"
#include "http/timers.h"

#include <curl/curl.h>
#include <weft/file.h>
#include <weft/http.h>
#include <weft/resource.h>

enum wf_http_stage {
    WF_HTTP_IDLE,
    WF_HTTP_QUEUED,
    WF_HTTP_POSTED,
    WF_HTTP_RUNNING,
    WF_HTTP_OVER,
};

/* Of a user who is to be proved (digest.c): how far this transfer is. */
enum wf_http_proof {
    WF_PROOF_OF_NOBODY,
    WF_PROOF_WANTED,  /* no head has come; the server is to challenge, */
    WF_PROOF_OFFERED, /* or has been told before that it does */

    /* The caller must not see the head yet. */
    WF_PROOF_UNASKED,      /* it is a success of the request without its body */
    WF_PROOF_HELD,         /* it may be a challenge's */
    WF_PROOF_BODY_REFUSED, /* ... and some of the body had gone before it */
    WF_PROOF_REFUSED,      /* ... or refuses what was offered */

    WF_PROOF_DONE,  /* the head is the answer's, */
    WF_PROOF_TAKEN, /* to a proof */
};

enum {
    WF_HTTP_RING = 64 << 10,
    WF_HTTP_BLOCK = CURL_MAX_WRITE_SIZE, /* what libcurl writes at most at once */
    WF_HTTP_MAX_HEAD = 256 << 10,
    WF_HTTP_MAX_LINES = 200,
    WF_HTTP_DRAIN = 64 << 10, /* bytes that are rather read than a connection given up */
    WF_HTTP_STREAMS = 16,     /* of HTTP/2 on a connection */
    WF_HTTP_MAX_RATIO = 100,
    WF_HTTP_RATIO_FROM = 1 << 20,
};

/* E4. Counts of bytes, which only grow. */
struct wf_http_ring {
    char *data;
    size_t room;
    size_t head, tail;
};

/* In the text of a head. */
struct wf_http_field_place {
    uint32_t name, value;
};

/* The head of the answer: text holds names and values, each ended by 0. */
struct wf_http_head {
    long status;
    int version; /* 11 is HTTP/1.1 */
    char *text;
    size_t size, room;
    struct wf_http_field_place *fields;
    unsigned n_fields, fields_room;
    unsigned n_lines; /* of all heads of the transfer, 1xx and trailers too; likewise */
    size_t n_bytes;
    int64_t length; /* Content-Length; -1: not given */
    bool is_chunked, is_encoded;
    bool is_gzip;       /* one of its codings is that, */
    unsigned n_codings; /* of so many */
    bool is_framed;     /* chunked, at last */
    unsigned n_cookies; /* that all heads of the transfer set */
};

/* A host's places, when they are limited. */
struct wf_http_host {
    struct wf_link link;
    unsigned n_users; /* transfers from QUEUED to OVER */
    unsigned n_running;
    char name[]; /* scheme://host:port */
};

struct weft_http_response {
    struct wf_http_party party;
    weft_resource entry;
    weft_http_session *session;

    /* Under the lock. */
    enum wf_http_stage stage;
    struct wf_link link;       /* in session->queue, ->posted or ->running */
    struct wf_link asked_link; /* in session->asked: RUNNING, and to be ended or resumed */
    struct wf_link open_link;  /* in session->open: it has been given to the caller */
    int abort_code;            /* < 0: ended, with this */
    bool is_paused;            /* libcurl waits for room in `in` */
    bool is_up_paused;         /* ... or for bytes in `out` */
    bool is_up_over;           /* no more will come into `out`: all was there, or */
    int up_code;               /* < 0: why not */
    bool is_cut;               /* the server has answered before it was all sent */
    bool is_complete;          /* ... and all of the answer is there: to be ended, as a success */
    bool discards;             /* what still comes of the body is for nobody */
    bool has_head;
    int code;       /* OVER: 0, or why it is incomplete */
    int timer_code; /* what it is when its timer comes */
    struct wf_http_timer timer;
    int64_t total_at_ns;
    int64_t n_received; /* bytes of the body, decoded */
    struct wf_http_host *host;
    struct wf_http_ring in, out;

    /* E3 */
    char *method, *url;
    struct curl_slist *headers;
    char *body;          /* what `out` holds, if it was there before */
    bool is_upload;      /* it has a body, an empty one perhaps, */
    bool is_streamed;    /* that is made while it is sent */
    int64_t upload_size; /* -1: not known */
    weft_http_timeouts timeouts;
    struct wf_http_head head;
    char *user, *password; /* of whom it is to be proved (digest.c); NULL: those in the URL */

    /* The driver's while RUNNING. */
    struct wf_http_easy *easy; /* easy.h */
    bool has_socket;           /* libcurl has asked to be told of one for it */
    bool is_stale;             /* it had a kept connection that was dead; the caller's when OVER */
    int callback_code;         /* why a callback ended the transfer; 0: none has */
    bool is_left;              /* it is about to be ended, and takes nothing more */
    bool needs_goodbye, has_goodbye; /* of TLS: ending.c  */
    struct wf_http_packing packing;  /* of the body that comes: ending.c */
    bool is_refused, is_allowed;     /* addresses that it was to be connected to */
    enum wf_http_proof proof;        /* digest.c; the caller's when it is not RUNNING */
    curl_socket_t tunnel_fd;
    curl_socket_t
        unheard_fd; /* whose events libcurl no longer wants, at last; 0: none (engine.c) */

    /* The caller's. */
    size_t max_body;
    weft_http_hop *history;
    size_t n_history;
    struct wf_http_trace *trace; /* trace.h; NULL: nobody is told */

    struct wf_http_party up_party; /* who else waits for it: early.c, tunnel.h */

    /* Constant from QUEUED on. It is a connection, with bytes both ways (tunnel.h). */
    bool is_tunnel;
};

struct wf_http_socket {
    bool is_connection;          /* opened by us: its end is told (engine.c) */
    uint32_t wanted, registered; /* EPOLLIN | EPOLLOUT */
    weft_http_response *tunnel;  /* whose events are not libcurl's */
};

/* Somebody has been proved by it, and may be again, to the same server: nobody else. */
struct wf_http_proved {
    struct wf_http_easy *easy;
    char *who; /* and where */
};

/* The role's engine; all of it is the driver's but for the descriptors, which are constant. */
struct wf_http_engine {
    CURLM *multi;
    int epoll_fd, event_fd, timer_fd;
    int64_t curl_at_ns;  /* when libcurl wants to be called though nothing happens */
    int64_t armed_at_ns; /* when the timer of timer_fd comes; INT64_MAX: never */
    struct wf_http_socket *sockets;
    size_t n_sockets;
    struct wf_http_easy *spare[128]; /* for the next transfers */
    unsigned n_spare;
    struct curl_slist *common;         /* headers; NULL: libcurl makes them (easy.c) */
    bool loses_beside_streams;         /* this libcurl (easy.c) */
    struct wf_http_proved proved[128]; /* the last ones, the oldest first */
    unsigned n_proved;
    int broken_code; /* < 0: the multi handle has failed, or it could not be told of a socket */
    CURLSH *share;   /* the session's cookies, if it has any (jar.c) */
    CURL *jar;       /* a handle that sends nothing, to look into them */
    unsigned n_new_cookies; /* since they were counted (jar_limit.c) */
};

struct weft_http_session {
    struct wf_http_role role;
    struct wf_http_party party; /* of who closes it; the session lives as long as it */
    struct wf_http_engine engine;
    weft_resource entry;

    /* Under the lock. */
    bool is_closing;
    bool is_aborted;                /* all has been, and nothing follows */
    unsigned n_running;             /* with a place */
    uint64_t n_requests, n_retries; /* retry.c, R1 */
    uint64_t n_traced;              /* the last trace's id */
    struct wf_list queue;           /* QUEUED, first come first served */
    struct wf_list posted;          /* POSTED */
    struct wf_list running;         /* RUNNING */
    struct wf_list asked;
    struct wf_list open; /* responses that callers have */
    struct wf_list hosts;
    struct wf_http_timers timers;

    /* Constant. */
    weft_http_session_opts opts;
    weft_http_retry_opts retry; /* a copy, for opts */
    struct wf_http_netrc *netrc;
    unsigned n_forks; /* of its process (session.c) */

    struct wf_http_errand errand;
};

static inline weft_http_session *wf_http_session_of(struct wf_http_engine *engine)
{
    return WF_CONTAINER(engine, weft_http_session, engine);
}

/* ---- engine.c ------------------------------------------------------------------------------------ */

extern const struct wf_http_engine_ops wf_http_engine_ops;
WF_MUST_CHECK int wf_http_engine_open(struct wf_http_engine *engine);
void wf_http_engine_close(struct wf_http_engine *engine);
void wf_http_watch_tunnel(weft_http_response *x, uint32_t events); /* 0: no longer a tunnel's */
curl_socket_t wf_http_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
int wf_http_close_socket(void *arg, curl_socket_t fd);

/* ---- transfer.c: on a native stack, in a turn ------------------------------------------------------ */

WF_MUST_CHECK int wf_http_transfer_begin(weft_http_response *x);
void wf_http_transfer_end(weft_http_response *x, int code);
void wf_http_transfer_resume(weft_http_response *x);

/* ---- jar.c: the session's cookies; on a native stack, in a turn, or with nobody who turns ----------- */

WF_MUST_CHECK int wf_http_jar_open(struct wf_http_engine *engine);
void wf_http_jar_close(struct wf_http_engine *engine); /* after all other easy handles */

/* For the next transfer of x->easy: its request has the jar's cookies, and the jar those of the answer,
 * unless it has a Cookie header of its own. */
WF_MUST_CHECK CURLcode wf_http_jar_attach(weft_http_response *x);

/* Errands. A list is the caller's to free; what is added is in Netscape's format. */
int wf_http_jar_list(weft_http_session *session, void *out_list);
int wf_http_jar_add(weft_http_session *session,
                    void *lines); /* ended by 0 each, and by an empty one */
int wf_http_jar_clear(weft_http_session *session, void *unused);

/* ---- jar_limit.c: likewise ------------------------------------------------------------------------- */

enum { WF_HTTP_MOST_COOKIES = 3000, WF_HTTP_MOST_OF_DOMAIN = 150, WF_HTTP_NEW_COOKIES = 100 };

/* Forgets what is too many; what to do when a transfer that set so many is over. */
WF_MUST_CHECK int wf_http_jar_limit(weft_http_session *session);
void wf_http_jar_came(weft_http_session *session, unsigned n);

/* ---- ending.c -------------------------------------------------------------------------------------- */

/* For the next request of a handle; for the body behind the head that is complete; what libcurl reads and
 * does, by its handle (easy.h); whether a transfer that libcurl is content with may have been cut. */
WF_MUST_CHECK CURLcode wf_http_watch_goodbye(weft_http_response *x);
WF_MUST_CHECK CURLcode wf_http_watch_body(weft_http_response *x);
int wf_http_on_words(CURL *curl, curl_infotype type, char *words, size_t size, void *arg);
bool wf_http_is_cut_off(const weft_http_response *x);

/* ---- ring.c ---------------------------------------------------------------------------------------- */

size_t wf_http_room_for(const struct wf_http_head *head);
WF_MUST_CHECK int wf_http_ring_reserve(struct wf_http_ring *ring, size_t room); /* once */
void wf_http_ring_copy_in(struct wf_http_ring *ring, const char *data, size_t size);
void wf_http_ring_copy_out(const struct wf_http_ring *ring, char *data, size_t size);

/* ---- head.c: the lines of an answer's head, as they come --------------------------------------------- */

/* One line with its end. 0; 1: the head is complete; < 0: what is wrong with it. */
WF_MUST_CHECK int wf_http_head_line(struct wf_http_head *head, bool is_complete, const char *line,
                                    size_t size);
/* Or else the body goes on to the connection's end. */
bool wf_http_head_tells_end(const struct wf_http_head *head);
const char *wf_http_head_find(const struct wf_http_head *head, const char *name);

/* ---- session.c ------------------------------------------------------------------------------------- */

void wf_http_session_free(weft_http_session *session);

/* Once, before any session is. */
WF_MUST_CHECK int wf_http_watch_forks(void);

/* In a child of who opened it: connections, the epoll instance and perhaps a held lock are shared. */
bool wf_http_has_forked(const weft_http_session *session);

/* ---- admit.c: places, and how a transfer ends ------------------------------------------------------- */

/* For wf_http_enter_locked, which owns it on every path; *out is NULL when hosts have no limit. */
WF_MUST_CHECK int wf_http_host_make(const weft_http_response *x, struct wf_http_host **out);

/* With the lock held: QUEUED, with a reference of the session's; over; to be ended, by the next turn
 * or at once; to be looked at by the next turn. */
WF_MUST_CHECK int wf_http_enter_locked(weft_http_response *x, struct wf_http_host *host);
void wf_http_over_locked(weft_http_response *x, int code);
void wf_http_abort_locked(weft_http_response *x, int code);
void wf_http_ask_locked(weft_http_response *x);

/* Is told when it is cut and when bytes come: libcurl would wait for the end of a request that has none
 * before it told of the answer's. Of one whose length is not known only its reader's time can tell. */
void wf_http_note_complete_locked(weft_http_response *x);

/* Its deadline, counted from now, and what it is when that comes; d_ns <= 0: the total's alone. */
void wf_http_arm_locked(weft_http_response *x, int64_t d_ns, int code);

/* ---- text.c ------------------------------------------------------------------------------------------ */

/* The first bytes of text, and more, in one piece, which is the caller's (wf_free). NULL: no memory. */
char *wf_http_join(const char *text, size_t size, const char *more);

/* ---- fields.c: what goes to the server -------------------------------------------------------------- */

size_t wf_http_token_size(const char *text); /* of the one that text begins with; 0: none */
bool wf_http_is_token(const char *text);
bool wf_http_is_value(const char *text);

/* Appends one, or all but those that `unless` has too; *list is the caller's to free on every path. */
WF_MUST_CHECK int wf_http_field_add(struct curl_slist **list, const char *name, const char *value);
WF_MUST_CHECK int wf_http_fields_add(struct curl_slist **list, const weft_http_field *fields);
/* The list, its texts borrowed, with room for so many more and the end. NULL: no memory. */
weft_http_field *wf_http_fields_extend(const weft_http_field *fields, size_t n_more, size_t *out_n);
bool wf_http_fields_have(const weft_http_field *fields, const char *name);

/* ---- auth.c ----------------------------------------------------------------------------------------- */

struct wf_http_who {
    const char *bearer;
    const char *user, *password; /* NULL: nobody, unless the URL says who; no password */
    bool is_digest;
};

/* Who asks at url: what the request says goes before what its session says, and both before what the file
 * of users has (netrc.h). The texts are theirs. url may be NULL: it is of no host. */
WF_MUST_CHECK int wf_http_auth_who(const weft_http_session *session, const char *url,
                                   const weft_http_request_opts *opts, struct wf_http_who *out);

/* The Authorization, if there is one to begin with. */
WF_MUST_CHECK int wf_http_auth_add(struct curl_slist **list, const struct wf_http_who *who);

/* ---- digest.c --------------------------------------------------------------------------------------- */

/* Who is to be proved, if anybody; before the first transfer. */
WF_MUST_CHECK int wf_http_digest_set(weft_http_response *x, const struct wf_http_who *who);

/* In a turn. A handle that has proved whom x is to prove, or NULL; keep: takes over x's unless it returns false;
 * forget: all of them. */
struct wf_http_easy *wf_http_digest_take(weft_http_response *x);
bool wf_http_digest_keep(weft_http_response *x, struct wf_http_easy *easy);
void wf_http_digest_forget(struct wf_http_engine *engine);

/* In a turn: to x->easy, which is used for nobody else then; whether the head that is complete is that of a
 * challenge, maybe; whether there is such a head. */
WF_MUST_CHECK CURLcode wf_http_digest_attach(weft_http_response *x);
bool wf_http_digest_holds(weft_http_response *x);
bool wf_http_digest_is_held(const weft_http_response *x);

/* ---- url.c ------------------------------------------------------------------------------------------ */

/* base may be NULL. What comes out is the caller's (wf_free). */
WF_MUST_CHECK int wf_http_url_make(const char *base, const char *url, const weft_http_field *query,
                                   char **out_url);
WF_MUST_CHECK int wf_http_url_origin(const char *url, char **out_origin); /* scheme://host:port/ */

/* Is it one that libcurl's parser would not change? Not all that are so. */
bool wf_http_url_is_plain(const char *url);

/* What reports may show of it: a part of url, without the user's name and password. */
const char *wf_http_url_shown(const char *url);

/* What a request says of it: "host" or "host:port", and "/path?query". */
WF_MUST_CHECK int wf_http_url_parts(const char *url, char **out_host, char **out_target);

/* ---- curlmap.c -------------------------------------------------------------------------------------- */

int wf_http_code_of(CURLcode code, long os_error);
int wf_http_outcome_of(const weft_http_response *x,
                       CURLcode code); /* of its transfer, a tunnel's too */
int wf_http_code_of_multi(CURLMcode code);

/* ---- response.c ------------------------------------------------------------------------------------- */

struct wf_http_source;

WF_MUST_CHECK int wf_http_response_make(weft_http_session *session, weft_http_response **out);
void wf_http_response_opened(weft_http_response *x,
                             const char *kind); /* it is the caller's from here on */
void wf_http_response_free(weft_http_response *x);

/* Sends it, its body from source if it has one, and waits for the head of the answer. Not to be called
 * again before wf_http_leave and wf_http_reset. */
WF_MUST_CHECK int wf_http_run(weft_http_response *x, struct wf_http_source *source);
void wf_http_reset(weft_http_response *x);

WF_MUST_CHECK int wf_http_wait(weft_http_response *x, bool (*has_come)(void *x));

/* Ends it, so that nothing of it is the driver's: with its connection kept if that costs little. */
WF_MUST_CHECK int wf_http_leave(weft_http_response *x);

/* ---- request.c -------------------------------------------------------------------------------------- */

/* Its own, or else the session's. */
void wf_http_set_timeouts(weft_http_response *x, const weft_http_timeouts *own);

/* The headers that go to any origin. */
WF_MUST_CHECK int wf_http_cross_origin_add(struct curl_slist **list, const weft_http_response *x,
                                           const weft_http_request_opts *opts);

/* ---- redirect.c ------------------------------------------------------------------------------------- */

bool wf_http_is_redirect(const weft_http_response *x);

/* Makes of it the request that the answer asks for. */
WF_MUST_CHECK int wf_http_redirect(weft_http_response *x, const weft_http_request_opts *opts,
                                   struct wf_http_source *source);
void wf_http_history_free(weft_http_response *x);

/* ---- upload.c --------------------------------------------------------------------------------------- */

/* A body that is not in memory. */
struct wf_http_source {
    bool is_there;
    weft_receiver *rx; /* of weft_http_chunk; or */
    weft_file *file;
    char *block;               /* of the file */
    struct wf_http_form *form; /* or; another's */
    int64_t size;              /* -1: not known */
    int64_t left;              /* of it */
};

/* Takes over what opts owns but for a form's, on every path; to be closed on every path. form is NULL
 * where none is sent in parts (form.h). */
WF_MUST_CHECK int wf_http_source_open(struct wf_http_source *source,
                                      const weft_http_request_opts *opts,
                                      struct wf_http_form *form);
WF_MUST_CHECK int wf_http_source_open_file(struct wf_http_source *source, const char *path);
WF_MUST_CHECK int wf_http_file_size(const char *path, int64_t *out_size); /* -1: it has none */
void wf_http_source_close(struct wf_http_source *source);

/* Without an open, a form's too. Whether there was anything, which could be sent but once. */
bool wf_http_source_drop(const weft_http_request_opts *opts);
weft_receiver *wf_http_take_receiver(const void *rx); /* NULL: none, or somebody else has */

/* 1, WF_HTTP_MORE: the next one is there without a wait, 0: the end, or < 0. The chunk stays until the next
 * pull. */
enum { WF_HTTP_MORE = 2 };
WF_MUST_CHECK int wf_http_source_pull(struct wf_http_source *source, weft_http_chunk *out);

/* Files that can be read again from their beginning. Rewinding is nothing for a body that is not streamed. */
bool wf_http_source_is_replayable(const struct wf_http_source *source);
WF_MUST_CHECK int wf_http_source_rewind(weft_http_response *x, const weft_http_request_opts *opts,
                                        struct wf_http_source *source);

/* Sends it all, or until the server answers; < 0: the source's own error, or a cancel. */
WF_MUST_CHECK int wf_http_upload(weft_http_response *x, struct wf_http_source *source);
bool wf_http_is_answered(void *x);

/* ---- early.c ----------------------------------------------------------------------------------------- */

/* What send does, which may wait for anything in the source, for no longer than x is to be sent: 1 then. */
WF_MUST_CHECK int wf_http_send_watched(weft_http_response *x, struct wf_http_source *source,
                                       int (*send)(weft_http_response *x,
                                                   struct wf_http_source *source));

/* ---- body.c ------------------------------------------------------------------------------------------ */

/* Waits for bytes of the body: how many are at *out_data, in one piece, 0: the end. They stay until
 * wf_http_body_taken. */
WF_MUST_CHECK int64_t wf_http_body_wait(weft_http_response *x, const char **out_data);
void wf_http_body_taken(weft_http_response *x, size_t size);

#endif
