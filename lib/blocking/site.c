/* SPDX-License-Identifier: MIT
 * What is known of a function from its last calls: whether the next one is likely to be long.
 *
 * A table of counts without locks or memory. Functions that share an entry, and updates that are
 * lost, cost time and nothing else. */
#include "blocking/handoff.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

#ifndef WF_SIM

enum { N_SITES = 1024, SHORT_CALLS_WANTED = 8, IS_VERY_LONG = 1 << 8 };
#define LONG_NS      INT64_C(50000)
#define VERY_LONG_NS INT64_C(1000000)

/* Short calls that are wanted from it yet until it is taken for short again, and whether the last one
 * that was not was very long. Any thread. */
static _Atomic uint32_t sites[N_SITES];

static _Atomic uint32_t *entry_of(const void *site)
{
    uint64_t scattered = (uint64_t)(uintptr_t)site * UINT64_C(0x9e3779b97f4a7c15);
    return &sites[scattered >> 54];
}
_Static_assert(N_SITES == 1 << (64 - 54), "as many as the hash has values");

enum wf_site_length wf_site_length(const void *site)
{
    uint32_t seen = wf_load_rlx(entry_of(site));
    return seen == 0 ? WF_SITE_SHORT : seen & IS_VERY_LONG ? WF_SITE_VERY_LONG : WF_SITE_LONG;
}

void wf_site_overran(const void *site, enum wf_site_length length)
{
    uint32_t very = length == WF_SITE_VERY_LONG ? (uint32_t)IS_VERY_LONG : 0;
    wf_store_rlx(entry_of(site), (uint32_t)SHORT_CALLS_WANTED | very);
}

void wf_site_took(const void *site, int64_t d_ns)
{
    _Atomic uint32_t *entry = entry_of(site);
    uint32_t n = wf_load_rlx(entry) & ~(uint32_t)IS_VERY_LONG;
    if (d_ns > LONG_NS)
        wf_site_overran(site, d_ns > VERY_LONG_NS ? WF_SITE_VERY_LONG : WF_SITE_LONG);
    else if (n > 0)
        wf_store_rlx(entry, n - 1);
}

#else

/* In the simulator no call takes time: the seed chooses. */
enum wf_site_length wf_site_length(const void *site)
{
    uint64_t drawn = wf_sim_random() % 8;
    return (void)site, drawn == 0 ? WF_SITE_VERY_LONG : drawn == 4 ? WF_SITE_LONG : WF_SITE_SHORT;
}
void wf_site_overran(const void *site, enum wf_site_length length) { (void)site, (void)length; }
void wf_site_took(const void *site, int64_t d_ns) { (void)site, (void)d_ns; }

#endif
