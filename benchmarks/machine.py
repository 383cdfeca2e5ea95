"""The machine: what it is called, what it can do at most, and the least time that some work can take on it."""

import importlib.util
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

from benchmarks import environment
from benchmarks.results import Limits, WorkloadResult
from benchmarks.threads import THREADS
from benchmarks.workloads.expressions import SGEMMS
from benchmarks.workloads.workload import Traffic, Work

_STREAM_FLOATS = 1 << 25  # 128 MiB an array: larger than caches
_ARITHMETIC = 1e10  # operations: 40 ms or so
_REPETITIONS = 6
_ROOT = Path(__file__).resolve().parents[1]


def describe() -> dict[str, str]:
    """Names and versions of what everything runs on."""
    return {
        "processor": _processor(),
        "processors": str(os.cpu_count()),
        "threads": str(THREADS),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        **environment.choices(os.environ),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measure(variables: Mapping[str, str]) -> Limits:
    """What a fresh process with these environment variables finds."""
    command = [sys.executable, "-m", "benchmarks.machine"]
    run = subprocess.run(command, cwd=_ROOT, env=variables, check=True, capture_output=True, text=True)
    return Limits(**json.loads(run.stdout))


def better(first: Limits, second: Limits) -> Limits:
    """The better of each limit: what a busy machine showed once, it can do."""
    arithmetic = max(first, second, key=lambda limits: limits.flops_per_second)
    memory = max(first, second, key=lambda limits: limits.bytes_per_second)
    return replace(arithmetic, bytes_per_second=memory.bytes_per_second, bytes_source=memory.bytes_source)


def measure_here() -> Limits:
    """The best arithmetic and the best copying on two threads: without llvmlite, what NumPy reaches."""
    rates = _memory_rates()
    if has_native_loops():
        rates["c = a in machine code"] = _native_copy_rate()
    source = max(rates, key=rates.__getitem__)
    if has_native_loops():
        one, both = (_native_operation_rate(threads) for threads in (1, THREADS))
        return Limits(both, "multiply-adds alone", rates[source], source, one, native=True)
    product = SGEMMS[-1]
    first, second = product.batch(0)
    rate = product.work.floating_point_operations / _best(lambda: first @ second)
    return Limits(rate, "NumPy's sgemm, as llvmlite is not installed", rates[source], source)


def has_native_loops() -> bool:
    """Whether the limits can be measured with loops of our own."""
    return importlib.util.find_spec("llvmlite") is not None


def with_products(limits: Limits, results: Iterable[WorkloadResult]) -> Limits:
    """The limits with the best sgemm of the run where that stands in for the arithmetic: ours counts as well."""
    if limits.native:
        return limits
    operations = {sgemm.name: sgemm.work.floating_point_operations for sgemm in SGEMMS}
    for result in results:
        for driver in result.drivers.values() if result.workload in operations else ():
            rate = operations[result.workload] / driver.seconds if driver.seconds else 0.0
            if rate > limits.flops_per_second:
                limits = replace(limits, flops_per_second=rate, flops_source=f"{driver.driver}'s {result.workload}")
    return limits


def floor_seconds(work: Work, limits: Limits) -> float:
    """The least time for `work`: its arithmetic at the limit's rate, then its traffic at the copy's."""
    arithmetic = work.floating_point_operations / limits.flops_per_second
    return arithmetic + work.traffic.memory_bytes / limits.bytes_per_second


def _native_operation_rate(threads: int) -> float:
    from benchmarks.drivers.limit.driver import LimitSession  # needs llvmlite

    session = LimitSession(Work(_ARITHMETIC * threads), threads)
    return _ARITHMETIC * threads / _best(lambda: session.run(1))


def _native_copy_rate() -> float:
    from benchmarks.drivers.limit.driver import LimitSession  # needs llvmlite

    traffic = Traffic(_STREAM_FLOATS, read=1, written=1)
    session = LimitSession(Work(traffic=traffic), THREADS)
    return traffic.memory_bytes / _best(lambda: session.run(1))


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
