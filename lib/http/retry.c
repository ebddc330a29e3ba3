/* SPDX-License-Identifier: MIT
 * Requests that are made again. Whether is decided while the answer, or the failure, is still there to
 * be given to the caller; from the decision on there is only the next try.
 *
 *   R1  A session's n_retries is never more than FREE_RETRIES and its share of n_requests: servers that
 *       are down are not asked several times as often as those that are up. Both grow under the lock. */
#include "http/retry.h"
#include "http/trace.h"

#include "base/opts.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <weft/cancel.h>
#include <weft/time.h>

enum { TRIES = 3, FREE_RETRIES = 10, PERCENT = 20 };

static const int busy[] = { 429, 502, 503, 504 };

/* ---- the policy -------------------------------------------------------------------------------------- */

static void set_defaults(weft_http_retry_opts *policy)
{
    policy->tries = policy->tries != 0 ? policy->tries : TRIES;
    policy->wait_ns = policy->wait_ns > 0 ? policy->wait_ns : WEFT_MS(200);
    policy->max_wait_ns = policy->max_wait_ns > 0 ? policy->max_wait_ns : WEFT_SEC(30);
    if (policy->statuses[0] == 0)
        memcpy(policy->statuses, busy, sizeof(busy));
}

void wf_http_retries_init(struct wf_http_retries *retries, const weft_http_response *x,
                          const weft_http_request_opts *opts)
{
    const weft_http_retry_opts *from = opts->retry != NULL ? opts->retry : x->session->opts.retry;
    *retries = (struct wf_http_retries){ .policy = { .tries = 1 } };
    wf_rng_seed(&retries->rng, (uint64_t)weft_now_ns(), (uintptr_t)x);
    if (from == NULL)
        return;
    retries->policy.tries = 0;
    wf_opts_copy(&retries->policy, sizeof(retries->policy), from);
    set_defaults(&retries->policy);
}

/* RFC 9110, 9.2.2. */
static bool is_idempotent(const char *method)
{
    static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };
    for (size_t i = 0; i < WF_ARRAY_SIZE(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

bool wf_http_is_passing(int rc)
{
    switch (rc) {
    case WEFT_EEOF:
    case WEFT_EHTTPCONNECT:
    case WEFT_EHTTPFIRST:
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ECONNABORTED:
    case -EPIPE:
    case -ETIMEDOUT:
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTDOWN:
    case -EHOSTUNREACH: return true;
    default: return false;
    }
}

static bool is_busy(const weft_http_retry_opts *policy, long status)
{
    for (size_t i = 0; i < WF_ARRAY_SIZE(policy->statuses); i++)
        if (policy->statuses[i] != 0 && policy->statuses[i] == status)
            return true;
    return false;
}

/* ---- how long to wait -------------------------------------------------------------------------------- */

int64_t wf_http_retry_after(const char *value, int64_t now_s)
{
    int64_t seconds = 0;
    const char *at = value;
    for (; *at >= '0' && *at <= '9'; at++)
        seconds = WF_MIN(seconds * 10 + (*at - '0'), (int64_t)INT32_MAX);
    if (at == value || *at != '\0') {
        time_t date = curl_getdate(value, NULL);
        if (date < 0)
            return -1;
        seconds = WF_MIN(WF_MAX((int64_t)date - now_s, (int64_t)0), (int64_t)INT32_MAX);
    }
    return WEFT_SEC(seconds);
}

/* Half of it is by chance, so that not all clients come back at once. */
static int64_t back_off(struct wf_http_retries *retries)
{
    const weft_http_retry_opts *policy = &retries->policy;
    int64_t wait_ns = WF_MIN(policy->wait_ns, policy->max_wait_ns);
    for (int i = 1; i < retries->n_tries && wait_ns < policy->max_wait_ns; i++)
        wait_ns = wait_ns <= policy->max_wait_ns / 2 ? wait_ns * 2 : policy->max_wait_ns;
    return wait_ns - (int64_t)(wf_rng_next(&retries->rng) % ((uint64_t)wait_ns / 2 + 1));
}

/* -1: the next try would be too late for somebody. */
static int64_t wait_of(const weft_http_response *x, struct wf_http_retries *retries,
                       bool has_answer)
{
    int64_t wait_ns = back_off(retries), at_ns;
    const char *asked = has_answer ? wf_http_head_find(&x->head, "Retry-After") : NULL;
    if (asked != NULL)
        wait_ns = WF_MAX(wait_ns, wf_http_retry_after(asked, (int64_t)time(NULL)));
    if (wait_ns > retries->policy.max_wait_ns ||
        __builtin_add_overflow(weft_now_ns(), wait_ns, &at_ns))
        return -1;
    return at_ns < x->total_at_ns && at_ns < weft_deadline() ? wait_ns : -1;
}

/* R1 */
static bool is_affordable(weft_http_session *session)
{
    int percent = session->opts.retry_percent != 0 ? session->opts.retry_percent : PERCENT;
    wf_http_role_lock(&session->role);
    uint64_t most = percent < 0 ? UINT64_MAX
                                : FREE_RETRIES + session->n_requests * (uint64_t)percent / 100;
    bool is_affordable = session->n_retries < most;
    session->n_retries += is_affordable;
    wf_http_role_unlock(&session->role);
    return is_affordable;
}

/* ---- again ------------------------------------------------------------------------------------------- */

/* rc is what became of this try. < 0: that is what the caller gets. */
static int64_t decide(const weft_http_response *x, const struct wf_http_source *source,
                      struct wf_http_retries *retries, int rc)
{
    const weft_http_retry_opts *policy = &retries->policy;
    bool is_repeatable = is_idempotent(x->method);
    if (x->is_upload && x->is_streamed && !wf_http_source_is_replayable(source))
        return -1;
    if (rc < 0 && x->is_stale && is_repeatable && !retries->has_reconnected) {
        retries->has_reconnected = true;
        return 0;
    }
    if (!(rc < 0 ? wf_http_is_passing(rc) : is_busy(policy, x->head.status)))
        return -1; /* a redirect may follow, which has the tries that are left */
    if (++retries->n_tries >= policy->tries || !(is_repeatable || policy->any_method))
        return -1;
    int64_t wait_ns = wait_of(x, retries, rc >= 0);
    return wait_ns >= 0 && is_affordable(x->session) ? wait_ns : -1;
}

/* The place and the connection are free while it waits. */
static int get_ready(weft_http_response *x, const weft_http_request_opts *opts,
                     struct wf_http_source *source, int64_t wait_ns)
{
    int rc = wf_http_leave(x);
    if (rc >= 0 && wait_ns > 0)
        rc = weft_sleep(wait_ns);
    if (rc < 0)
        return rc;
    wf_http_reset(x);
    return wf_http_source_rewind(x, opts, source);
}

int wf_http_run_with_retries(weft_http_response *x, const weft_http_request_opts *opts,
                             struct wf_http_source *source, struct wf_http_retries *retries)
{
    wf_http_role_lock(&x->session->role);
    x->session->n_requests++;
    wf_http_role_unlock(&x->session->role);
    for (;;) {
        int rc = wf_http_run(x, source);
        int64_t wait_ns = decide(x, source, retries, rc);
        if (wait_ns < 0)
            return rc;
        if (x->trace != NULL)
            wf_http_trace_retried(x, rc, wait_ns);
        rc = get_ready(x, opts, source, wait_ns);
        if (rc < 0)
            return rc;
    }
}
