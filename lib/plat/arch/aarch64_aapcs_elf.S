/* SPDX-License-Identifier: MIT
 *
 * wf_ctx_swap(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp): save the callee-saved state on
 * the current stack, continue on the stack *to_sp and only then store the old stack pointer in
 * *from_sp. Leaf; touches no TLS; never instrumented. Both frames have this layout, so one
 * description of the frame holds on either side of the change of stacks:
 *
 *   sp+0    x19  x20      sp+16   x21  x22      sp+32   x23  x24      sp+48   x25  x26
 *   sp+64   x27  x28      sp+80   x29  x30      sp+96   d8   d9       sp+112  d10  d11
 *   sp+128  d12  d13      sp+144  d14  d15      sp+160  fpcr, unused  sp+176  the caller's frame
 *
 * x18 belongs to the platform and is left alone. The signal mask is not switched, nor FPSR.
 *
 * Branch targets are marked and the note at the end says so. Return addresses are not signed,
 * and the note does not say they are. */

        .arch   armv8-a

#define BTI_C hint #34          /* bti c, which is a nop where there is no BTI */

        .macro save_frame
        sub     sp, sp, #176
        .cfi_adjust_cfa_offset 176
        stp     x19, x20, [sp, #0]
        .cfi_rel_offset x19, 0
        .cfi_rel_offset x20, 8
        stp     x21, x22, [sp, #16]
        .cfi_rel_offset x21, 16
        .cfi_rel_offset x22, 24
        stp     x23, x24, [sp, #32]
        .cfi_rel_offset x23, 32
        .cfi_rel_offset x24, 40
        stp     x25, x26, [sp, #48]
        .cfi_rel_offset x25, 48
        .cfi_rel_offset x26, 56
        stp     x27, x28, [sp, #64]
        .cfi_rel_offset x27, 64
        .cfi_rel_offset x28, 72
        stp     x29, x30, [sp, #80]
        .cfi_rel_offset x29, 80
        .cfi_rel_offset x30, 88
        stp     d8, d9, [sp, #96]
        .cfi_rel_offset d8, 96
        .cfi_rel_offset d9, 104
        stp     d10, d11, [sp, #112]
        .cfi_rel_offset d10, 112
        .cfi_rel_offset d11, 120
        stp     d12, d13, [sp, #128]
        .cfi_rel_offset d12, 128
        .cfi_rel_offset d13, 136
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset d14, 144
        .cfi_rel_offset d15, 152
        mrs     x9, fpcr
        str     x9, [sp, #160]
        .endm

        .macro restore_frame_and_return
        ldr     x9, [sp, #160]
        msr     fpcr, x9
        ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x29, x30, [sp, #80]
        ldp     x27, x28, [sp, #64]
        ldp     x25, x26, [sp, #48]
        ldp     x23, x24, [sp, #32]
        ldp     x21, x22, [sp, #16]
        ldp     x19, x20, [sp, #0]
        add     sp, sp, #176
        .cfi_def_cfa_offset 0
        .cfi_restore x19
        .cfi_restore x20
        .cfi_restore x21
        .cfi_restore x22
        .cfi_restore x23
        .cfi_restore x24
        .cfi_restore x25
        .cfi_restore x26
        .cfi_restore x27
        .cfi_restore x28
        .cfi_restore x29
        .cfi_restore x30
        .cfi_restore d8
        .cfi_restore d9
        .cfi_restore d10
        .cfi_restore d11
        .cfi_restore d12
        .cfi_restore d13
        .cfi_restore d14
        .cfi_restore d15
        ret
        .endm

        .text
        .globl  wf_ctx_swap
        .hidden wf_ctx_swap
        .type   wf_ctx_swap, %function
        .p2align 5
wf_ctx_swap:
        .cfi_startproc
        BTI_C
        save_frame

        ldr     x10, [x1]
        str     xzr, [x1]               /* it runs from here on */
        mov     x11, sp
        mov     sp, x10
        /* release [ctx-left]. After it another thread may already run on the old stack: nothing
         * below touches it, or *from_sp. */
        stlr    x11, [x0]

        restore_frame_and_return
        .cfi_endproc
        .size   wf_ctx_swap, .-wf_ctx_swap

/*
 * wf_ctx_swap_call(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp, bool (*fn)(void *), void *arg):
 * leave the current stack as wf_ctx_swap does, and call fn(arg) below the frame that *to_sp left.
 * True: go on here, where the call began. False: go on there, as by wf_ctx_swap; whoever resumes
 * *from_sp, perhaps before fn has returned, returns from here. *to_sp may be another's by then: it is
 * read once. The frame of *from_sp is described by x19 while fn runs. */
        .globl  wf_ctx_swap_call
        .hidden wf_ctx_swap_call
        .type   wf_ctx_swap_call, %function
        .p2align 5
wf_ctx_swap_call:
        .cfi_startproc
        BTI_C
        save_frame

        mov     x19, sp
        .cfi_def_cfa_register x19
        mov     x20, x0
        ldr     x10, [x1]
        mov     sp, x10
        stlr    x19, [x20]              /* release [ctx-left], as above */
        mov     x0, x3
        blr     x2
        tst     w0, #0xff
        b.eq    1f
        str     xzr, [x20]              /* it runs again */
        mov     sp, x19
1:
        .cfi_def_cfa_register sp
        restore_frame_and_return
        .cfi_endproc
        .size   wf_ctx_swap_call, .-wf_ctx_swap_call

/* Where a new context begins, by wf_ctx_swap's ret, with x19 = entry, x20 = arg, x29 = 0. It is the
 * outermost frame: unwinders that read CFI stop at the undefined x30, those that follow frame
 * pointers at x29 = 0. */
        .globl  wf_ctx_trampoline
        .hidden wf_ctx_trampoline
        .type   wf_ctx_trampoline, %function
        .p2align 4
wf_ctx_trampoline:
        .cfi_startproc
        .cfi_undefined x30
        BTI_C
        mov     x0, x19
        mov     x1, x20
        bl      wf_ctx_begin
        brk     #1
        .cfi_endproc
        .size   wf_ctx_trampoline, .-wf_ctx_trampoline

        .section .note.GNU-stack, "", %progbits

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND = BTI */
        .section .note.gnu.property, "a"
        .p2align 3
        .long   4, 16, 5
        .asciz  "GNU"
        .long   0xc0000000, 4, 1, 0
