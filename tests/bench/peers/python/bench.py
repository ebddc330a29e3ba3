# SPDX-License-Identifier: MIT
"""bench.py CASE N WORKERS runs one case; bench.py --list names them. One thread, whatever WORKERS."""
import asyncio
import concurrent.futures
import sys
import tempfile
import time

try:
    import aiofiles
except ImportError:  # the cases of files are not listed then
    aiofiles = None


def check(what, got, want):
    if got != want:
        sys.exit(f"bench: {what}: {got} instead of {want}")


def per_op(start, n):
    print(f"time {(time.perf_counter_ns() - start) / n:.6g} ns")


async def count_to(n):
    i = 0
    while i < n:
        yield i
        i += 1


async def generator(n):
    start = time.perf_counter_ns()
    total = 0
    async for number in count_to(n):
        total += number
    per_op(start, n)
    check("sum of items", total, n * (n - 1) // 2)


async def tripled(source):
    async for item in source:
        yield 3 * item


async def not_of_seven(source):
    async for item in source:
        if item % 7 != 0:
            yield item


async def taken(source, n):
    async for item in source:
        yield item
        n -= 1
        if n == 0:
            break


async def items_of(array):
    for item in array:
        yield item


async def stream_fused(n):
    items = list(range(4096))
    total = 0
    start = time.perf_counter_ns()
    for left in range(n, 0, -len(items)):
        more = tripled(items_of(items if left >= len(items) else items[:left]))
        async for item in taken(not_of_seven(more), len(items)):
            total += item
    per_op(start, n)
    sums = [sum(3 * i for i in items[:left] if 3 * i % 7) for left in range(n, 0, -len(items))]
    check("sum of items", total, sum(sums))


async def yielder(n):
    yields = 0
    for _ in range(n):
        await asyncio.sleep(0)
        yields += 1
    return yields


async def ctx_switch(n):
    start = time.perf_counter_ns()
    yields = await asyncio.gather(yielder(n // 2), yielder(n // 2))
    per_op(start, n)
    check("yields", sum(yields), n // 2 * 2)


async def nothing():
    return 1


async def spawn_join(n):
    start = time.perf_counter_ns()
    ended = 0
    for left in range(n, 0, -1000):
        tasks = [asyncio.create_task(nothing()) for _ in range(min(left, 1000))]
        ended += sum([await task for task in tasks])
    per_op(start, n)
    check("tasks", ended, n)


async def send_all(queue, n):
    for i in range(n):
        await queue.put(i)
    await queue.put(None)


async def recv_all(queue):
    total = 0
    while (value := await queue.get()) is not None:
        total += value
    return total


async def spsc(n, capacity):
    start = time.perf_counter_ns()
    queue = asyncio.Queue(capacity)
    _, total = await asyncio.gather(send_all(queue, n), recv_all(queue))
    per_op(start, n)
    check("sum of values", total, n * (n - 1) // 2)


async def add_one(queue, out):
    while (value := await queue.get()) is not None:
        await out.put(value + 1)
    await out.put(None)


async def pipeline(n):
    first, second, third = (asyncio.Queue(128) for _ in range(3))
    start = time.perf_counter_ns()
    *_, total = await asyncio.gather(send_all(first, n), add_one(first, second),
                                     add_one(second, third), recv_all(third))
    per_op(start, n)
    check("sum", total, n * (n - 1) // 2 + 2 * n)


def trivial(n):
    return n & 1


def compute_100us(n):
    began = time.perf_counter_ns()
    while time.perf_counter_ns() - began < 100_000:
        pass
    return n & 1


def sleep_1ms(n):
    time.sleep(0.001)
    return n & 1


async def call_all(function, n):
    total = 0
    for i in range(n):
        total += await asyncio.to_thread(function, i)
    return total


async def call_from(n_callers, function, n):
    n_each = max(n // n_callers, 1)
    pool = concurrent.futures.ThreadPoolExecutor(512 if function is sleep_1ms else 4)
    asyncio.get_running_loop().set_default_executor(pool)
    start = time.perf_counter_ns()
    totals = await asyncio.gather(*[call_all(function, n_each) for _ in range(n_callers)])
    if function is sleep_1ms:
        print(f"time {(time.perf_counter_ns() - start) / 1e6:.6g} ms")
    else:
        per_op(start, n_each * n_callers)
    check("calls", sum(totals), n_each // 2 * n_callers)


async def file_read_many(n):
    with tempfile.TemporaryDirectory() as folder:
        want = 0
        for i in range(n):
            data = bytes([97 + i % 26]) + b"x" * 4095
            want += len(data) + data[0]
            with open(f"{folder}/{i}", "wb") as file:
                file.write(data)
        numbers, total = iter(range(n)), 0

        async def read_files():
            nonlocal total
            for i in numbers:
                async with aiofiles.open(f"{folder}/{i}", "rb") as file:
                    data = await file.read()
                total += len(data) + data[0]

        start = time.perf_counter_ns()
        await asyncio.gather(*[read_files() for _ in range(64)])
        per_op(start, n)
        check("bytes", total, want)


def make_log(path, n):
    lines = []
    for i in range(8192):
        word = b"ERROR" if i % 10 == 0 else b"INFO "
        lines.append((b"2026-11-22T00:00:00.000 " + word + b" [service] request ").ljust(127, b"x"))
    block = b"\n".join(lines) + b"\n"
    with open(path, "wb") as file:
        for _ in range(n):
            file.write(block)


async def file_pipeline(n):
    with tempfile.TemporaryDirectory() as folder:
        make_log(f"{folder}/log", n)
        queue = asyncio.Queue(1024)

        async def read_lines():
            async with aiofiles.open(f"{folder}/log", "rb") as file:
                async for line in file:
                    await queue.put(line)
            await queue.put(None)

        n_lines = n_errors = 0
        start = time.perf_counter_ns()
        reader = asyncio.create_task(read_lines())
        while (line := await queue.get()) is not None:
            n_lines += 1
            n_errors += b"ERROR" in line
        await reader
        took = time.perf_counter_ns() - start
        print(f"time {took / n_lines:.6g} ns")
        print(f"speed {n * (1 << 20) * 1e3 / took:.6g} MB/s")
        check("lines", n_lines, n * 8192)
        check("errors", n_errors, n * 820)


FILE_CASES = {
    "file_read_many_10k_c64": lambda n: asyncio.run(file_read_many(n)),
    "file_pipeline_line_cap1024": lambda n: asyncio.run(file_pipeline(n)),
}
CASES = {
    **(FILE_CASES if aiofiles else {}),
    "to_thread": lambda n: asyncio.run(call_from(1, trivial, n)),
    "to_thread_c64": lambda n: asyncio.run(call_from(64, trivial, n)),
    "to_thread_100us": lambda n: asyncio.run(call_from(1, compute_100us, n)),
    "blocking_sleep1ms": lambda n: asyncio.run(call_from(64, sleep_1ms, n)),
    "blocking_sleep1ms_c1": lambda n: asyncio.run(call_from(1, sleep_1ms, n)),
    "blocking_sleep1ms_c1000": lambda n: asyncio.run(call_from(1000, sleep_1ms, n)),
    "generator": lambda n: asyncio.run(generator(n)),
    "stream_fused": lambda n: asyncio.run(stream_fused(n)),
    "pipeline_4stage": lambda n: asyncio.run(pipeline(n)),
    "ctx_switch": lambda n: asyncio.run(ctx_switch(n)),
    "spawn_join_b1000": lambda n: asyncio.run(spawn_join(n)),
    "chan_spsc8_cap128": lambda n: asyncio.run(spsc(n, 128)),
    "chan_spsc8_cap1024": lambda n: asyncio.run(spsc(n, 1024)),
}


def main():
    if sys.argv[1:] == ["--list"]:
        for name in CASES:
            divisor = 1 if "read_many" in name or "sleep" in name else 500 if "thread" in name else 256 if "line" in name else 50 if "_" in name else 5
            print(name, divisor, "-")
    elif len(sys.argv) == 4 and sys.argv[1] in CASES:
        CASES[sys.argv[1]](int(sys.argv[2]))
    else:
        sys.exit("usage: bench.py CASE N WORKERS | --list")


main()
