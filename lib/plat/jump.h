/* SPDX-License-Identifier: MIT
 * WF_RETURNS_BY_JUMP: before a function that returns on another stack than it was entered on.
 *
 * The CPU guesses where a return goes by the calls before it, which were those on the stack that was
 * left: every such return is a wrong guess. An indirect jump it guesses by the way that led to it,
 * and whoever switches in a loop comes by the same way. So the function takes its return address
 * off the stack and jumps there. Without the compiler's help it returns as any other.
 *
 * The thunk goes by the name that the compiler calls it by. Several files have it, which a
 * link-time optimiser may turn into one, or into several that share it: hence weak, and once.
 * notrack: where indirect branches have to land on an endbr64, a return address has none. Not with
 * shadow stacks, for which a return is a return alone. */
#ifndef WF_PLAT_JUMP_H
#define WF_PLAT_JUMP_H

#include "plat/cc.h"

#if defined(__CET__)
#define WF_HAS_SHADOW_STACKS ((__CET__ & 2) != 0)
#else
#define WF_HAS_SHADOW_STACKS 0
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !WF_HAS_SHADOW_STACKS && \
    !defined(WF_ASAN) && !defined(WF_TSAN)
#define WF_RETURNS_BY_JUMP __attribute__((function_return("thunk-extern")))
__asm__(".ifndef __x86_return_thunk\n"
        ".text\n"
        ".weak __x86_return_thunk\n"
        ".hidden __x86_return_thunk\n"
        ".type __x86_return_thunk, @function\n"
        "__x86_return_thunk:\n"
        "\t.cfi_startproc\n"
        "\tpopq %rcx\n"
        "\t.cfi_adjust_cfa_offset -8\n"
        "\t.cfi_register rip, rcx\n"
        "\tnotrack jmp *%rcx\n"
        "\t.cfi_endproc\n"
        ".size __x86_return_thunk, . - __x86_return_thunk\n"
        ".endif\n");
#else
#define WF_RETURNS_BY_JUMP
#endif

#endif
