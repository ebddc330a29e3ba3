/* SPDX-License-Identifier: MIT
 * The context switch: what it keeps, what it does not leak, and that it may end elsewhere.
 *
 * To TSan a switch orders nothing. So the bodies look at what a context did only after
 * wf_ctx_has_left() said that it left, and what goes the other way is atomic. */
#include "wt_test.h"

#include "plat/ctx.h"
#include "plat/self.h"
#include "plat/stack.h"
#include "plat/thread.h"

#include <fenv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A context with its stack, and the one that resumes it. */
struct fiber {
    struct wf_ctx ctx;
    struct wf_ctx *back;
    struct wf_stack *stack;
    unsigned n_turns;
};

static void fiber_open(struct fiber *fiber, struct wf_ctx *back, void (*entry)(void *arg))
{
    fiber->back = back;
    fiber->stack = wf_stack_map(WF_STACK_DEFAULT);
    ck_assert_ptr_nonnull(fiber->stack);
    wf_ctx_make(&fiber->ctx, wf_stack_low(fiber->stack), wf_stack_top(fiber->stack), entry, fiber);
}

static void fiber_close(struct fiber *fiber)
{
    ck_assert(wf_ctx_has_left(&fiber->ctx));
    wf_ctx_done(&fiber->ctx);
    wf_stack_unmap(fiber->stack);
}

static void resume(struct wf_ctx *native, struct fiber *fiber)
{
    wf_ctx_switch(native, &fiber->ctx);
    ck_assert(wf_ctx_has_left(&fiber->ctx));
}

/* ---- registers ------------------------------------------------------------------------------ */

int switch_with_pattern(struct wf_ctx *from, struct wf_ctx *to, uintptr_t p);

/* For the assembly: the switch may be inlined. Who is the caller leaves by a call instead. */
static const struct wf_ctx *caller;
static void leave_by_call(struct wf_ctx *from, struct wf_ctx *to);
void switch_contexts(struct wf_ctx *from, struct wf_ctx *to);
void switch_contexts(struct wf_ctx *from, struct wf_ctx *to)
{
    if (from == caller)
        leave_by_call(from, to);
    else
        wf_ctx_switch(from, to);
}

static _Atomic unsigned n_spoilt;

