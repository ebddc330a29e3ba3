"""What tests/bench/run makes of its measurements: medians, ratios, speed-ups, lines and JSON."""
import collections
import statistics
import sys

MORE_IS_BETTER = {"MB/s", "ops/s", "req/s", "speedup"}

# values: one dict a round, {metric: (value, unit)}; None where the program failed. divisor: it did
# one in so many of the operations.
Row = collections.namedtuple("Row", "impl workers divisor values")


def summary(pairs):
    """(median, min, max, runs) of (value, unit) pairs, and their unit."""
    numbers = [value for value, _ in pairs]
    return (statistics.median(numbers), min(numbers), max(numbers), len(numbers)), pairs[0][1]


def of_row(row, metric):
    return summary([values[metric] for values in row.values])


def main_metric(row):
    return next(iter(row.values[0]))


def quotients(above, below, metric):
    """Round by round: what ran side by side is compared. CPU time is that of all operations."""
    scale = above.divisor / below.divisor if metric == "cpu" else 1
    return [(a[metric][0] / b[metric][0] * scale, "") for a, b in zip(above.values, below.values)
            if b[metric][0] > 0 and a[metric][0] > 0]


def best_of(rows, metric):
    """The row with the best median, and whether more of the metric is better."""
    is_more = of_row(rows[0], metric)[1] in MORE_IS_BETTER
    return (max if is_more else min)(rows, key=lambda row: of_row(row, metric)[0][0]), is_more


def compare(rows):
    """(row of weft, best peer, ratios, ratios of CPU time) for each count of workers."""
    for ours in rows:
        metric = main_metric(ours)
        peers = [row for row in rows if row.impl != "weft" and row.workers == ours.workers
                 and main_metric(row) == metric]
        if ours.impl != "weft" or not peers:
            continue
        best, is_more = best_of(peers, metric)
        ratios = quotients(ours, best, metric) if is_more else quotients(best, ours, metric)
        if ratios:
            yield ours, best, ratios, quotients(best, ours, "cpu")


def speedups(rows):
    """(row with more workers, its speed over the same with one worker)."""
    ones = {row.impl: row for row in rows if row.workers == 1}
    for row in rows:
        if row.workers > 1 and row.impl in ones and "time" in row.values[0]:
            found = quotients(ones[row.impl], row, "time")
            if found:
                yield row, found


def records(rows, quoted):
    """(impl, workers, metric, (median, min, max, runs), unit): what the JSON holds."""
    for row in rows:
        for metric in row.values[0]:
            yield (row.impl, row.workers, metric, *of_row(row, metric))
    for ours, _, ratios, by_cpu in compare(rows):
        yield "weft", ours.workers, "ratio", summary(ratios)[0], "ratio"
        if by_cpu:
            yield "weft", ours.workers, "cpu_ratio", summary(by_cpu)[0], "ratio"
    for row, found in speedups(rows):
        yield row.impl, row.workers, "speedup", summary(found)[0], "speedup"
    for impl, workers, metric, value, unit in quoted:
        yield impl, workers, metric, (value, value, value, 0), unit


def show_rows(rows, quoted):
    print(f"  {'':<12} workers {'median':>10} {'min':>10} {'max':>10}       {'cpu s':>8} "
          f"{'peak MiB':>9}")
    for row in rows:
        cpu, peak = of_row(row, "cpu")[0][0], of_row(row, "peak")[0][0] / 2**20
        for metric in row.values[0]:
            if metric in ("cpu", "peak"):
                continue
            (median, low, high, _), unit = of_row(row, metric)
            label = row.impl if metric == main_metric(row) else f"  {metric}"
            print(f"  {label:<12} {row.workers:>7} {median:>10.5g} {low:>10.5g} {high:>10.5g} "
                  f"{unit:<5} {cpu:>8.2f} {peak:>9.1f}")
    for impl, workers, _, value, unit in quoted:
        print(f"  {impl:<12} {workers:>7} {value:>10.5g} {'':>10} {'':>10} {unit:<5} "
              "not from this run")


def show(title, rows, quoted, has_all_speedups):
    """All speed-ups are in the JSON; in print they matter where the work is meant to spread."""
    print(f"\n{title}")
    show_rows(rows, quoted)
    for ours, best, ratios, by_cpu in compare(rows):
        (median, low, high, _), _ = summary(ratios)
        cpu = f", by CPU time {summary(by_cpu)[0][0]:.2f}" if by_cpu else ""
        print(f"  with {ours.workers}: {median:.2f} times as good as {best.impl} "
              f"({low:.2f} to {high:.2f}){cpu}")
    for row, found in speedups(rows):
        if row.impl == "weft" or has_all_speedups:
            (median, low, high, _), _ = summary(found)
            print(f"  {row.impl}: {row.workers} workers {median:.2f} times as fast as 1 "
                  f"({low:.2f} to {high:.2f})")
    sys.stdout.flush()
