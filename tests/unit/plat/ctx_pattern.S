/* SPDX-License-Identifier: MIT
 *
 * int switch_with_pattern(struct wf_ctx *from, struct wf_ctx *to, uintptr_t p): fills every
 * callee-saved register with a value made of p, switches, and says whether one differs. */

        .text
        .globl  switch_with_pattern
        .hidden switch_with_pattern

#if defined(__x86_64__)

        .type   switch_with_pattern, @function
switch_with_pattern:
        endbr64
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $24, %rsp
        movq    %rdx, (%rsp)
        leaq    1(%rdx), %rbx
        leaq    2(%rdx), %rbp
        leaq    3(%rdx), %r12
        leaq    4(%rdx), %r13
        leaq    5(%rdx), %r14
        leaq    6(%rdx), %r15
        call    switch_contexts@PLT
        movq    (%rsp), %rdx
        subq    %rdx, %rbx
        subq    %rdx, %rbp
        subq    %rdx, %r12
        subq    %rdx, %r13
        subq    %rdx, %r14
        subq    %rdx, %r15
        xorq    $1, %rbx
        xorq    $2, %rbp
        xorq    $3, %r12
        xorq    $4, %r13
        xorq    $5, %r14
        xorq    $6, %r15
        orq     %rbp, %rbx
        orq     %r12, %rbx
        orq     %r13, %rbx
        orq     %r14, %rbx
        orq     %r15, %rbx
        xorl    %eax, %eax
        testq   %rbx, %rbx
        setne   %al
        addq    $24, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   switch_with_pattern, .-switch_with_pattern

        .section .note.GNU-stack, "", @progbits

#elif defined(__aarch64__)

        .type   switch_with_pattern, %function
switch_with_pattern:
        hint    #34
        stp     x29, x30, [sp, #-192]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        str     x2, [sp, #160]
        add     x19, x2, #1
        add     x20, x2, #2
        add     x21, x2, #3
        add     x22, x2, #4
        add     x23, x2, #5
        add     x24, x2, #6
        add     x25, x2, #7
        add     x26, x2, #8
        add     x27, x2, #9
        add     x28, x2, #10
        add     x29, x2, #11
        fmov    d8, x19
        fmov    d9, x20
        fmov    d10, x21
        fmov    d11, x22
        fmov    d12, x23
        fmov    d13, x24
        fmov    d14, x25
        fmov    d15, x26
        bl      switch_contexts
        ldr     x2, [sp, #160]
        mov     x0, #0
.macro expect value, plus
        mov     x4, #\plus
        sub     x3, \value, x2
        eor     x3, x3, x4
        orr     x0, x0, x3
.endm
        expect x19, 1
        expect x20, 2
        expect x21, 3
        expect x22, 4
        expect x23, 5
        expect x24, 6
        expect x25, 7
        expect x26, 8
        expect x27, 9
        expect x28, 10
        expect x29, 11
        fmov    x5, d8
        expect x5, 1
        fmov    x5, d9
        expect x5, 2
        fmov    x5, d10
        expect x5, 3
        fmov    x5, d11
        expect x5, 4
        fmov    x5, d12
        expect x5, 5
        fmov    x5, d13
        expect x5, 6
        fmov    x5, d14
        expect x5, 7
        fmov    x5, d15
        expect x5, 8
        cmp     x0, #0
        cset    w0, ne
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #192
        ret
        .size   switch_with_pattern, .-switch_with_pattern

        .section .note.GNU-stack, "", %progbits

#else

#error "write the pattern test for this CPU"

#endif
