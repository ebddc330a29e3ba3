#!/usr/bin/env bash
# headers.sh CC CXX: each public header compiles alone, as C and as C++, without a warning, twice
# over; and none has grown past what is read in one go.
#
# Alone in the strictest standard of each language, where the system's headers and the compiler add
# least of what a header may have forgotten to ask for; in the others all of them together.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1 cxx=$2
need "$cc" "$cxx"
limit=250
bad=0

# compiles WHAT STD HEADER...: whether they do, in this order.
compiles() {
    local what=$1 std=$2 file=$work/headers.c compiler=("$cc" "${warnings[@]}" -Wmissing-prototypes)
    shift 2
    if [[ $std == *++* ]]; then
        file=$work/headers.cpp
        compiler=("$cxx" -Wall -Wextra -Wpedantic -Wshadow -Wold-style-cast -Werror)
    fi
    printf '#include <%s>\n' "$@" >"$file"
    "${compiler[@]}" "-std=$std" "-I$include" -fsyntax-only "$file" || {
        echo "$what: ${compiler[0]} -std=$std"
        bad=1
    }
}

cd "$include"
headers=(weft.h weft/*.h)
for header in "${headers[@]}"; do
    for std in c11 c++17; do
        compiles "include/$header does not compile alone" $std "$header" "$header"
    done
    lines=$(wc -l <"$header")
    [ "$lines" -lt $limit ] || {
        echo "include/$header: $lines lines, $limit or more: one noun a header"
        bad=1
    }
done
for std in gnu11 gnu2x gnu++20; do
    compiles "the headers do not compile together" $std "${headers[@]}" "${headers[@]}"
done
exit $bad