static void entry_with_pattern(void *arg)
{
    struct fiber *fiber = arg;
    for (uintptr_t i = 0; i < fiber->n_turns; i++)
        wf_add_rlx(&n_spoilt, (unsigned)switch_with_pattern(&fiber->ctx, fiber->back, ~i));
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

WT_TEST(callee_saved_registers_survive)
{
    struct wf_ctx native;
    struct fiber fiber = { .n_turns = wt_scaled(1000000) };
    wf_ctx_adopt(&native);
    fiber_open(&fiber, &native, entry_with_pattern);
    for (uintptr_t i = 0; i < fiber.n_turns; i++)
        wf_add_rlx(&n_spoilt, (unsigned)switch_with_pattern(&native, &fiber.ctx, i << 20));
    wf_ctx_switch(&native, &fiber.ctx);
    ck_assert_uint_eq(wf_load_rlx(&n_spoilt), 0);
    fiber_close(&fiber);
    wf_ctx_unadopt(&native);
}

/* ---- a call on the stack that was left -------------------------------------------------------- */

#if WF_CTX_HAS_CALL

static struct {
    unsigned n_calls;
    unsigned n_wrong;
} called;

/* Every third call does not return to the one who made it. */
static bool on_the_other_stack(void *arg)
{
    struct fiber *fiber = arg;
    volatile char here = 0;
    bool is_on_fiber = (uintptr_t)&here >= (uintptr_t)wf_stack_low(fiber->stack) &&
                       (uintptr_t)&here < (uintptr_t)wf_stack_top(fiber->stack);
    called.n_wrong += is_on_fiber || !wf_ctx_has_left(&fiber->ctx);
    ck_assert_int_eq(fesetround(called.n_calls % 2 == 0 ? FE_UPWARD : FE_TONEAREST), 0);
    return ++called.n_calls % 3 != 0;
}

static void leave_by_call(struct wf_ctx *from, struct wf_ctx *to)
{
    wf_ctx_call(from, to, on_the_other_stack, WF_CONTAINER(from, struct fiber, ctx));
    called.n_wrong += wf_ctx_has_left(from);
}

static void entry_that_calls(void *arg)
{
    struct fiber *fiber = arg;
    for (uintptr_t i = 0; i < fiber->n_turns; i++) {
        called.n_wrong += (unsigned)switch_with_pattern(&fiber->ctx, fiber->back, ~i);
        called.n_wrong += fegetround() != FE_TONEAREST;
    }
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

static void call_and_leave(void)
{
    struct wf_ctx native;
    struct fiber fiber = { .n_turns = 3 * (wt_scaled(300000) / 3) };
    unsigned n_returns_here = 0;
    wf_ctx_adopt(&native);
    fiber_open(&fiber, &native, entry_that_calls);
    caller = &fiber.ctx;
    for (; called.n_calls < fiber.n_turns; n_returns_here++)
        called.n_wrong += (unsigned)switch_with_pattern(&native, &fiber.ctx, called.n_calls);
    ck_assert_uint_eq(n_returns_here, fiber.n_turns / 3);
    wf_ctx_switch(&native, &fiber.ctx);
    ck_assert_uint_eq(called.n_wrong, 0);
    ck_assert_int_eq(fegetround(), FE_TONEAREST);
    fiber_close(&fiber);
    wf_ctx_unadopt(&native);
}

#else

static void leave_by_call(struct wf_ctx *from, struct wf_ctx *to) { wf_ctx_switch(from, to); }
static void call_and_leave(void) { wt_skip("a switch that sanitizers or ucontext see to"); }

#endif

WT_TEST(a_call_on_the_stack_that_was_left_returns_or_leaves) { call_and_leave(); }

static _Atomic int rounding_in_fiber;

static void entry_that_rounds(void *arg)
{
    struct fiber *fiber = arg;
    wf_store_rlx(&rounding_in_fiber, fegetround());
    fesetround(FE_DOWNWARD);
    wf_ctx_switch(&fiber->ctx, fiber->back);
    wf_store_rlx(&rounding_in_fiber, fegetround());
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

WT_TEST(rounding_mode_belongs_to_the_context)
{
    struct wf_ctx native;
    struct fiber fiber = { .n_turns = 0 };
    wf_ctx_adopt(&native);
    fesetround(FE_UPWARD);
    fiber_open(&fiber, &native, entry_that_rounds);
    resume(&native, &fiber);
    ck_assert_int_eq(wf_load_rlx(&rounding_in_fiber), FE_TONEAREST);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    fesetround(FE_TOWARDZERO);
    resume(&native, &fiber);
    ck_assert_int_eq(wf_load_rlx(&rounding_in_fiber), FE_DOWNWARD);
    ck_assert_int_eq(fegetround(), FE_TOWARDZERO);
    fesetround(FE_TONEAREST);
    fiber_close(&fiber);
    wf_ctx_unadopt(&native);
}

/* ---- the first frame ------------------------------------------------------------------------ */

typedef double wide __attribute__((vector_size(64)));

/* gcc for aarch64 keeps vectors on the stack at 16. */
#if defined(__x86_64__)
#define WIDE_IS_ALIGNED 1
#else
#define WIDE_IS_ALIGNED 0
#endif

static char printed[64];
static uintptr_t misaligned;

__attribute__((noinline)) static void use_vectors(volatile double *out, double x)
{
    wide a = { x, x, x, x, x, x, x, x };
    volatile wide b = a + a;
    misaligned |= (uintptr_t)&b % (WIDE_IS_ALIGNED ? 64 : 16);
    *out = b[7];
}

__attribute__((noinline, format(printf, 1, 2))) static void format(const char *how, ...)
{
    va_list args;
    va_start(args, how);
    vsnprintf(printed, sizeof printed, how, args);
    va_end(args);
}

static void entry_that_prints(void *arg)
{
    struct fiber *fiber = arg;
    volatile double twice;
    __attribute__((aligned(16))) volatile char local[16];
    local[0] = 0;
    misaligned = (uintptr_t)local % 16 + (uintptr_t)__builtin_frame_address(0) % 16;
    use_vectors(&twice, 1.25);
    format("%.2f %.2Lf", twice, (long double)twice);
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

WT_TEST(first_frame_is_aligned_whatever_the_top)
{
    struct wf_ctx native;
    struct fiber fiber = { .back = &native };
    wf_ctx_adopt(&native);
    fiber.stack = wf_stack_map(WF_STACK_DEFAULT);
    for (size_t odd = 0; odd < 130; odd++) {
        memset(printed, 0, sizeof printed);
        wf_ctx_make(&fiber.ctx, wf_stack_low(fiber.stack), (char *)wf_stack_top(fiber.stack) - odd,
                    entry_that_prints, &fiber);
        resume(&native, &fiber);
        ck_assert_uint_eq(misaligned, 0);
        ck_assert_str_eq(printed, "2.50 2.50");
        wf_ctx_done(&fiber.ctx);
    }
    wf_stack_unmap(fiber.stack);
    wf_ctx_unadopt(&native);
}

static _Atomic bool seemed_left;

static void look(struct fiber *fiber)
{
    if (wf_ctx_has_left(&fiber->ctx) || !wf_ctx_has_left(fiber->back))
        wf_store_rlx(&seemed_left, true);
}

static void entry_that_looks(void *arg)
{
    struct fiber *fiber = arg;
    look(fiber);
    wf_ctx_switch(&fiber->ctx, fiber->back);
    look(fiber);
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

WT_TEST(a_running_context_has_not_left)
{
    struct wf_ctx native;
    struct fiber fiber = { .n_turns = 0 };
    wf_ctx_adopt(&native);
    ck_assert(!wf_ctx_has_left(&native));
    fiber_open(&fiber, &native, entry_that_looks);
    ck_assert(wf_ctx_has_left(&fiber.ctx));
    for (int turn = 0; turn < 2; turn++) {
        resume(&native, &fiber);
        ck_assert(!wf_load_rlx(&seemed_left));
        ck_assert(!wf_ctx_has_left(&native));
    }
    fiber_close(&fiber);
    wf_ctx_unadopt(&native);
}

static void entry_that_ends(void *arg)
{
    struct fiber *fiber = arg;
    fiber->n_turns++;
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

WT_TEST(a_stack_is_reused_after_exit)
{
    struct wf_ctx native;
    struct fiber fiber = { .back = &native };
    unsigned n = wt_scaled(20000);
    wf_ctx_adopt(&native);
    fiber.stack = wf_stack_map(WF_STACK_MIN);
    for (unsigned i = 0; i < n; i++) {
        wf_ctx_make(&fiber.ctx, wf_stack_low(fiber.stack), wf_stack_top(fiber.stack),
                    entry_that_ends, &fiber);
        resume(&native, &fiber);
        wf_ctx_done(&fiber.ctx);
    }
    ck_assert_uint_eq(fiber.n_turns, n);
    wf_stack_unmap(fiber.stack);
    wf_ctx_unadopt(&native);
}

/* ---- leaks ------------------------------------------------------------------------------------ */

#ifdef WF_ASAN
#include <sanitizer/lsan_interface.h>

static void entry_that_owns(void *arg)
{
    struct fiber *fiber = arg;
    char *volatile block = malloc(100);
    wf_ctx_switch(&fiber->ctx, fiber->back);
    free(block);
    wf_ctx_exit(&fiber->ctx, fiber->back);
}

static void look_for_leaks_while_suspended(void)
{
    struct wf_ctx native;
    struct fiber fiber = { .n_turns = 0 };
    wf_ctx_adopt(&native);
    fiber_open(&fiber, &native, entry_that_owns);
    resume(&native, &fiber);
    ck_assert_int_eq(__lsan_do_recoverable_leak_check(), 0);
    resume(&native, &fiber);
    fiber_close(&fiber);
    wf_ctx_unadopt(&native);
}
#else
static void look_for_leaks_while_suspended(void) { wt_skip("needs LeakSanitizer"); }
#endif

WT_TEST(what_a_suspended_stack_points_to_is_no_leak) { look_for_leaks_while_suspended(); }

/* ---- migration ------------------------------------------------------------------------------- */

enum { N_CARRIERS = 4, N_TRAVELLERS = 8 };

/* An OS thread that runs contexts from one shared queue. */
struct carrier {
    struct wf_ctx native;
    struct wf_os_thread thread;
    _Atomic(int *) errno_address;
    int id;
    _Atomic(struct traveller *) ended; /* set by a context that leaves here for good */
};

/* A context that puts itself into the queue before it leaves: the next carrier has to wait. */
struct traveller {
    struct wf_ctx ctx;
    struct wf_stack *stack;
    struct traveller *next;
    const struct carrier *carrier; /* who carried it last */
    unsigned id, n_wrong, n_moves;
};

static struct {
    _Atomic uint32_t lock;
    struct traveller *first, *last;
    _Atomic unsigned n_left;
    unsigned n_turns;
    struct carrier carriers[N_CARRIERS];
    struct traveller travellers[N_TRAVELLERS];
} road;

static void road_lock(void)
{
    while (wf_xchg_acq(&road.lock, 1U) != 0)
        wf_thread_yield();
}

static void road_push(struct traveller *traveller)
{
    road_lock();
    traveller->next = NULL;
    *(road.first != NULL ? &road.last->next : &road.first) = traveller;
    road.last = traveller;
    wf_store_rel(&road.lock, 0U);
}

/* Not one who has been with this carrier alone so far: each moves at least once. */
static struct traveller *road_pop(const struct carrier *carrier)
{
    road_lock();
    struct traveller **link = &road.first, *previous = NULL;
    while (*link != NULL && (*link)->n_moves == 0 && (*link)->carrier == carrier) {
        previous = *link;
        link = &previous->next;
    }
    struct traveller *traveller = *link;
    if (traveller != NULL) {
        *link = traveller->next;
        if (road.last == traveller)
            road.last = previous;
    }
    wf_store_rel(&road.lock, 0U);
    return traveller;
}

static void travel(void *arg)
{
    struct traveller *me = arg;
    struct carrier *last = wf_self_get();
    for (unsigned i = 0; i < road.n_turns; i++) {
        volatile unsigned mine = me->id * 1000 + i;
        struct carrier *here = wf_self_get();
        *wf_errno_location() = here->id;
        me->carrier = here;
        road_push(me);
        wf_ctx_switch(&me->ctx, &here->native);
        struct carrier *there = wf_self_get();
        me->n_wrong += mine != me->id * 1000 + i;
        me->n_wrong += wf_errno_location() != wf_load_rlx(&there->errno_address);
        me->n_moves += there != last;
        last = there;
    }
    struct carrier *here = wf_self_get();
    wf_store_rlx(&here->ended, me);
    wf_ctx_exit(&me->ctx, &here->native);
}

static void carry(void *arg)
{
    struct carrier *me = arg;
    wf_ctx_adopt(&me->native);
    wf_store_rlx(&me->errno_address, wf_errno_location());
    wf_self_set(me);
    while (wf_load_acq(&road.n_left) > 0) {
        struct traveller *traveller = road_pop(me);
        if (traveller == NULL) {
            wf_thread_yield();
            continue;
        }
        while (!wf_ctx_has_left(&traveller->ctx))
            wf_cpu_relax();
        wf_ctx_switch(&me->native, &traveller->ctx);
        struct traveller *ended = wf_load_rlx(&me->ended);
        wf_store_rlx(&me->ended, NULL);
        if (ended != NULL) {
            ck_assert(wf_ctx_has_left(&ended->ctx));
            wf_ctx_done(&ended->ctx);
            wf_sub_acq_rel(&road.n_left, 1U);
        }
    }
    wf_self_set(NULL);
    wf_ctx_unadopt(&me->native);
}

WT_TEST(a_context_goes_on_on_another_thread)
{
    road.n_turns = wt_scaled(20000);
    wf_store_rlx(&road.n_left, (unsigned)N_TRAVELLERS);
    for (int i = 0; i < N_CARRIERS; i++)
        road.carriers[i].id = i;
    for (unsigned i = 0; i < N_TRAVELLERS; i++) {
        struct traveller *traveller = &road.travellers[i];
        traveller->id = i;
        traveller->stack = wf_stack_map(WF_STACK_DEFAULT);
        wf_ctx_make(&traveller->ctx, wf_stack_low(traveller->stack), wf_stack_top(traveller->stack),
                    travel, traveller);
        road_push(traveller);
    }
    for (int i = 0; i < N_CARRIERS; i++) {
        struct carrier *carrier = &road.carriers[i];
        ck_assert_int_eq(wf_thread_create(&carrier->thread, "carrier", carry, carrier), 0);
    }
    for (int i = 0; i < N_CARRIERS; i++)
        wf_thread_join(&road.carriers[i].thread);
    unsigned n_moves = 0;
    for (unsigned i = 0; i < N_TRAVELLERS; i++) {
        ck_assert_uint_eq(road.travellers[i].n_wrong, 0);
        n_moves += road.travellers[i].n_moves;
        wf_stack_unmap(road.travellers[i].stack);
    }
    ck_assert_uint_ge(n_moves, N_TRAVELLERS);
}

WT_MAIN("plat_ctx")
