#!/usr/bin/env bash
# misuse.sh CC [bare FLOOR]: for each case in misuse/*.txt, CC takes the right lines without a
# warning and refuses the wrong ones, in each standard.
#
# A case is a name, its right lines (+), its wrong lines (-) and, where the compiler's words matter,
# what it has to say about them (?), an extended regular expression. Cases of definitions.txt stand
# at file scope, those of the other lists in a function, after the declarations of misuse/prelude.h.
#
# A compiler goes on after an error, so most wrong lines are refused together, by one run; what it
# lets pass there is tried alone.
#
# With "bare", no warning is on but the three that a careful program makes errors even without
# -Wall, and at least FLOOR cases have to be refused.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1 bare=${2:-} floor=${3:-0}
need "$cc"

stds=(gnu11 gnu2x)
if [ "$bare" = bare ]; then
    stds=(gnu11)
    warnings=(-Werror=incompatible-pointer-types -Werror=int-conversion)
    case $cc in
    *clang*) warnings+=(-Werror=incompatible-pointer-types-discards-qualifiers) ;;
    *) warnings+=(-Werror=discarded-qualifiers) ;;
    esac
fi

# NAME.wrong.c and NAME.right.c for each case, NAME.says with the expected words. `calls` has the
# names of those in functions, of which each has its own; `silent` those of them without such words.
touch "$work/calls" "$work/silent"
for list in $(cd "$here/misuse" && basename -s .txt ./*.txt); do
    awk -v dir="$work" -v is_call="$([ "$list" = definitions ] && echo 0 || echo 1)" '
    function put(kind, lines, file) {
        file = dir "/" name "." kind ".c"
        if (is_call)
            lines = "int check_" name "_" kind "(void);\nint check_" name "_" kind \
                "(void)\n{\n    MISUSE_LOCALS\n" lines "    return rc;\n}"
        print "#line 1 \"" name "." kind "\"\n" lines >file
        close(file)
    }
    function finish() {
        if (name == "")
            return
        if (right == "" || wrong == "") {
            print FILENAME ": " name " needs a right and a wrong line" >"/dev/stderr"
            exit 1
        }
        put("wrong", wrong)
        put("right", right)
        if (says != "") {
            print says >(dir "/" name ".says")
            close(dir "/" name ".says")
        }
        if (is_call)
            print name >>(dir "/calls")
        if (is_call && says == "")
            print name >>(dir "/silent")
        name = right = wrong = says = ""
    }
    /^\+ / { right = right substr($0, 3) "\n"; next }
    /^- /  { wrong = wrong substr($0, 3) "\n"; next }
    /^\? / { says = substr($0, 3); next }
    /^$/ || /^#/ { next }
    { finish(); name = $1 }
    END { finish() }' "$here/misuse/$list.txt"
done
sed "s|.*|$work/&.right.c|" "$work/calls" | xargs cat >"$work/all_calls.right.c"

# compile FILE STD OUTPUT ARGUMENT...
compile() {
    local file=$1 std=$2 output=$3
    shift 3
    "$cc" "-std=$std" -O1 "${warnings[@]}" "-I$include" "$@" "$file" -o "$output"
}

# prepare STD: the declarations, precompiled where -include of their name finds that.
prepare() {
    mkdir "$work/$1"
    cp "$here/misuse/prelude.h" "$work/$1/"
    compile "$work/$1/prelude.h" "$1" "$work/$1/prelude.h.gch" -x c-header
}

# together STD: wrong calls in one file, each before its right lines, which show that no error
# reaches beyond its own function: else none counts. Errors keep later warnings from being looked
# for, so it is done again with what was not refused, until nothing is. The rest is tried alone.
together() {
    local std=$1 file=$work/$1.together.c log=$work/$1.together.log name
    local where=(-ferror-limit=0 -fno-caret-diagnostics)
    case $cc in
    *clang*) ;;
    *) where=(-ftrack-macro-expansion=0 -fno-diagnostics-show-caret) ;; # errors lie where a macro is used
    esac
    cp "$work/silent" "$work/$std.alone"
    while
        while read -r name; do
            cat "$work/$name.wrong.c" "$work/$name.right.c"
        done <"$work/$std.alone" >"$file"
        compile "$file" "$std" /dev/null -include "$work/$std/prelude.h" "${where[@]}" -c 2>"$log" ||
            true
        sed -nE 's/^([^:]*)\.wrong:[0-9:]+ (fatal )?error:.*/\1/p' "$log" | sort -u >"$log.refused"
        ! grep -qE '^[^:]*\.right:[0-9:]+ (fatal )?error:' "$log" && [ -s "$log.refused" ]
    do
        while read -r name; do
            echo refused >"$work/$name.wrong.c.$std.result"
        done <"$log.refused"
        grep -vxFf "$log.refused" "$work/$std.alone" >"$work/$std.left" || true
        mv "$work/$std.left" "$work/$std.alone"
    done
}

# try FILE STD: one word, or what is wrong with this file in this standard.
try() {
    local file=$1 std=$2 name log is_refused=false
    name=$(basename "$file" .c)
    log=$work/$name.$std
    compile "$file" "$std" /dev/null -include "$work/$std/prelude.h" -c 2>"$log" || is_refused=true
    case $file in
    *right.c)
        if $is_refused; then
            echo "$name ($cc -std=$std): right lines do not compile: $(grep -m1 error "$log")"
        else
            echo taken
        fi ;;
    *)
        local says=$work/${name%.wrong}.says
        if ! $is_refused; then
            echo "$name ($cc -std=$std): compiles"
        elif [ -e "$says" ] && ! grep -qEf "$says" "$log"; then
            echo "$name ($cc -std=$std): does not say '$(cat "$says")': $(grep -m1 error "$log")"
        else
            echo refused
        fi ;;
    esac
}

running=0
# start COMMAND...: in the background, as many at a time as there are CPUs.
start() {
    [ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
    "$@" &
    running=$((running + 1))
}
start_try() {
    start try "$1" "$2" >"$1.$2.result"
}

for std in "${stds[@]}"; do
    prepare "$std"
    start together "$std"
done
wait
running=0
for std in "${stds[@]}"; do
    start_try "$work/all_calls.right.c" "$std"
    for file in "$work"/*.wrong.c; do
        name=$(basename "$file" .wrong.c)
        [ -e "$file.$std.result" ] || start_try "$file" "$std"
        grep -qxF "$name" "$work/calls" || start_try "${file%.wrong.c}.right.c" "$std"
    done
done
wait
cat "$work"/*.result >"$work/results"
cases=$(find "$work" -name '*.wrong.c.*.result' | wc -l)
refused=$(grep -xc refused "$work/results" || true)
grep -vxE 'refused|taken' "$work/results" || true
echo "$refused of $cases refused"
[ "$bare" = bare ] || floor=$cases
[ "$cases" -gt 0 ] && [ "$refused" -ge "$floor" ] &&
    ! grep -q 'right lines do not compile' "$work/results"
