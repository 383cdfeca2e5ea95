"""The tables of checkpoints: a column a format, as the others have one a framework."""

from collections.abc import Callable

from benchmarks.cells import COMPARED, NOTHING, compared_cells, time_cell
from benchmarks.drivers.catalogue import DRIVERS, OURS
from benchmarks.results import DriverResult, Report, WorkloadResult
from benchmarks.table import mebibytes, render

EXTRA_MEMORY = "The most that was resident meanwhile, beyond what was there before and the tensors that were loaded"


def is_checkpoint(result: WorkloadResult) -> bool:
    """Whether a result belongs into these tables."""
    return result.payload_bytes is not None


def title(report: Report) -> str:
    """What the numbers are, with the sizes."""
    size, count = mebibytes(report.plan["checkpoint_bytes"]), report.plan["checkpoint_tensors"]
    return f"Checkpoints of {size}, or of {count:,} tiny tensors: time (median ± half the distance between quartiles)"


def times(results: list[WorkloadResult]) -> str:
    """A row a workload, with the bytes a second that ours makes of its time, the fastest peer's time, and the limit."""
    names = _columns(results)
    header = ["workload", *_titles(names), "ours, GB/s", *COMPARED]
    return render(header, [_row(result, names) for result in results])


def extra_memory(results: list[WorkloadResult]) -> str:
    """A row a workload."""
    names = _columns(results)
    rows = [[result.workload, *_cells(result, names, _extra)] for result in results]
    return render(["workload", *_titles(names)], rows)


def _row(result: WorkloadResult, names: list[str]) -> list[str]:
    title = f"{result.workload}: {result.title}"
    return [title, *_cells(result, names, time_cell), _rate(result), *compared_cells(result)]


def _cells(result: WorkloadResult, names: list[str], cell: Callable[[DriverResult], str]) -> list[str]:
    return [cell(result.drivers[name]) if name in result.drivers else NOTHING for name in names]


def _titles(names: list[str]) -> list[str]:
    return [DRIVERS[name].title for name in names]


def _columns(results: list[WorkloadResult]) -> list[str]:
    return [name for name in DRIVERS if any(name in result.drivers for result in results)]


def _rate(result: WorkloadResult) -> str:
    seconds = result.drivers[OURS].seconds if OURS in result.drivers else None
    if not seconds or not result.payload_bytes:
        return NOTHING
    return f"{result.payload_bytes / seconds / 1e9:.2f}"


def _extra(driver: DriverResult) -> str:
    return NOTHING if driver.step_bytes is None else mebibytes(driver.step_bytes)
