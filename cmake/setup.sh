#!/usr/bin/env bash
# setup.sh PROFILE...: installs what is missing on Debian or Ubuntu, as root or by sudo, and asks
# nothing. Does nothing when nothing is missing.
#
#   demo    what building the library and the examples needs
#   tests   and what the tests need
#   ci      and what .ci/run needs; parts a distribution does not have are left out by name
#   bench   demo, and the peers that tests/bench measures; those it does not have are left out
set -euo pipefail

say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

packages=()
optional=()
# need COMMAND PACKAGE: the package is installed when the command is not there.
need() { have "$1" || packages+=("$2"); }
wish() { have "$1" || optional+=("$2"); }

demo() {
    need gcc gcc
    # A compiler alone can't link: the C library's files come in a package of their own.
    [ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
    need cmake cmake
    have ninja || need make make
    need pkg-config pkg-config
}

tests() {
    demo
    { have pkg-config && pkg-config --exists 'check >= 0.15'; } || packages+=(check)
    need g++ g++
    wish clang clang
    wish valgrind valgrind
    wish gdb gdb
    [ -e /usr/include/sqlite3.h ] || optional+=(libsqlite3-dev)
    wish python3 python3
    { have pkg-config && pkg-config --exists 'libcurl >= 7.68'; } ||
        optional+=(libcurl4-openssl-dev)
    wish nginx nginx-light
    wish openssl openssl
}

ci() {
    tests
    need clang clang
    need valgrind valgrind
    need python3 python3
    need pkill procps
    wish clang-format clang-format
    wish clang-tidy clang-tidy
    wish qemu-aarch64 qemu-user
    wish aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
    # Which alone has no headers and can't link.
    [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || optional+=(libc6-dev-arm64-cross)
    # Clang's sanitizers are a package of their own from version 14 on.
    if have clang; then
        local version
        version=$(clang -dumpversion | cut -d. -f1)
        [ -n "$(find "$(clang -print-resource-dir)" -name 'libclang_rt.asan*.a' 2>/dev/null)" ] ||
            optional+=("libclang-rt-$version-dev")
    else
        optional+=(libclang-rt-dev)
    fi
}

bench() {
    demo
    need python3 python3
    wish g++ g++
    wish go golang-go
    wish rustc rustc
    wish cargo cargo
    local crate
    for crate in crossbeam-channel tokio tokio-stream futures-util; do
        compgen -G "/usr/share/cargo/registry/$crate-[0-9]*" >/dev/null ||
            optional+=("librust-$crate-dev")
    done
    [ -e /usr/include/boost/fiber/all.hpp ] || optional+=(libboost-fiber-dev)
    [ -e /usr/include/glib-2.0/glib.h ] || optional+=(libglib2.0-dev)
    [ -e /usr/include/uv.h ] || optional+=(libuv1-dev)
    /usr/bin/python3 -c 'import aiofiles' 2>/dev/null || optional+=(python3-aiofiles)
    /usr/bin/python3 -c 'import aiohttp' 2>/dev/null || optional+=(python3-aiohttp)
    [ -x /usr/sbin/nginx ] || wish nginx nginx-light
    wish wrk wrk
    wish h2load nghttp2-client
}

[ $# -gt 0 ] || set -- demo
for profile; do
    case $profile in
    demo | tests | ci | bench) "$profile" ;;
    *) say "no profile '$profile' (demo, tests, ci, bench)" && exit 2 ;;
    esac
done
[ $((${#packages[@]} + ${#optional[@]})) -gt 0 ] || exit 0

wanted="${packages[*]}"
if ! have apt-get; then
    [ ${#packages[@]} -gt 0 ] || exit 0
    say "no apt-get here; please install by hand: $wanted" && exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! have sudo || ! sudo -n true 2>/dev/null; then
        [ ${#packages[@]} -gt 0 ] || exit 0
        say "not root and no sudo without a password; please run: apt-get install -y $wanted"
        exit 1
    fi
    as_root=(sudo -n)
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o APT::Update::Error-Mode=any "$@" </dev/null
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
fail() {
    tail -n 15 "$log" >&2
    say "$1"
    exit 1
}

apt update >"$log" 2>&1 || { sleep 3 && apt update >"$log" 2>&1; } || say "apt-get update failed"
if [ ${#packages[@]} -gt 0 ]; then
    say "installing: $wanted"
    apt install --no-install-recommends "${packages[@]}" >"$log" 2>&1 ||
        fail "apt-get install failed: $wanted"
fi
for package in "${optional[@]}"; do
    say "installing: $package"
    apt install --no-install-recommends "$package" >"$log" 2>&1 ||
        say "$package is not to be had here; what needs it is left out"
done
