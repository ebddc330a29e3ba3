# SPDX-License-Identifier: MIT
"""bench.py CASE N WORKERS runs one case; bench.py --list names them. One thread, whatever WORKERS."""
import asyncio
import os
import resource
import sys
import time

import aiohttp


def check(what, got, want):
    if got != want:
        sys.exit(f"bench: {what}: {got} instead of {want}")


async def small(server, path, n, n_clients):
    """How long it took, in ns."""
    connector = aiohttp.TCPConnector(limit=n_clients)
    url, left, n_bytes = os.environ[server] + path, iter(range(n)), 0

    async def client(session):
        nonlocal n_bytes
        for _ in left:
            async with session.get(url) as response:
                n_bytes += len(await response.read())

    start = time.perf_counter_ns()
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(client(session) for _ in range(n_clients)))
        took = time.perf_counter_ns() - start
    check("bytes", n_bytes, n * 1024)
    return took


async def many(n, n_clients):
    print(f"time {await small('BENCH_HTTP', '/1k', n, n_clients) / n:.6g} ns")


async def slow(n):
    print(f"time {await small('BENCH_SLOW', '/later', n, n) / 1e6:.6g} ms")


async def stream(n):
    n_bytes = 0
    async with aiohttp.ClientSession() as session:
        start = time.perf_counter_ns()
        async with session.get(f"{os.environ['BENCH_HTTP']}/{n}m") as response:
            async for chunk in response.content.iter_any():
                n_bytes += len(chunk)
        took = time.perf_counter_ns() - start
    check("bytes", n_bytes, n << 20)
    print(f"speed {n_bytes * 1e3 / took:.6g} MB/s")


# Each does one in so many of the operations.
CASES = {
    "http_many": (4, lambda n: many(n, 64)),
    "http_seq": (4, lambda n: many(n, 1)),
    "http_stream": (1, stream),
    "http_slow_8k_conc": (1, slow),
}


def main():
    if sys.argv[1:] == ["--list"]:
        for name, (divisor, _) in CASES.items():
            print(name, divisor, "-")
    elif len(sys.argv) == 4 and sys.argv[1] in CASES:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        asyncio.run(CASES[sys.argv[1]][1](int(sys.argv[2])))
    else:
        sys.exit("usage: bench.py CASE N WORKERS | --list")


main()
