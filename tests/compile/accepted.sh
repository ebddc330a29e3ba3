#!/usr/bin/env bash
# accepted.sh CC CXX: the programs in accepted/ compile without a warning, in each standard,
# optimised and not, and as a program sees an installed weft (-isystem).
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1 cxx=$2
need "$cc" "$cxx"

for source in "$here"/accepted/*.c; do
    for std in gnu11 gnu2x; do
        for level in -O0 -O2; do
            for how in -I -isystem; do
                echo "$cc -std=$std $level ${warnings[*]} -Wmissing-prototypes $how '$include'" \
                    "-c '$source' -o /dev/null"
            done
        done
    done
done >"$work/jobs"
for source in "$here"/accepted/*.cpp; do
    echo "$cxx -std=c++17 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror" \
        "-I '$include' -c '$source' -o /dev/null"
done >>"$work/jobs"
jobs_in "$work/jobs" || { echo "$cc or $cxx refuses what has to compile"; exit 1; }
