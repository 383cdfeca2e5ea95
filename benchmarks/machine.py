"""The machine: what it is called, what it can do at most, and the least time that some work can take on it."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.results import DriverResult, Limits
from benchmarks.threads import THREADS
from benchmarks.workloads.expressions import SGEMM
from benchmarks.workloads.workload import Work

_STREAM_FLOATS = 1 << 25  # 128 MiB an array: larger than caches
_REPETITIONS = 5
_ROOT = Path(__file__).resolve().parents[1]


def describe() -> dict[str, str]:
    """Names and versions of what everything runs on."""
    return {
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "threads": str(THREADS),
        "system": platform.platform(),
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measure(environment: Mapping[str, str]) -> Limits:
    """What a fresh process with `environment` finds."""
    command = [sys.executable, "-m", "benchmarks.machine"]
    run = subprocess.run(command, cwd=_ROOT, env=environment, check=True, capture_output=True, text=True)
    return Limits(**json.loads(run.stdout))


def better(first: Limits, second: Limits) -> Limits:
    """The better of each limit: what a busy machine showed once, it can do."""
    arithmetic = max(first, second, key=lambda limits: limits.flops_per_second)
    memory = max(first, second, key=lambda limits: limits.bytes_per_second)
    return replace(arithmetic, bytes_per_second=memory.bytes_per_second, bytes_source=memory.bytes_source)


def measure_here() -> Limits:
    """The best matrix product and the best streaming that NumPy reaches on two threads."""
    first, second = SGEMM.batch(0)
    product_seconds = _best(lambda: first @ second)
    rates = _memory_rates()
    source = max(rates, key=rates.__getitem__)
    return Limits(SGEMM.work.floating_point_operations / product_seconds, "NumPy's sgemm", rates[source], source)


def with_products(limits: Limits, products: Iterable[DriverResult]) -> Limits:
    """The limits with the sgemm workload's best, if that is better: ours counts as well."""
    best = min(products, key=lambda result: result.seconds or float("inf"), default=None)
    if best is None or best.seconds is None:
        return limits
    rate = SGEMM.work.floating_point_operations / best.seconds
    if rate <= limits.flops_per_second:
        return limits
    return replace(limits, flops_per_second=rate, flops_source=f"{best.driver}'s sgemm")


def floor_seconds(work: Work, limits: Limits) -> float:
    """The least time for `work`: its arithmetic at the best product's rate, then its traffic at the copy's."""
    arithmetic = work.floating_point_operations / limits.flops_per_second
    return arithmetic + work.memory_bytes / limits.bytes_per_second


def _memory_rates() -> dict[str, float]:
    """Bytes a second by what was done, each thread on its own part.

    In-place work is often the fastest: an ordinary store to memory that was not read fetches it first.
    """
    a, b, c = (np.ones(_STREAM_FLOATS, np.float32) for _ in range(3))
    size = _STREAM_FLOATS // THREADS
    slices = [slice(index * size, (index + 1) * size) for index in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:

        def copy() -> None:
            list(pool.map(lambda part: np.copyto(c[part], a[part]), slices))

        def add() -> None:
            list(pool.map(lambda part: np.add(a[part], b[part], out=c[part]), slices))

        def scale() -> None:
            list(pool.map(lambda part: np.multiply(c[part], np.float32(0.5), out=c[part]), slices))

        return {
            "c = a": 2 * a.nbytes / _best(copy),
            "c = a + b": 3 * a.nbytes / _best(add),
            "c *= 0.5": 2 * a.nbytes / _best(scale),
        }


def _best(call: Callable[[], object]) -> float:
    """Seconds of the fastest of a few calls, after one."""
    call()
    times = []
    for _ in range(_REPETITIONS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here())))
