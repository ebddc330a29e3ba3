# Prints FILE:LINE:TEXT for each line of the C files given, without comments and with the insides
# of strings and character constants left out, so that other checks see code only.
FNR == 1 { in_comment = 0 }
{
    out = ""
    s = $0
    while (s != "") {
        if (in_comment) {
            i = index(s, "*/")
            if (i == 0)
                break
            s = substr(s, i + 2)
            in_comment = 0
            out = out " "
        } else if (match(s, /\/\*|\/\/|"|'/)) {
            token = substr(s, RSTART, RLENGTH)
            out = out substr(s, 1, RSTART - 1)
            s = substr(s, RSTART + RLENGTH)
            if (token == "//")
                break
            if (token == "/*") {
                in_comment = 1
                continue
            }
            while (s != "" && substr(s, 1, 1) != token)
                s = substr(s, substr(s, 1, 1) == "\\" ? 3 : 2)
            s = substr(s, 2)
            out = out token token
        } else {
            out = out s
            s = ""
        }
    }
    print FILENAME ":" FNR ":" out
}
