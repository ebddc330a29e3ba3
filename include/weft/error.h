/* SPDX-License-Identifier: MIT */
/* Errors are return values: 0 or positive is success, negative is what went wrong.
 *
 * A code is either -errno, as the system gave it, or one of weft's own. The names below
 * are the codes weft itself decides on; they are negative numbers already, so that
 * WEFT_ETIMEDOUT == -ETIMEDOUT and a code is compared as it is:
 *
 *     int rc = weft_recv(jobs, &job);
 *     if (rc == WEFT_ECANCELED)
 *         return rc;
 *     if (rc < 0)
 *         fprintf(stderr, "no job: %s\n", weft_strerror(rc));
 *
 * Each function names the codes of its own. Three may come from any that returns a code:
 * WEFT_EINVAL for a NULL where something is needed, WEFT_EFORK in a child after fork, and
 * WEFT_ENOMEM when a plain thread's first call finds no memory to note the thread in.
 *
 * Weft never reports through errno.
 */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <weft/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(NAME, code, "text"): one line a code. Weft's own numbers start at -5001. */
#define WEFT_ERROR_MAP(X)                                                               \
    X(ECLOSED,    -5001,      "closed: the other side is gone")                         \
    X(EFORK,      -5002,      "weft does not work in a child after fork without exec")  \
    X(ELINE,      -5003,      "a line is longer than the limit")                        \
    X(ENOTASK,    -5004,      "only a task can do this")                                \
    X(ABANDONED,  -5005,      "left without saying how it went")                        \
    X(ELAGGED,    -5006,      "too slow: the oldest values have given way to newer ones")   \
    X(ENOTREADY,  -5007,      "the task ended without saying that it is ready")         \
    X(EEOF,       -5008,      "the end came before all that was asked for")             \
    X(EORDER,     -5009,      "a stage that loops keeps no order (WEFT_STAGE_FLAT_MAP does)") \
    X(ENAME,      -5020,      "no such host or service")                                \
    X(EHTTPPOOL,     -5101,   "HTTP: no connection was to be had in time")              \
    X(EHTTPCONNECT,  -5102,   "HTTP: no connection to the server in time")              \
    X(EHTTPFIRST,    -5103,   "HTTP: the server did not answer in time")                \
    X(EHTTPIDLE,     -5104,   "HTTP: the server has gone silent")                       \
    X(EHTTPTOTAL,    -5105,   "HTTP: it took too long in all")                          \
    X(EHTTPTLS,      -5106,   "HTTP: no trusted connection to the server")              \
    X(EHTTPPROTO,    -5107,   "HTTP: what the server sends is not valid")               \
    X(EHTTPLIMIT,    -5108,   "HTTP: more than the limit allows")                       \
    X(EHTTPREDIRECT, -5109,   "HTTP: a redirect too many, or one that is not followed") \
    X(EHTTPSTATUS,   -5110,   "HTTP: the status is an error")                           \
    X(EHTTPCERT,     -5111,   "HTTP: our certificate, key or list of authorities can't be used") \
    X(EHTTPPIN,      -5112,   "HTTP: the server has another key than the pinned one")   \
    X(EHTTPPROXY,    -5113,   "HTTP: the proxy refuses to connect")                     \
    X(EHTTPREPLAY,   -5114,   "HTTP: a body that can be sent but once has been sent")   \
    X(ECANCELED,  -ECANCELED, "cancelled")                                              \
    X(ETIMEDOUT,  -ETIMEDOUT, "the deadline passed")                                    \
    X(ENOMEM,     -ENOMEM,    "out of memory")                                          \
    X(EINVAL,     -EINVAL,    "an argument is not valid")                               \
    X(EAGAIN,     -EAGAIN,    "not now: it would have to wait, or no thread could be made") \
    X(EBUSY,      -EBUSY,     "in use by another")                                      \
    X(EDEADLK,    -EDEADLK,   "deadlock: what this waits for can never happen")         \
    X(EMSGSIZE,   -EMSGSIZE,  "the size of the value is not the channel's element size") \
    X(EOVERFLOW,  -EOVERFLOW, "a size is too large")                                    \
    X(ENOTSUP,    -ENOTSUP,   "not supported here (a source that waits inside: weft_buffer)") \
    X(ENOYIELD,   -EPROTO,    "did not yield exactly once")

enum {
#define WEFT_ERROR_ENUM_(name, code, text) WEFT_##name = code,
    WEFT_ERROR_MAP(WEFT_ERROR_ENUM_)
#undef WEFT_ERROR_ENUM_
};

/* The meaning of a code in words.
 *
 * Takes weft's codes, any -errno, and 0 or a positive result ("success").
 *
 * Waits    no
 * From     any thread
 * Returns  text that stays valid until the calling thread's next call; never NULL       */
WEFT_API const char *weft_strerror(int code);

/* The name of a code: "WEFT_ECLOSED", or "EIO" for a plain -EIO.
 *
 * Waits    no
 * From     any thread
 * Returns  static text; "?" for a number that no name is known for, never NULL          */
WEFT_API const char *weft_errname(int code);

#ifdef __cplusplus
}
#endif
#endif
