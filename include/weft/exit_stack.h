/* SPDX-License-Identifier: MIT */
/* Exit stacks: as many resources as the program finds out it needs, closed as one.
 *
 *     WEFT_AUTO(weft_exit_stack, opened);             // NULL is an empty stack
 *     for (int i = 0; i < n_hosts; i++) {
 *         WEFT_AUTO(link, link);
 *         WEFT_TRY(link_open(hosts[i], &link));
 *         links[i] = link;
 *         WEFT_TRY(weft_exit_keep(&opened, link, link));     // the stack owns it now
 *     }
 *     return weft_close_with(opened, talk(links, n_hosts));  // or the brace closes all
 *
 * The latest is closed first. Each closer is told how it went and may replace or suppress
 * that for those before it: a negative code it returns is what the next one is told, 0 or
 * more ends an error. Closed by a brace, they are told WEFT_ABANDONED, or the first error
 * that one of them has found. All of them run, each with a teardown budget of its own.
 *
 * The stack is one owner like any other: WEFT_STEAL hands all that is in it to a variable
 * that lives longer, WEFT_MOVE to a task, and in a loop's body it closes at each turn.
 */
#ifndef WEFT_EXIT_STACK_H
#define WEFT_EXIT_STACK_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a stack holds besides the items themselves; made by the first push. */
typedef struct weft_exit_stack weft_exit_stack;

/* Puts an item on the stack, to be closed by close(it, rc). One that can't be put is closed
 * at once, and told WEFT_ENOMEM: it is the stack's on every path.
 *
 * kind is static text, for reports. *stack may be NULL, and then is made.
 *
 * Waits    no, but for the close when there is no memory
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ENOMEM     it is closed                                                   */
WEFT_API WEFT_MUST_CHECK int weft_exit_push(weft_exit_stack **stack, const char *kind,
                                            int (*close)(void *it, int rc), void *it);

/* Takes the latest item off without closing it: it is the caller's again.
 *
 * Waits    no
 * From     any thread, one at a time
 * Returns  the item; NULL from an empty stack                                            */
WEFT_API void *weft_exit_pop(weft_exit_stack **stack);

/* How many items are on the stack.
 *
 * Waits    no
 * From     any thread, one at a time
 * Returns  the number                                                                    */
WEFT_API size_t weft_exit_count(const weft_exit_stack *stack);

/* Closes all, the latest first, and frees the stack; NULL is an empty one.
 *
 * Waits    if a closer does
 * Cancel   no: shielded
 * From     any thread
 * Returns  what the closers made of rc                                                   */
WEFT_API int weft_exit_stack_close(weft_exit_stack *stack, int rc);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO_STATUS(weft_exit_stack, weft_exit_stack_close)

/* Moves a WEFT_AUTO variable of this type into the stack: it is empty afterwards; one that
 * is empty already is WEFT_EINVAL. */
#define weft_exit_keep(stack, type, owner)                                                \
    weft_checked_(((void)sizeof(((int (*)(type **))0)(&(owner))),                         \
                   weft_exit_push(stack, #type, type##_exit_, weft_slot_take(&(owner)))))

#endif
#endif
