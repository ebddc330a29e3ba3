# SPDX-License-Identifier: MIT
"""bench.py CASE N WORKERS: a log of N MiB by `grep -c`, its start and end included."""
import os
import subprocess
import sys
import tempfile
import time

LINES_IN_MIB = 8192
ERRORS_IN_MIB = 820


def make_log(path, n):
    lines = []
    for i in range(LINES_IN_MIB):
        word = b"ERROR" if i % 10 == 0 else b"INFO "
        lines.append((b"2026-11-22T00:00:00.000 " + word + b" [service] request ").ljust(127, b"x"))
    block = b"\n".join(lines) + b"\n"
    with open(path, "wb") as file:
        for _ in range(n):
            file.write(block)


def count_errors(n):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        make_log(path, n)
        start = time.perf_counter_ns()
        found = subprocess.run(["grep", "-c", "-F", "ERROR", path], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, check=True).stdout
        took = time.perf_counter_ns() - start
    if int(found) != n * ERRORS_IN_MIB:
        sys.exit(f"bench: errors: {found.strip()} instead of {n * ERRORS_IN_MIB}")
    print(f"time {took / (n * LINES_IN_MIB):.6g} ns")
    print(f"speed {n * (1 << 20) * 1e3 / took:.6g} MB/s")


def main():
    if sys.argv[1:] == ["--list"]:
        print("file_pipeline_line_cap1024 1 -")
    elif len(sys.argv) == 4 and sys.argv[1] == "file_pipeline_line_cap1024":
        count_errors(int(sys.argv[2]))
    else:
        sys.exit("usage: bench.py CASE N WORKERS | --list")


main()
