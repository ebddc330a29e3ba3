#!/usr/bin/env bash
# jump.sh CC: a function that returns by a jump returns, whatever the options; two files have one, and
# optimised at link time they are one file, or more than two.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1
need "$cc"

for name in one two; do
    cat >"$work/$name.c" <<EOF
#include "plat/jump.h"
int $name(int n);
__attribute__((noinline)) WF_RETURNS_BY_JUMP int $name(int n)
{
    return n + 1;
}
EOF
done
cat >"$work/main.c" <<'EOF'
int one(int n);
int two(int n);
int main(int argc, char **argv)
{
    (void)argv;
    return one(argc) + two(argc) - 4;
}
EOF

for flags in -O0 '-O2 -fcf-protection=branch' '-O2 -flto' '-O2 -flto -flto-partition=1to1'; do
    read -ra list <<<"$flags"
    "$cc" "${list[@]}" -x c -c /dev/null -o /dev/null 2>/dev/null || continue
    "$cc" -std=gnu11 "${list[@]}" -I"$root/lib" -I"$root/include" -o "$work/linked" "$work"/*.c 2>"$work/log" ||
        fail "$cc $flags: $(head -3 "$work/log")"
    "$work/linked" || fail "$cc $flags: a wrong result"
done
