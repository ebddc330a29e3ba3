#!/usr/bin/env bash
# planted.sh PROGRAM TEST SEEDS SCHEDULE...: the program has a bug planted; each of the schedules must
# let the test fail within so many seeds. PROGRAM.error: why the bug could not be planted.
#
# A schedule is random-strong, random-weak, pct-strong or pct-weak. With WEFT_PLANTED_ALL=1 all four
# are tried, and none has to find it: for the table in README.md.
set -euo pipefail
program=$1
test=$2
seeds=$3
shift 3
if [ -s "$program.error" ]; then
    cat "$program.error"
    exit 1
fi
if [ -n "${WEFT_PLANTED_ALL:-}" ]; then
    set -- random-strong pct-strong random-weak pct-weak
fi

export WT_TIMEOUT=${WT_TIMEOUT:-20}
rc=0
for schedule; do
    pct=0
    weak=0
    case $schedule in pct-*) pct=3 ;; esac
    case $schedule in *-weak) weak=1 ;; esac
    said=$("$program" --seeds "$seeds" --pct "$pct" --weak "$weak" "$test" 2>&1) && found=0 || found=$?
    seed=$(sed -nE 's/^seed ([0-9]+): rerun.*/\1/p' <<<"$said" | head -n 1)
    if [ "$found" -ne 0 ] && [ -n "$seed" ]; then
        echo "$(basename "$program"): $schedule: found by seed $seed"
    else
        echo "$(basename "$program"): $schedule: not found by $seeds seeds"
        [ -n "${WEFT_PLANTED_ALL:-}" ] || rc=1
    fi
done
exit $rc
