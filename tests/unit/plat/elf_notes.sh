#!/usr/bin/env bash
# elf_notes.sh CC READELF: the assembly says what it supports and no more: landing pads yes, shadow
# stacks and signed return addresses no; no executable stack; nothing visible outside the library.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1 readelf=$2
need "$cc" "$readelf"
need_headers "$cc"
case $("$cc" -dumpmachine) in
x86_64*) arch=x86_64_sysv_elf has='IBT' has_not='SHSTK' ;;
aarch64*) arch=aarch64_aapcs_elf has='BTI' has_not='PAC' ;;
*) echo "skipped: no assembly for this CPU"; exit 77 ;;
esac

"$cc" -c "$root/lib/plat/arch/$arch.S" -o "$work/arch.o"
notes=$("$readelf" -nW "$work/arch.o")
grep -q "$has" <<<"$notes" || fail "no $has in the notes: $notes"
! grep -q "$has_not" <<<"$notes" || fail "$has_not in the notes: $notes"
"$readelf" -SW "$work/arch.o" | grep -q '\.note\.GNU-stack' || fail "no .note.GNU-stack"
for symbol in wf_ctx_swap wf_ctx_trampoline; do
    line=$("$readelf" -sW "$work/arch.o" | grep " $symbol\$") || fail "no $symbol"
    [[ $line == *FUNC*HIDDEN* ]] || fail "$symbol is no hidden function: $line"
    [[ $(awk '{ print $3 }' <<<"$line") != 0 ]] || fail "$symbol has no size"
done
build_switch "$cc" -O2
"$readelf" -lW "$work/switch" | grep 'GNU_STACK' | grep -q 'RW ' || fail "the stack is executable"
