#!/usr/bin/env bash
# plant.sh NAME SOURCE OUT ERROR: writes SOURCE with the bug NAME of planted/ in it to OUT. If that
# can't be done OUT is SOURCE as it is, and ERROR, otherwise empty, says why.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$(dirname "$3")"
if ! cat "$here"/planted/*.txt | awk -v name="$1" -f "$here/plant.awk" - "$2" >"$3" 2>"$4"; then
    cat "$4" >&2
    cp "$2" "$3"
fi
