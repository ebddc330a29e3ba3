# Shared by the scripts of this folder, which are tests: exit 0 passed, 1 failed, 77 skipped.
export LC_ALL=C # the words of compilers and of readelf are looked for
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
include=$(realpath "$here/../../include")
warnings=(-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wcast-align -Werror)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# need COMPILER...: skips the test unless all of them are installed.
need() {
    local compiler
    for compiler; do
        command -v "$compiler" >/dev/null || { echo "skipped: $compiler is not installed"; exit 77; }
    done
}

# jobs_in FILE: runs each line of FILE as a command, as many at a time as there are CPUs.
jobs_in() {
    xargs -d '\n' -P "$(nproc)" -I '{}' bash -c '{}' <"$1"
}
