#!/usr/bin/env bash
# emulated.sh CC EMULATOR...: the switch on another CPU, every register of it.
set -euo pipefail
source "$(dirname "$0")/common.sh"
cc=$1
shift
need "$cc" "$1"
need_headers "$cc"
for flags in '-O0' '-O2 -mbranch-protection=standard'; do
    read -ra list <<<"$flags"
    build_switch "$cc" -static "${list[@]}"
    said=$("$@" "$work/switch") || fail "$flags: $said"
    [ "$said" = ok ] || fail "$flags: $said"
done
