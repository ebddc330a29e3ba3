#!/usr/bin/env bash
# sim_program.sh PROGRAM: what a program does that links weft::sim: its schedule is WEFT_SEED's, to
# the last switch, its time is virtual, and a run that is stuck says so with its seed.
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ulimit -c 0

fail() {
    echo "$*"
    exit 1
}

# The result is the main task's.
status=0
"$program" code || status=$?
[ "$status" -eq 42 ] || fail "exit status $status, not 42"

# Eleven days take no time.
[ "$("$program" sleep)" = 1000000 ] || fail "the clock is not virtual"

# One seed is one run, whatever the addresses; many seeds are many orders.
for seed in 1 2 3 4 5; do
    for round in 1 2 3; do
        WEFT_SEED=$seed WEFT_TRACE=1 "$program" race >"$work/$seed.$round" 2>&1 ||
            fail "seed $seed: $(tail -n 5 "$work/$seed.$round")"
        cmp "$work/$seed.1" "$work/$seed.$round" || fail "seed $seed: round $round is another run"
    done
    [ "$(wc -l <"$work/$seed.1")" -gt 20 ] || fail "WEFT_TRACE=1 prints no switches"
    WEFT_SEED=$seed "$program" race
done >"$work/orders"
[ "$(sort -u "$work/orders" | wc -l)" -ge 3 ] || fail "all seeds are one order: $(cat "$work/orders")"
while read -r order; do
    [ "$(fold -w 1 <<<"$order" | sort | tr -d '\n')" = aaaaaabbbbbbccccccdddddd ] ||
        fail "something was lost or doubled: $order"
done <"$work/orders"
[ "$("$program" race)" = "$(WEFT_SEED=1 "$program" race)" ] || fail "without a seed it is not seed 1"

# What goes on for ever is a failure that can be had again.
status=0
WEFT_SEED=7 "$program" spin 2>"$work/stuck" || status=$?
[ "$status" -eq 134 ] || fail "a livelock ends with status $status: $(tail -n 5 "$work/stuck")"
grep -q 'weft: fatal: the simulated run is stuck: .*; WEFT_SEED=7' "$work/stuck" ||
    fail "it does not say so: $(tail -n 5 "$work/stuck")"
grep -q '"main"' "$work/stuck" || fail "there is no dump: $(cat "$work/stuck")"
