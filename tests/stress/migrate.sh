#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# migrate.sh COMPILER: builds the library's sources and migrate_test.c, optimised in several ways,
# and runs each. A file of its own hides the accessors of plat/self.h from a compiler; link-time
# optimisation takes that away, and what is left must hold.
set -u
compiler=$1
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not installed"; exit 77; }

ways=("-O2" "-O3" "-O2 -flto" "-O3 -flto")
cd "$root" || exit 1
switch=$(find lib/plat/arch -name "$(uname -m)_*.S")
sources="$switch $(find lib/plat lib/base lib/sched lib/chan lib/sync lib/task lib/blocking -name '*.c' \
    ! -name 'sim*.c' ! -name ctx_ucontext.c)"
sources+=" $(find tests/harness -name '*.c') tests/stress/migrate_test.c"
[ -n "$switch" ] || { echo "skipped: no assembly for $(uname -m)"; exit 77; }
flags="-std=gnu11 -pthread -D_GNU_SOURCE=1 -DWEFT_CHECK=3 -Iinclude -Ilib -Itests/harness"
flags+=" $(pkg-config --cflags check)"

can_link_lto() {
    echo 'int main(void) { return 0; }' >"$work/probe.c"
    "$compiler" -flto $lto_linker "$work/probe.c" -o "$work/probe" 2>/dev/null
}

build_and_run() {
    local way=$1 linker=$2 folder
    folder=$work/$(tr -d ' ' <<<"$way")
    mkdir "$folder"
    # shellcheck disable=SC2086
    for source in $sources; do
        echo "$compiler $flags $way -c $source -o $folder/$(tr / _ <<<"$source").o"
    done | xargs -d '\n' -P "$(nproc)" -I '{}' sh -c '{}' || return 1
    # shellcheck disable=SC2046,SC2086
    "$compiler" -pthread $way $linker "$folder"/*.o $(pkg-config --libs check) -o "$folder/test" ||
        return 1
    "$folder/test" >"$folder/log" 2>&1 || { cat "$folder/log"; return 1; }
}

failed=0
for way in "${ways[@]}"; do
    linker=
    if [[ $way == *-flto* ]]; then
        for lto_linker in "" "-fuse-ld=lld" none; do
            [ "$lto_linker" != none ] && can_link_lto && break
        done
        [ "$lto_linker" = none ] && { echo "$compiler $way: skipped, it can't link so here"; continue; }
        linker=$lto_linker
    fi
    if build_and_run "$way" "$linker"; then
        echo "$compiler $way: passed"
    else
        echo "$compiler $way: FAILED"
        failed=1
    fi
done
exit $failed
