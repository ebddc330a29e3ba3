"""The servers of the HTTP cases, on loopback, on free ports, for as long as a run takes."""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

CONFIG = """daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  open_file_cache max=16;
  server {{ listen 127.0.0.1:{port}; root {folder}/root; }}
}}
"""


def find_nginx():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def warm(path):
    """Its pages are in memory: or the first program that asks would pay for all the others."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def make_root(folder):
    root = folder / "root"
    root.mkdir()
    folder.chmod(0o755)
    (root / "1k").write_bytes(b"x" * 1024)
    for mib in 1, 100, 2048:  # sparse: no disk is read
        with open(root / f"{mib}m", "wb") as file:
            file.truncate(mib << 20)
    warm(root / "100m")


@contextlib.contextmanager
def nginx():
    """Its address."""
    program = find_nginx()
    if program is None:
        raise FileNotFoundError("nginx is not installed (tests/bench/run --install)")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-bench-"))
    make_root(folder)
    # It inherits a socket that is bound and listens: no other program can take the port, and
    # nobody has to wait until it is up.
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as door:
        door.set_inheritable(True)
        port = door.getsockname()[1]
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "conf").write_text(CONFIG.format(folder=folder, port=port, user=user))
        child = subprocess.Popen([program, "-p", folder, "-c", folder / "conf"],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 pass_fds=[door.fileno()],
                                 env={**os.environ, "NGINX": f"{door.fileno()};"})
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(folder)


@contextlib.contextmanager
def slow(program):
    """The address of server.c, built as program."""
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.stdin.close()
        child.wait()


@contextlib.contextmanager
def both(program):
    """Both, their addresses in the environment of what is started meanwhile."""
    with nginx() as fast_address, slow(program) as slow_address:
        os.environ["BENCH_HTTP"] = fast_address
        os.environ["BENCH_SLOW"] = slow_address
        yield
