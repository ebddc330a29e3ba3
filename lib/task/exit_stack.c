/* SPDX-License-Identifier: MIT
 * The exit stack: an array of closers that grows. */
#include "plat/mem.h"
#include "sched/wait.h"

#include <weft/exit_stack.h>

struct closer {
    const char *kind;
    int (*close)(void *it, int rc);
    void *it;
};

struct weft_exit_stack {
    size_t n, room;
    struct closer closers[];
};

enum { FIRST_ROOM = 8 };

/* Shielded, with a budget of its own. */
static int run(const struct closer *closer, int rc)
{
    weft_closing closing;
    weft_closing_begin(&closing);
    rc = closer->close(closer->it, rc);
    weft_closing_end(&closing, closer->kind, NULL, 0);
    return rc;
}

static bool grow(weft_exit_stack **slot)
{
    weft_exit_stack *stack = *slot;
    size_t room = stack == NULL ? FIRST_ROOM : 2 * stack->room;
    size_t size = wf_size_with(sizeof *stack, room, sizeof stack->closers[0]);
    weft_exit_stack *grown = wf_realloc(stack, size);
    if (grown == NULL)
        return false;
    if (stack == NULL)
        grown->n = 0;
    grown->room = room;
    *slot = grown;
    return true;
}

int weft_exit_push(weft_exit_stack **slot, const char *kind, int (*close)(void *it, int rc),
                   void *it)
{
    wf_note_call();
    if (slot == NULL || close == NULL || it == NULL)
        return WEFT_EINVAL;
    struct closer closer = { kind != NULL ? kind : "item", close, it };
    bool has_room = *slot != NULL && (*slot)->n < (*slot)->room;
    if (!has_room && !grow(slot)) {
        int rc = run(&closer, WEFT_ENOMEM);
        weft_note_close_error(rc != WEFT_ENOMEM ? rc : 0);
        return WEFT_ENOMEM;
    }
    (*slot)->closers[(*slot)->n++] = closer;
    return 0;
}

void *weft_exit_pop(weft_exit_stack **slot)
{
    wf_note_call();
    if (slot == NULL || *slot == NULL || (*slot)->n == 0)
        return NULL;
    return (*slot)->closers[--(*slot)->n].it;
}

size_t weft_exit_count(const weft_exit_stack *stack) { return stack != NULL ? stack->n : 0; }

int weft_exit_stack_close(weft_exit_stack *stack, int rc)
{
    wf_note_call();
    if (stack == NULL)
        return rc;
    while (stack->n > 0) {
        int found = run(&stack->closers[--stack->n], rc);
        /* Without an error an abandoned stack stays so: nobody knows that it went well. */
        rc = rc == WEFT_ABANDONED && found >= 0 ? rc : found;
    }
    wf_free(stack);
    return rc;
}
