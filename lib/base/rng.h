/* SPDX-License-Identifier: MIT
 * Small seeded generators: one per worker and per plain thread, all seeded from the runtime's one
 * seed. xorshift64* (S. Vigna, "An experimental exploration of Marsaglia's xorshift generators,
 * scrambled", 2016) over a splitmix64 of the seed. Not for secrets. */
#ifndef WF_BASE_RNG_H
#define WF_BASE_RNG_H

#include <stdint.h>

struct wf_rng {
    uint64_t state;
};

static inline void wf_rng_seed(struct wf_rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t z = seed + (stream + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    rng->state = z != 0 ? z : 1;
}

/* Part of its caller, which says to TSan whose generator it is (plat/sanitizer.h). */
__attribute__((always_inline)) static inline uint64_t wf_rng_next(struct wf_rng *rng)
{
    uint64_t x = rng->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    rng->state = x;
    return x * 0x2545F4914F6CDD1Du;
}

/* Below n (n > 0); the bias of n / 2^32 does not matter here. */
__attribute__((always_inline)) static inline uint32_t wf_rng_below(struct wf_rng *rng, uint32_t n)
{
    return (uint32_t)(((wf_rng_next(rng) >> 32) * n) >> 32);
}

#endif
