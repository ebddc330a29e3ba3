/* SPDX-License-Identifier: MIT
 * A pipeline over items of any size: what it holds is bounded by their weights, however much goes
 * through. Counted in bytes that are alive, which no allocator and no checker blurs. */
#include "wt_test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <weft.h>

enum { LARGEST = 64 << 10, LINK_WEIGHT = 128 << 10, N_WORKERS = 2, N_LINKS = 3 };

/* What is queued, and one item in the hand of each task: the first, two and two, and the last; an
 * item that does not fit waits in its sender's hand. */
enum { BOUND = N_LINKS * LINK_WEIGHT + (2 + 2 * N_WORKERS) * LARGEST };

struct blob {
    size_t size;
    char bytes[];
};

static atomic_llong alive, peak, passed;

static struct blob *blob_new(size_t size)
{
    struct blob *blob = malloc(sizeof *blob + size);
    ck_assert_ptr_nonnull(blob);
    blob->size = size;
    blob->bytes[size - 1] = 1;
    long long now = atomic_fetch_add(&alive, (long long)size) + (long long)size;
    long long most = atomic_load(&peak);
    while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
        continue;
    return blob;
}

static void blob_drop(void *item)
{
    struct blob *blob = *(struct blob **)item;
    atomic_fetch_sub(&alive, (long long)blob->size);
    free(blob);
}

static size_t blob_weight(const void *item) { return (*(struct blob *const *)item)->size; }

/* Many small ones, and now and then the largest. */
static size_t size_of_next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)1 << (*random >> 33) % 17;
}

WEFT_STAGE_SOURCE(make_blobs, struct blob *, out, (int, n))
{
    uint64_t random = 1;
    for (int i = 0; i < n; i++) {
        struct blob *blob = blob_new(size_of_next(&random));
        int rc = weft_send(out, blob);
        if (rc < 0) {
            blob_drop(&blob);
            return rc;
        }
    }
    return 0;
}

WEFT_STAGE(hand_on, struct blob *, out, struct blob *, in)
{
    weft_each (blob, in) {
        int rc = weft_send(out, blob);
        if (rc < 0) {
            blob_drop(&blob);
            return rc;
        }
    }
    return weft_error(in);
}

WEFT_STAGE_MAP(look_at, struct blob *, out, struct blob *, in)
{
    *out = in;
    return weft_pause();
}

WEFT_STAGE_SINK(end_blobs, struct blob *, in)
{
    weft_each (blob, in) {
        atomic_fetch_add(&passed, (long long)blob->size);
        blob_drop(&blob);
    }
    return weft_error(in);
}

#define STAGE(...)                                                                      \
    WEFT_OPTS(stage, .capacity = 1024, .weigh = blob_weight, .max_weight = LINK_WEIGHT, \
              .drop = blob_drop, ##__VA_ARGS__)

static void pass_blobs(int n, bool is_ordered)
{
    WEFT_RX(struct blob *, a);
    WEFT_RX(struct blob *, b);
    WEFT_PIPELINE(p);
    atomic_store(&peak, 0);
    atomic_store(&passed, 0);
    ck_assert_int_eq(make_blobs(&p, STAGE(), n, &a), 0);
    ck_assert_int_eq(hand_on(&p, STAGE(.workers = N_WORKERS), WEFT_MOVE(a), &b), 0);
    ck_assert_int_eq(
        look_at(&p, STAGE(.workers = N_WORKERS, .ordered = is_ordered, .window = N_WORKERS),
                WEFT_MOVE(b), &a),
        0);
    ck_assert_int_eq(end_blobs(&p, NULL, WEFT_MOVE(a)), 0);
    ck_assert_int_eq(weft_pipeline_wait(&p), 0);
    ck_assert_int_eq(atomic_load(&alive), 0);
    ck_assert_int_le(atomic_load(&peak), BOUND);
}

WT_TEST(what_is_held_is_bounded_however_much_goes_through)
{
    wt_seeds_at_most(10);
    pass_blobs((int)wt_scaled(10000), false);
    long long first = atomic_load(&passed);
    pass_blobs((int)wt_scaled(10000) * 4, true);
    ck_assert_int_gt(atomic_load(&passed), 2 * first);
}

WT_MAIN("stream_weight")
