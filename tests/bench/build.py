"""Builds the programs that tests/bench/run measures, below build/bench, without a network."""
import collections
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "http"))
import servers  # noqa: E402: lies beside what it starts

ROOT = HERE.parents[1]
OUT = ROOT / "build" / "bench"
PEERS = HERE / "peers"
LAUNCH = OUT / "launch"
BUSY = OUT / "busy"
SERVER = OUT / "http-server"

# cases: {name: the other words of its line of --list}. Weft's line is `name n small_n flags`, a
# peer's `name divisor flags`: one that is slow does a part of the operations. commands: {name: the
# command}, for those of another program.
Program = collections.namedtuple("Program", "name command version cases commands", defaults=[{}])


class Missing(Exception):
    """Something that a peer needs is not installed."""


def need(command, package):
    if shutil.which(command) is None:
        raise Missing(package)


def run(*command, cwd=None, env=None):
    """Output of a command that has to succeed; what went wrong goes to stderr."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **(env or {})},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="", file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, str(command[0]))
    return done.stdout


def program(name, command, version):
    lines = [line.split() for line in run(*command, "--list").splitlines()]
    return Program(name, command, version.strip(), {words[0]: words[1:] for words in lines})


def is_fresh(made, sources):
    """Whether nothing has changed since it was made: so small a program needs no make."""
    return made.exists() and all(path.stat().st_mtime < made.stat().st_mtime for path in sources)


def helpers():
    OUT.mkdir(parents=True, exist_ok=True)
    sources = {LAUNCH: HERE / "launch.c", BUSY: HERE / "busy.c", SERVER: HERE / "http" / "server.c"}
    for made, source in sources.items():
        if not is_fresh(made, [source]):
            run("cc", "-O2", "-D_GNU_SOURCE", "-o", made, source)


def weft_build():
    out = OUT / "weft"
    out.mkdir(parents=True, exist_ok=True)
    generator = []
    if not (out / "CMakeCache.txt").exists() and shutil.which("ninja"):
        generator = ["-G", "Ninja"]
    run("cmake", "-S", ROOT, "-B", out, *generator, "-DCMAKE_BUILD_TYPE=Release", "-DWEFT_BENCH=ON",
        "-DWEFT_TESTS=OFF", "-DWEFT_EXAMPLES=OFF", "-DWEFT_WERROR=OFF")
    targets = run("cmake", "--build", out, "--target", "help")
    names = [name for name in ("weft-bench", "weft-http-bench") if re.search(rf"\b{name}\b", targets)]
    run("cmake", "--build", out, "--target", *names, "--parallel", os.cpu_count())
    return out / "tests" / "bench" / "weft-bench"


def weft_version():
    header = (ROOT / "include" / "weft" / "base.h").read_text()
    version = ".".join(re.findall(r"#define WEFT_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)", header))
    if (ROOT / ".git").exists():
        commit = run("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip()
        is_changed = run("git", "-C", ROOT, "status", "--porcelain", "lib", "include") != ""
        version += f" ({commit}{'+' if is_changed else ''})"
    return version


def weft(made=None):
    """weft's program: built now, or one that was made elsewhere."""
    helpers()
    if made is not None:
        return with_http(program("weft", [made], "not built here"))
    return with_http(program("weft", [weft_build()], weft_version()))


def with_http(found):
    """The cases of the program for HTTP that lies beside it, where there is a libcurl."""
    made = pathlib.Path(found.command[0]).with_name("weft-http-bench")
    if not made.exists():
        print("http cases: skipped, built without libcurl (tests/bench/run --install)", file=sys.stderr)
        return found
    if servers.find_nginx() is None:
        print("http cases: skipped, nginx is not installed (tests/bench/run --install)",
              file=sys.stderr)
        return found
    more = program("weft", [made], found.version).cases
    return found._replace(cases={**found.cases, **more}, commands=dict.fromkeys(more, [made]))


def before(made):
    """Another build of weft's program, as a peer."""
    found = with_http(program("before", [made], "another build"))
    return found._replace(cases={name: ["1", words[-1]] for name, words in found.cases.items()})


# ---- peers ---------------------------------------------------------------------------------------

def go():
    need("go", "golang-go")
    out = OUT / "go"
    env = {"GOCACHE": str(out / "cache"), "GOPATH": str(out / "path"), "GOPROXY": "off",
           "GOFLAGS": "-mod=mod", "GO111MODULE": "on", "GOTOOLCHAIN": "local"}
    run("go", "build", "-o", out / "bench", ".", cwd=PEERS / "go", env=env)
    return [program("go", [out / "bench"], run("go", "env", "GOVERSION").removeprefix("go"))]


CARGO_CONFIG = """[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
"""


