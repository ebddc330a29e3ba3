/* SPDX-License-Identifier: MIT
 * Names to addresses. The look-up can't be stopped: whoever is cancelled leaves it alone, so it
 * works on copies. */
#include "net/handle.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <weft/blocking.h>
#include <weft/task.h>

#include <netdb.h>
#include <string.h>

enum { MOST_FOUND = 32 };

struct found {
    int n;
    weft_address addresses[MOST_FOUND];
};

static int look_up(void *args, void *self)
{
    const struct wf_place *place = args;
    struct found *found = weft_job_result();
    struct addrinfo *list = NULL;
    (void)self;
    int rc = wf_sys.resolve(place->host, place->service, &list);
    if (rc < 0)
        return rc;
    for (const struct addrinfo *at = list; at != NULL && found->n < MOST_FOUND; at = at->ai_next)
        wf_address_set(&found->addresses[found->n++], at->ai_addr, at->ai_addrlen);
    freeaddrinfo(list);
    return found->n > 0 ? 0 : WEFT_ENAME;
}

static const weft_callable look_up_call = { .enter = look_up,
                                            .args_size = sizeof(struct wf_place),
                                            .name = "weft_resolve",
                                            .file = __FILE__,
                                            .line = __LINE__ };

/* The next from *at on that is of the family, or is not; NULL: none. */
static const weft_address *next_of(const struct found *found, int *at, int family, bool is_of_it)
{
    while (*at < found->n) {
        const weft_address *address = &found->addresses[(*at)++];
        if ((wf_address_family(address) == family) == is_of_it)
            return address;
    }
    return NULL;
}

/* The system has sorted them, best first. The families take turns, so that one that leads nowhere
 * costs one attempt, not all (RFC 8305, section 4). */
static int take_turns(const struct found *found, weft_address *out, size_t max)
{
    int family = wf_address_family(&found->addresses[0]), at[2] = { 0, 0 };
    size_t n = 0, n_missed = 0;
    for (bool is_first = true; n < max && n_missed < 2; is_first = !is_first) {
        const weft_address *next = next_of(found, &at[is_first], family, is_first);
        n_missed = next == NULL ? n_missed + 1 : 0;
        if (next != NULL)
            out[n++] = *next;
    }
    return (int)n;
}

static int numeric(void)
{
    int rc = wf_unnoted(weft_checkpoint());
    return rc < 0 ? rc : 1;
}

static int resolve_name(struct wf_place *place, weft_address *out, size_t max)
{
    struct found *found = wf_alloc(1, sizeof *found);
    if (found == NULL)
        return WEFT_ENOMEM;
    weft_blocking_opts opts = { .size_ = sizeof opts,
                                .lane = WEFT_LANE_DNS,
                                .pooled = true,
                                .abandon = true,
                                .result_size = sizeof *found,
                                .result = found };
    int rc = wf_unnoted(weft_call_blocking_with(&opts, &look_up_call, place));
    if (rc >= 0)
        rc = take_turns(found, out, max);
    wf_free(found);
    return rc;
}

int weft_resolve(const char *where, weft_address *out_addresses, size_t max)
{
    wf_note_call();
    struct wf_place place;
    if (where == NULL || out_addresses == NULL || max == 0)
        return WEFT_EINVAL;
    int rc = weft_address_parse(where, &out_addresses[0]);
    if (rc == 0)
        return numeric();
    if (rc == WEFT_EINVAL) /* it may be a name */
        rc = wf_place_split(where, &place);
    return rc < 0 ? rc : resolve_name(&place, out_addresses, max);
}
