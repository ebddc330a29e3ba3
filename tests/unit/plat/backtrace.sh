#!/usr/bin/env bash
# backtrace.sh CC: the debugger's backtrace of a context ends at its first frame, and it can walk
# up from every single instruction of the switch, on either side of the change of stacks.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1
need "$cc" gdb
build_switch "$cc" -g -O2

# run_gdb COMMAND...
run_gdb() {
    local args=()
    for command; do
        args+=(-ex "$command")
    done
    gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'set confirm off' "${args[@]}" \
        --args "$work/switch" plainly 2>&1
}

run_gdb 'break innermost' run bt >"$work/out" || true
grep -q 'Breakpoint 1, ' "$work/out" || { echo "skipped: gdb can't run programs here"; exit 77; }
! grep -qE 'Backtrace stopped|corrupt|previous frame' "$work/out" || fail "$(cat "$work/out")"
grep -E '^#' "$work/out" | tail -1 | grep -q wf_ctx_trampoline ||
    fail "the outermost frame is not wf_ctx_trampoline: $(cat "$work/out")"

# Each backtrace ends in main or in the trampoline. 80 instructions cover the switch there and the
# first ones after it.
steps=(); for _ in $(seq 80); do steps+=(bt stepi); done
run_gdb 'break innermost' run 'break wf_ctx_swap' continue "${steps[@]}" >"$work/out" || true
awk '
    /Backtrace stopped|corrupt|previous frame|^#.* \?\? \(\)/ { bad = 1; print }
    /^#0/ { if (last != "") check(); }
    /^#/  { last = $0 }
    function check() {
        n++
        if (last !~ / (main \(argc|wf_ctx_trampoline \(\))/) { bad = 1; print "ends at " last }
    }
    END { check(); if (n < 50) { print "only " n " backtraces"; bad = 1 } exit bad }
' "$work/out" || fail "$(grep -v '^#' "$work/out" | tail -5)"
