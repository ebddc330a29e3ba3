/* SPDX-License-Identifier: MIT
 * A program of nothing but the context switch, for scripts that look at it with a debugger or run
 * it on another CPU. Prints "ok". With an argument it leaves the registers to the compiler: the
 * function that fills them has no notes for a debugger. */
#include "plat/ctx.h"

#include <stdio.h>

int switch_with_pattern(struct wf_ctx *from, struct wf_ctx *to, uintptr_t p);

/* For the assembly: the switch may be inlined. */
void switch_contexts(struct wf_ctx *from, struct wf_ctx *to);
void switch_contexts(struct wf_ctx *from, struct wf_ctx *to) { wf_ctx_switch(from, to); }
void innermost(void);

enum { N_TURNS = 20000 };

static struct wf_ctx native, other;
static _Alignas(16) char stack[64 * 1024];
static int n_spoilt;

static int switch_plainly(struct wf_ctx *from, struct wf_ctx *to, uintptr_t p)
{
    (void)p;
    wf_ctx_switch(from, to);
    return 0;
}

static int (*switch_somehow)(struct wf_ctx *from, struct wf_ctx *to, uintptr_t p);

/* Where a debugger stops. */
__attribute__((noinline)) void innermost(void) { __asm__ volatile("" ::: "memory"); }

static void entry(void *arg)
{
    innermost();
    for (uintptr_t i = 0; i < N_TURNS; i++)
        n_spoilt += switch_somehow(&other, &native, i * (uintptr_t)arg);
    wf_ctx_exit(&other, &native);
}

int main(int argc, char **argv)
{
    (void)argv;
    switch_somehow = argc > 1 ? switch_plainly : switch_with_pattern;
    wf_ctx_adopt(&native);
    wf_ctx_make(&other, stack, stack + sizeof stack, entry, &native);
    for (uintptr_t i = 0; i <= N_TURNS; i++)
        n_spoilt += switch_somehow(&native, &other, ~i);
    if (n_spoilt != 0 || !wf_ctx_has_left(&other)) {
        printf("%d registers were spoilt\n", n_spoilt);
        return 1;
    }
    puts("ok");
    return 0;
}
