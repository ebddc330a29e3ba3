/* SPDX-License-Identifier: MIT
 *
 * wf_ctx_swap(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp): save the callee-saved state on
 * the current stack, continue on the stack *to_sp and only then store the old stack pointer in
 * *from_sp. Leaf; touches no TLS; never instrumented. Both frames have this layout, so one
 * description of the frame holds on either side of the change of stacks:
 *
 *   sp+0   mxcsr      sp+4   x87 control word      sp+8   r12     sp+16  r13
 *   sp+24  r14        sp+32  r15                   sp+40  rbx     sp+48  rbp
 *   sp+56  return address                          sp+64  the caller's frame, 16-aligned - 8
 *
 * The saved sp is a multiple of 16. Nothing is ever stored below rsp: a signal may come at any
 * instruction. The signal mask is not switched, nor any floating point state that callers save.
 *
 * Indirect branch tracking is supported and said so in the note at the end. Shadow stacks are
 * not, and the note must not say they are: the loader then leaves them off. */

        .macro save_frame
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        .endm

        .macro restore_frame_and_return
        fldcw   4(%rsp)
        ldmxcsr (%rsp)
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        ret
        .endm

        .text
        .globl  wf_ctx_swap
        .hidden wf_ctx_swap
        .type   wf_ctx_swap, @function
        .p2align 5
wf_ctx_swap:
        .cfi_startproc
        endbr64
        save_frame

        movq    (%rsi), %rdx
        movq    $0, (%rsi)              /* it runs from here on */
        movq    %rsp, %rax
        movq    %rdx, %rsp
        /* release [ctx-left]: a plain store, since x86 keeps stores in order. After it another
         * thread may already run on the old stack: nothing below touches it, or *from_sp. */
        movq    %rax, (%rdi)

        restore_frame_and_return
        .cfi_endproc
        .size   wf_ctx_swap, .-wf_ctx_swap

/*
 * wf_ctx_swap_call(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp, bool (*fn)(void *), void *arg):
 * leave the current stack as wf_ctx_swap does, and call fn(arg) below the frame that *to_sp left.
 * True: go on here, where the call began. False: go on there, as by wf_ctx_swap; whoever resumes
 * *from_sp, perhaps before fn has returned, returns from here. *to_sp may be another's by then: it is
 * read once. The frame of *from_sp is described by rbx while fn runs. */
        .globl  wf_ctx_swap_call
        .hidden wf_ctx_swap_call
        .type   wf_ctx_swap_call, @function
        .p2align 5
wf_ctx_swap_call:
        .cfi_startproc
        endbr64
        save_frame

        movq    %rsp, %rbx
        .cfi_def_cfa_register rbx
        movq    %rdi, %r12
        movq    (%rsi), %rsp
        movq    %rbx, (%r12)            /* release [ctx-left], as above */
        movq    %rcx, %rdi
        call    *%rdx
        testb   %al, %al
        je      1f
        movq    $0, (%r12)              /* it runs again */
        movq    %rbx, %rsp
1:
        .cfi_def_cfa_register rsp
        restore_frame_and_return
        .cfi_endproc
        .size   wf_ctx_swap_call, .-wf_ctx_swap_call

/* Where a new context begins, by wf_ctx_swap's ret, with rbx = entry, r12 = arg, rbp = 0 and rsp a
 * multiple of 16. It is the outermost frame: unwinders that read CFI stop at the undefined rip,
 * those that follow frame pointers at rbp = 0. */
        .globl  wf_ctx_trampoline
        .hidden wf_ctx_trampoline
        .type   wf_ctx_trampoline, @function
        .p2align 4
wf_ctx_trampoline:
        .cfi_startproc
        .cfi_undefined rip
        endbr64
        movq    %rbx, %rdi
        movq    %r12, %rsi
        call    wf_ctx_begin
        ud2
        .cfi_endproc
        .size   wf_ctx_trampoline, .-wf_ctx_trampoline

        .section .note.GNU-stack, "", @progbits

/* GNU_PROPERTY_X86_FEATURE_1_AND = IBT */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000002, 4, 1, 0
