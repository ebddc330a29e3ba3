# awk -v name=NAME -f plant.awk BUGS SOURCE: the source with that bug in it. Where the lines
# that it replaces are not there, or are there more than once, it says so and ends with 1.
function trimmed(line) {
    gsub(/^[ \t]+|[ \t]+$/, "", line)
    return line
}
function complain(text) {
    print FILENAME ": bug '" name "' of planted/: " text >"/dev/stderr"
    failed = 1
    exit 1
}
# The lines from i on are those that are replaced.
function fits(i,    k) {
    for (k = 1; k <= n_was; k++)
        if (trimmed(line[i + k - 1]) != was[k])
            return 0
    return 1
}

FNR == NR {
    if (/^#/ || NF == 0)
        next
    rest = $0
    sub(/^[a-z]+[ \t]*/, "", rest)
    if ($1 == "planted")
        is_it = rest == name
    else if (is_it && $1 == "was")
        was[++n_was] = trimmed(rest)
    else if (is_it && $1 == "now")
        now[++n_now] = rest
    else if (is_it && $1 == "within")
        within = rest
    next
}
{ line[++n_lines] = $0 }

END {
    if (failed)
        exit 1
    if (n_was == 0)
        complain("no such bug")
    first = 1
    if (within != "") {
        while (first <= n_lines && index(line[first], within) == 0)
            first++
        if (first > n_lines)
            complain("'" within "' is not in the source any more")
    }
    for (i = first; i <= n_lines; i++)
        if (fits(i)) {
            at = at == 0 ? i : at
            n_found++
        }
    if (n_found == 0)
        complain("'" was[1] "' is not in the source any more")
    if (n_found > 1 && within == "")
        complain("'" was[1] "' is in the source " n_found " times")
    for (i = 1; i <= n_lines; i++) {
        if (i == at)
            for (k = 1; k <= n_now; k++)
                print now[k]
        if (i < at || i >= at + n_was)
            print line[i]
    }
}
