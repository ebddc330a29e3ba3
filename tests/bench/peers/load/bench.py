# SPDX-License-Identifier: MIT
"""bench.py h2load|wrk CASE N WORKERS: what the server can do, by a load generator."""
import os
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout


def h2load(n, url):
    text = output("h2load", "--h1", f"-n{n}", "-c64", "-t1", url)
    if f"{n} succeeded" not in text:
        sys.exit("bench: not all requests have succeeded")
    return float(re.search(r"([\d.]+) req/s", text).group(1))


def wrk(_, url):
    """It counts what it gets done in a time."""
    text = output("wrk", "-t1", "-c64", "-d1s", url)
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit("bench: not all requests have succeeded")
    return float(re.search(r"Requests/sec: +([\d.]+)", text).group(1))


def main():
    tool = {"h2load": h2load, "wrk": wrk}[sys.argv[1]]
    if sys.argv[2:] == ["--list"]:
        print("http_many 1 -")
    else:
        rate = tool(int(sys.argv[3]), os.environ["BENCH_HTTP"] + "/1k")
        print(f"time {1e9 / rate:.6g} ns")


main()