def rust(name, crate, package):
    need("rustc", "rustc")
    need("cargo", "cargo")
    if not list(pathlib.Path("/usr/share/cargo/registry").glob(f"{crate}-[0-9]*")):
        raise Missing(package)
    # Cargo writes beside its manifest, so it gets a copy.
    out = OUT / "rust" / name
    shutil.copytree(PEERS / "rust" / name, out, dirs_exist_ok=True)
    shutil.copy2(PEERS / "rust" / "common.rs", out / "src")
    (out / ".cargo").mkdir(exist_ok=True)
    (out / ".cargo" / "config.toml").write_text(CARGO_CONFIG)
    run("cargo", "build", "--release", "--offline", "--quiet", cwd=out,
        env={"CARGO_HOME": str(OUT / "rust" / "home"), "CARGO_TARGET_DIR": str(out / "target"),
             "PATH": "/usr/bin:" + os.environ["PATH"]})  # the distribution's, if it has one
    lock = (out / "Cargo.lock").read_text()
    version = re.search(rf'name = "{crate}"\nversion = "([^"]+)"', lock).group(1)
    return [program(name, [out / "target" / "release" / f"bench-{name}"], version)]


def c_peer(name, folder, packages, debian, mode=None):
    need("cc", "gcc")
    flags, version = ["-pthread"], platform.libc_ver()[1]
    for package in packages:
        need("pkg-config", "pkg-config")
        if subprocess.run(["pkg-config", "--exists", package], check=False).returncode != 0:
            raise Missing(debian)
        flags += run("pkg-config", "--cflags", "--libs", package).split()
        version = run("pkg-config", "--modversion", package)
    out = OUT / name
    out.mkdir(parents=True, exist_ok=True)
    sources = sorted((PEERS / folder).glob("*.c"))
    if not is_fresh(out / "bench", [*sources, *PEERS.glob("*.h"), *(PEERS / folder).glob("*.h")]):
        run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-I", PEERS, "-o", out / "bench",
            *sources, *flags)
    return [program(name, [out / "bench", *([mode] if mode else [])], version)]


def boost():
    need("g++", "g++")
    if not pathlib.Path("/usr/include/boost/fiber/all.hpp").exists():
        raise Missing("libboost-fiber-dev")
    out = OUT / "boost"
    out.mkdir(parents=True, exist_ok=True)
    sources = sorted((PEERS / "boost").glob("*.cpp"))
    if not is_fresh(out / "bench", [*sources, *PEERS.glob("*.h")]):
        run("g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-pthread", "-I", PEERS,
            "-o", out / "bench", *sources, "-lboost_fiber", "-lboost_context")
    version = re.search(r'BOOST_LIB_VERSION "([^"]+)"',
                        pathlib.Path("/usr/include/boost/version.hpp").read_text()).group(1)
    return [program("boost.fiber", [out / "bench"], version.replace("_", "."))]


def python():
    # The distribution's, if it has one: this script may run in another.
    interpreter = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    version = run(interpreter, "--version").removeprefix("Python ")
    found = program("python", [interpreter, "-B", PEERS / "python" / "bench.py"], version)
    if not any(name.startswith("file_") for name in found.cases):
        print("python: file cases skipped, python3-aiofiles is not installed "
              "(tests/bench/run --install)", file=sys.stderr)
    return [found]


def curl():
    [found] = c_peer("curl", "curl", ["libcurl"], "libcurl4-openssl-dev", mode="poll")
    others = {"curl_poll": "poll", "curl_socket_action": "action", "curl_easy": "easy",
              "curl_easy_512k": "easy-512k"}
    return [program(name, [*found.command[:1], mode], found.version)
            for name, mode in others.items()]


def aiohttp():
    interpreter = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    found = subprocess.run([interpreter, "-c", "import aiohttp; print(aiohttp.__version__)"],
                           capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise Missing("python3-aiohttp")
    return [program("aiohttp", [interpreter, "-B", PEERS / "aiohttp" / "bench.py"], found.stdout)]


def load(name, package):
    need(name, package)
    return [program(name, [sys.executable, "-B", PEERS / "load" / "bench.py", name], "")]


def grep():
    need("grep", "grep")
    version = run("grep", "--version").split("\n")[0].split()[-1]
    return [program("grep", [sys.executable, "-B", PEERS / "grep" / "bench.py"], version)]


BUILDERS = {
    "go": go,
    "crossbeam": lambda: rust("crossbeam", "crossbeam-channel", "librust-crossbeam-channel-dev"),
    "tokio": lambda: rust("tokio", "tokio", "librust-tokio-dev"),
    "boost.fiber": boost,
    "glib": lambda: c_peer("glib", "glib", ["glib-2.0"], "libglib2.0-dev"),
    "libuv": lambda: c_peer("libuv", "libuv", ["libuv"], "libuv1-dev"),
    "pthread": lambda: c_peer("pthread", "pthread", [], "gcc"),
    "python": python,
    "grep": grep,
    "curl": curl,
    "aiohttp": aiohttp,
    "h2load": lambda: load("h2load", "nghttp2-client"),
    "wrk": lambda: load("wrk", "wrk"),
}


def peers():
    found = []
    for name, make in BUILDERS.items():
        if not (PEERS / {"boost.fiber": "boost", "crossbeam": "rust", "tokio": "rust",
                         "h2load": "load", "wrk": "load"}.get(name, name)).exists():
            continue
        try:
            found += make()
        except Missing as package:
            print(f"{name}: skipped, {package} is not installed (tests/bench/run --install)",
                  file=sys.stderr)
        except subprocess.CalledProcessError as error:
            print(f"{name}: skipped, {error}", file=sys.stderr)
    return found
