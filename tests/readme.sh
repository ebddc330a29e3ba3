#!/usr/bin/env bash
# readme.sh ROOT: the C in README.md is cut from the examples, and its links lead somewhere.
#
# Each block of C follows a comment that names a file, which has those lines, one after the other.
set -euo pipefail
cd "$1"

awk '
function complain(text) { print "README.md:" FNR ": " text; bad = 1 }
function content(file,    all, line) {
    all = "\n"
    while ((getline line <file) > 0)
        all = all line "\n"
    close(file)
    return all
}
/^```c$/ {
    if (source == "")
        complain("a block of C without <!-- file --> before it")
    in_c = 1
    block = "\n"
    next
}
in_c && /^```$/ {
    if (source != "" && index(content(source), block) == 0)
        complain("this block is not in " source)
    in_c = 0
}
in_c { block = block $0 "\n"; next }
{ source = "" }
/^<!-- .* -->$/ { source = $2 }
END { exit bad }' README.md

bad=0
while read -r target; do
    [ -e "$target" ] || { echo "README.md: no $target" && bad=1; }
done < <(grep -oE '\]\([^)#]+\)' README.md | tr -d '])(' | grep -v '^http')
exit $bad
