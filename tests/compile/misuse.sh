#!/usr/bin/env bash
# misuse.sh CC [bare FLOOR]: for each case in misuse/*.txt, CC takes the right lines without a
# warning and refuses the wrong ones, in each standard.
#
# A case is a name, its right lines (+), its wrong lines (-) and, where the compiler's words matter,
# what it has to say about them (?), an extended regular expression. Cases of calls.txt stand in a
# function, after the declarations of misuse/prelude.h; cases of definitions.txt at file scope.
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

# One file a case, the wrong lines behind -DMISUSE.
for list in calls definitions; do
    awk -v dir="$work" -v in_body="$([ $list = calls ] && echo 1 || echo 0)" '
    function finish() {
        if (name == "")
            return
        if (right == "" || wrong == "") {
            print FILENAME ": " name " needs a right and a wrong line" >"/dev/stderr"
            exit 1
        }
        file = dir "/" name ".c"
        print "#include \"prelude.h\"" >file
        if (in_body)
            print "int check(void);\nint check(void)\n{\n    MISUSE_LOCALS" >file
        print "#ifdef MISUSE\n" wrong "#else\n" right "#endif" >file
        if (in_body)
            print "    return rc;\n}" >file
        close(file)
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

# try FILE STD: says what is wrong with this case in this standard, or "refused" when nothing is.
try() {
    local file=$1 std=$2 name log
    name=$(basename "$file" .c)
    log=$work/$name.$std
    local compile=("$cc" "-std=$std" -O1 "${warnings[@]}" "-I$include" "-I$here/misuse" -c "$file"
        -o /dev/null)
    "${compile[@]}" 2>"$log" || {
        echo "$name ($cc -std=$std): the right lines do not compile: $(grep -m1 error "$log")"
        return
    }
    if "${compile[@]}" -DMISUSE 2>"$log"; then
        echo "$name ($cc -std=$std): the wrong lines compile"
    elif [ -e "$work/$name.says" ] && ! grep -qEf "$work/$name.says" "$log"; then
        echo "$name ($cc -std=$std): does not say '$(cat "$work/$name.says")': $(grep -m1 error "$log")"
    else
        echo "refused"
    fi
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
cases=$(find "$work" -name '*.result' | wc -l)
refused=$(cat "$work"/*.result | grep -c '^refused$' || true)
cat "$work"/*.result | grep -v '^refused$' || true
echo "$refused of $cases refused"
if [ "$bare" = bare ]; then
    [ "$refused" -ge "$floor" ]
else
    [ "$cases" -gt 0 ] && [ "$refused" -eq "$cases" ]
fi
