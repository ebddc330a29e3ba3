/* SPDX-License-Identifier: MIT
 * Cancel from inside: the walk down the tree, reasons, and the flag a waiter looks at. */
#include "task/scope.h"

#include "plat/sys_failing.h"
#include "wt_test.h"

#include <string.h>

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

/* A random tree of bare scopes, its marks computed by recursion from the same rule (S1). */
enum { N = 40 };

static weft_scope scopes[N];
static int parents[N];
static bool expected[N], from_above[N];

static struct wf_scope *at(int i) { return wf_scope_of(&scopes[i]); }

static void grow(void)
{
    for (int i = 0; i < N; i++) {
        parents[i] = i == 0 ? -1 : (int)wt_random_below((uint64_t)i);
        bool is_shielded = i > 0 && wt_random_below(5) == 0;
        expected[i] = from_above[i] = i > 0 && !is_shielded && expected[parents[i]];
        wf_scope_init(&scopes[i], &(struct wf_scope_opts){
                                      .parent = i == 0 ? NULL : &scopes[parents[i]],
                                      .deadline_at_ns = WF_NEVER,
                                      .is_shielded = is_shielded,
                                      .is_root = i == 0,
                                      .name = "node",
                                      .file = __FILE__,
                                      .line = __LINE__,
                                  });
        if (i > 0 && wt_random_below(20) == 0) {
            wf_scope_cancel(&scopes[i], WF_REASON_ASKED);
            expected[i] = true;
        }
    }
}

static void cancel_in_model(int top)
{
    expected[top] = true;
    for (int i = top + 1; i < N; i++)
        if (parents[i] >= 0 && expected[parents[i]] && !at(i)->is_shielded) {
            bool is_below = false;
            for (int up = i; up >= 0; up = at(up)->is_shielded ? -1 : parents[up])
                is_below |= parents[up] == top && !at(up)->is_shielded;
            expected[i] |= is_below;
            from_above[i] |= is_below;
        }
}

static void compare(void)
{
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(wf_load_rlx(&at(i)->cancelled) != 0, expected[i]);
        ck_assert(!from_above[i] || at(i)->is_from_above);
        ck_assert_uint_eq(wf_load_rlx(&at(i)->lock.word), 0);
    }
}

WT_TEST(a_cancel_marks_all_below_but_the_shielded)
{
    for (unsigned round = wt_scaled(200); round > 0; round--) {
        for (int i = 0; i < N; i++)
            expected[i] = from_above[i] = false;
        grow();
        compare();
        for (int i = 0; i < 3; i++) {
            int top = (int)wt_random_below(N);
            bool was = expected[top];
            wf_scope_cancel(&scopes[top], WF_REASON_DEADLINE);
            if (!was)
                cancel_in_model(top);
            compare();
        }
        for (int i = N; i-- > 0;)
            wf_scope_fini(&scopes[i]);
    }
}

/* ---- cancel against scopes that come and go -------------------------------------------------- */

static void open_and_close(void *arg)
{
    weft_scope *parent = arg;
    for (unsigned i = wt_scaled(3000); i > 0; i--) {
        weft_scope scope;
        wf_scope_init(&scope, &(struct wf_scope_opts){
                                  .parent = parent,
                                  .deadline_at_ns = WF_NEVER,
                                  .name = "brief",
                                  .file = __FILE__,
                              });
        wf_scope_fini(&scope);
    }
}

/* After the cancel each new scope has the mark; one that was there has it too. */
WT_TEST(a_scope_is_marked_whether_it_came_before_or_after)
{
    for (unsigned round = wt_scaled(50); round > 0; round--) {
        weft_scope parent, child;
        struct wf_scope_opts opts = { .deadline_at_ns = WF_NEVER, .name = "p", .file = __FILE__ };
        wf_scope_init(&parent, &opts);
        wt_thread *thread = wt_thread_start(open_and_close, &parent);
        opts.parent = &parent;
        wf_scope_init(&child, &opts);
        wf_scope_cancel(&parent, WF_REASON_ASKED);
        ck_assert_uint_eq(wf_load_rlx(&wf_scope_of(&child)->cancelled), 1);
        weft_scope later;
        wf_scope_init(&later, &opts);
        ck_assert_uint_eq(wf_load_rlx(&wf_scope_of(&later)->cancelled), 1);
        wf_scope_fini(&later);
        wf_scope_fini(&child);
        wt_thread_join(thread);
        ck_assert(wf_list_is_empty(&wf_scope_of(&parent)->scopes));
        wf_scope_fini(&parent);
    }
}

/* ---- what a waiter looks at ------------------------------------------------------------------ */

WT_TEST(scopes_and_shields_change_the_flag_and_put_it_back)
{
    struct wf_waiter *self = wf_waiter_self();
    weft_shield shield;
    WEFT_SCOPE(outer);
    ck_assert_ptr_eq(self->cancel, &wf_scope_of(&outer)->cancelled);
    weft_shield_begin(&shield);
    ck_assert_ptr_eq(self->cancel, &wf_never_cancelled);
    {
        WEFT_SCOPE(inner);
        ck_assert_ptr_eq(self->cancel, &wf_scope_of(&inner)->cancelled);
        ck_assert(wf_scope_of(&inner)->is_shielded);
    }
    ck_assert_ptr_eq(self->cancel, &wf_never_cancelled);
    ck_assert_uint_eq(self->shields, 1);
    weft_shield_end(&shield);
    ck_assert_ptr_eq(self->cancel, &wf_scope_of(&outer)->cancelled);
    MUST(weft_scope_wait(&outer));
}

WT_TEST(the_first_close_error_is_kept)
{
    struct wf_waiter *self = wf_waiter_self();
    weft_note_close_error(0);
    weft_note_close_error(5);
    weft_note_close_error(WEFT_ABANDONED);
    ck_assert_int_eq(self->close_error, 0);
    weft_note_close_error(-EIO);
    weft_note_close_error(-EPERM);
    ck_assert_int_eq(self->close_error, -EIO);
    self->close_error = 0;
}

/* ---- without memory ---------------------------------------------------------------------------- */

static _Atomic bool has_no_memory;

static bool fails_now(enum wf_sys_kind kind, const char *name)
{
    (void)name;
    return kind == WF_SYS_MEMORY && wf_load_rlx(&has_no_memory);
}

/* The thread is not known to weft at the begin, and is by the end. */
static void begins_too_early(void *arg)
{
    weft_closing closing;
    weft_shield shield;
    (void)arg;
    memset(&closing, 0x5a, sizeof closing);
    memset(&shield, 0x5a, sizeof shield);
    wf_store_rlx(&has_no_memory, true);
    weft_closing_begin(&closing);
    weft_shield_begin(&shield);
    wf_store_rlx(&has_no_memory, false);
    MUST(weft_checkpoint());
    weft_shield_end(&shield);
    weft_closing_end(&closing, "it", __FILE__, __LINE__);
    struct wf_waiter *self = wf_waiter_self();
    ck_assert_uint_eq(self->shields, 0);
    ck_assert_ptr_null(self->closing);
    MUST(weft_checkpoint());
}

WT_TEST(what_had_no_memory_to_begin_does_not_end)
{
    wf_sys_fail_when(fails_now);
    wt_thread_join(wt_thread_start(begins_too_early, NULL));
    wf_sys_fail_when(NULL);
}

WT_MAIN("task_cancel")
