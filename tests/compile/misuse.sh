#!/usr/bin/env bash
# misuse.sh CC [bare FLOOR]: for each case in misuse/*.txt, CC takes the right lines without a
# warning and refuses the wrong ones, in each standard.
#
# A case is a name, its right lines (+), its wrong lines (-) and, where the compiler's words matter,
# what it has to say about them (?), an extended regular expression. Cases of definitions.txt stand
# at file scope, those of the other lists in a function, after the declarations of misuse/prelude.h.
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

# NAME.wrong.c for each case; NAME.right.c for a definition, and LIST.right.c with a function for
# each call, since those don't clash. NAME.says has the expected words.
for list in $(cd "$here/misuse" && basename -s .txt ./*.txt); do
    awk -v dir="$work" -v list=$list -v is_call="$([ $list = definitions ] && echo 0 || echo 1)" '
    function put(file, lines) {
        if (is_call)
            lines = "int check_" name "(void);\nint check_" name "(void)\n{\n    MISUSE_LOCALS\n" \
                lines "    return rc;\n}"
        if (!(file in started))
            print "#include \"prelude.h\"" >file
        started[file] = 1
        print "#line 1 \"" name "\"\n" lines >file
        if (file != dir "/" list ".right.c")
            close(file)
    }
    function finish() {
        if (name == "")
            return
        if (right == "" || wrong == "") {
            print FILENAME ": " name " needs a right and a wrong line" >"/dev/stderr"
            exit 1
        }
        put(dir "/" name ".wrong.c", wrong)
        put(is_call ? dir "/" list ".right.c" : dir "/" name ".right.c", right)
        if (says != "") {
            print says >(dir "/" name ".says")
            close(dir "/" name ".says")
        }
        name = right = wrong = says = ""
    }
    /^\+ / { right = right substr($0, 3) "\n"; next }
    /^- /  { wrong = wrong substr($0, 3) "\n"; next }
    /^\? / { says = substr($0, 3); next }
    /^$/ || /^#/ { next }
    { finish(); name = $1 }
    END { finish() }' "$here/misuse/$list.txt"
done

# try FILE STD: one word, or what is wrong with this file in this standard.
try() {
    local file=$1 std=$2 name log is_refused=false
    name=$(basename "$file" .c)
    log=$work/$name.$std
    "$cc" "-std=$std" -O1 "${warnings[@]}" "-I$include" "-I$here/misuse" -c "$file" -o /dev/null \
        2>"$log" || is_refused=true
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
for file in "$work"/*.c; do
    for std in "${stds[@]}"; do
        try "$file" "$std" >"$file.$std.result" &
        running=$((running + 1))
        [ "$running" -lt "$(nproc)" ] || { wait -n; running=$((running - 1)); }
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
