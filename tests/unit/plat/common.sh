# Shared by the scripts of this folder, which are tests: exit 0 passed, 1 failed, 77 skipped.
export LC_ALL=C # the words of compilers and of readelf are looked for
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
root=$(realpath "$here/../../..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# need PROGRAM...: skips the test unless all of them are installed.
need() {
    local program
    for program; do
        command -v "$program" >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
    done
}

# need_headers CC: skips the test unless it has a C library's.
need_headers() {
    echo '#include <stdint.h>' | "$1" -fsyntax-only -xc - 2>/dev/null ||
        { echo "skipped: $1 has no headers"; exit 77; }
}

fail() {
    echo "$*"
    exit 1
}

# build_switch CC FLAG...: the context switch and a small program that uses it, as $work/switch.
build_switch() {
    local cc=$1 arch
    shift
    case $("$cc" -dumpmachine) in
    x86_64*) arch=x86_64_sysv_elf ;;
    aarch64*) arch=aarch64_aapcs_elf ;;
    *) echo "skipped: no assembly for $("$cc" -dumpmachine)"; exit 77 ;;
    esac
    "$cc" -std=gnu11 -D_GNU_SOURCE=1 -I"$root/lib" "$@" -o "$work/switch" \
        "$here/switch_program.c" "$here/ctx_pattern.S" "$root/lib/plat/ctx.c" \
        "$root/lib/plat/arch/$arch.S"
}
