#!/usr/bin/env bash
# headers.sh CC CXX: each public header compiles alone, as C and as C++, without a warning, twice
# over; and none has grown past what is read in one go.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1 cxx=$2
need "$cc" "$cxx"
limit=250
bad=0

cd "$include"
for header in weft.h weft/*.h; do
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cpp"
    for std in gnu11 gnu2x c11; do
        "$cc" -std=$std "${warnings[@]}" -Wmissing-prototypes -I. -fsyntax-only "$work/alone.c" || {
            echo "include/$header does not compile alone: $cc -std=$std"
            bad=1
        }
    done
    for std in c++17 gnu++20; do
        "$cxx" -std=$std -Wall -Wextra -Wpedantic -Wshadow -Wold-style-cast -Werror -I. \
            -fsyntax-only "$work/alone.cpp" || {
            echo "include/$header does not compile alone: $cxx -std=$std"
            bad=1
        }
    done
    lines=$(wc -l <"$header")
    [ "$lines" -lt $limit ] || {
        echo "include/$header: $lines lines, $limit or more: one noun a header"
        bad=1
    }
done
exit $bad
