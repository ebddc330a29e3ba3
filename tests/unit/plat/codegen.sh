#!/usr/bin/env bash
# codegen.sh CC: the compiler asks for the errno and the self of the running thread again after a
# call that may have moved the task to another one, and does not reuse what it knew before.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1
need "$cc" objdump
need_headers "$cc"
case $("$cc" -dumpmachine) in
x86_64*) call='call' thread_pointer='%fs:' objdump=objdump ;;
aarch64*) call='bl' thread_pointer='tpidr_el0' objdump=aarch64-linux-gnu-objdump ;;
*) echo "skipped: unknown CPU"; exit 77 ;;
esac
need "$objdump"

cat >"$work/probe.c" <<'EOF'
#include "plat/ctx.h"
#include "plat/self.h"
#include <weft/base.h>

int probe_errno(struct wf_ctx *from, struct wf_ctx *to);
int probe_public(struct wf_ctx *from, struct wf_ctx *to);
int probe_self(struct wf_ctx *from, struct wf_ctx *to);

int probe_errno(struct wf_ctx *from, struct wf_ctx *to)
{
    int before = *wf_errno_location();
    wf_ctx_switch(from, to);
    return before + *wf_errno_location();
}

int probe_public(struct wf_ctx *from, struct wf_ctx *to)
{
    int before = errno;
    wf_ctx_switch(from, to);
    return before + errno;
}

int probe_self(struct wf_ctx *from, struct wf_ctx *to)
{
    void *before = wf_self_get();
    wf_ctx_switch(from, to);
    return before == wf_self_get();
}
EOF
cat >"$work/rest.c" <<'EOF'
#include "plat/ctx.h"
#include "plat/self.h"
int *weft_errno_location(void);
int *weft_errno_location(void) { return wf_errno_location(); }
void wf_ctx_swap(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp)
{
    __asm__ volatile("" ::"r"(from_sp), "r"(to_sp) : "memory");
}
EOF

# expect FILE PROBE PATTERN: two such instructions in the probe.
expect() {
    local n
    n=$("$objdump" -d --no-show-raw-insn "$1" | awk -v start="<$2>:" '
        index($0, start) { on = 1; next } /^$/ { on = 0 } on' | grep -cE "$3" || true)
    [ "$n" = 2 ] || fail "$cc $flags: $2 has '$3' $n times"
}

for flags in -O1 -O2 -O3 '-O2 -fPIC' '-O3 -flto' '-O2 -flto -fPIC'; do
    read -ra list <<<"$flags"
    if [[ $flags == *-flto* ]]; then
        "$cc" -flto -x c -c /dev/null -o /dev/null 2>/dev/null || continue
    fi
    shared=()
    [[ $flags != *-fPIC* ]] || shared=(-shared)
    for source in "$work/probe.c" "$work/rest.c" "$root/lib/plat/errno.c" "$root/lib/plat/self.c"; do
        "$cc" -std=gnu11 -D_GNU_SOURCE=1 "${list[@]}" -I"$root/lib" -I"$root/include" -c "$source" \
            -o "$work/$(basename "$source").o"
    done
    # Linked: with -flto the calls are decided only then.
    "$cc" "${list[@]}" "${shared[@]}" -nostartfiles -Wl,-e,probe_self -Wl,-u,probe_errno \
        -Wl,-u,probe_public -o "$work/linked" "$work"/*.o -pthread 2>"$work/log" ||
        { [[ $flags == *-flto* ]] && echo "no LTO with $cc: $(head -1 "$work/log")" && continue; }
    expect "$work/linked" probe_errno "$call.*<wf_errno_location"
    expect "$work/linked" probe_self "$thread_pointer"
    expect "$work/linked" probe_public "$call.*<(wf|weft)_errno_location"
done
