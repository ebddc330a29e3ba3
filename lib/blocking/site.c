/* SPDX-License-Identifier: MIT
 * What is known of a function from its last calls: whether the next one goes to the pool at once.
 *
 * A table of counts without locks or memory. Functions that share an entry, and updates that are
 * lost, cost time and nothing else. */
#include "blocking/handoff.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

#ifndef WF_SIM

enum { N_SITES = 1024, SHORT_CALLS_WANTED = 8 };
#define SHORT_NS INT64_C(50000)

/* Short calls that are wanted from it yet until it is taken for short again. Any thread. */
static _Atomic uint32_t sites[N_SITES];

static _Atomic uint32_t *entry_of(const void *site)
{
    uint64_t scattered = (uint64_t)(uintptr_t)site * UINT64_C(0x9e3779b97f4a7c15);
    return &sites[scattered >> 54];
}
_Static_assert(N_SITES == 1 << (64 - 54), "as many as the hash has values");

bool wf_site_is_long(const void *site) { return wf_load_rlx(entry_of(site)) > 0; }

void wf_site_overran(const void *site)
{
    wf_store_rlx(entry_of(site), (uint32_t)SHORT_CALLS_WANTED);
}

void wf_site_pooled(const void *site, int64_t d_ns)
{
    _Atomic uint32_t *entry = entry_of(site);
    uint32_t n = wf_load_rlx(entry);
    if (d_ns > SHORT_NS)
        wf_store_rlx(entry, (uint32_t)SHORT_CALLS_WANTED);
    else if (n > 0)
        wf_store_rlx(entry, n - 1);
}

#else

/* In the simulator no call takes time: the seed chooses. */
bool wf_site_is_long(const void *site) { return (void)site, wf_sim_random() % 4 == 0; }
void wf_site_overran(const void *site) { (void)site; }
void wf_site_pooled(const void *site, int64_t d_ns) { (void)site, (void)d_ns; }

#endif
