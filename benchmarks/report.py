"""The tables that a reader sees; README.md says how to read them."""

from collections.abc import Callable

from benchmarks import agreement, checkpoint_tables
from benchmarks.cells import COMPARED, NOTHING, compared_cells, time_cell
from benchmarks.comparison import compare
from benchmarks.drivers.catalogue import DRIVERS, OURS
from benchmarks.neighbors import BUSY
from benchmarks.results import DriverResult, Report, WorkloadResult
from benchmarks.table import mebibytes, render
from benchmarks.verdicts import render_verdicts, verdicts


def render_report(report: Report) -> str:
    """Machine, times, agreement, memory, and then plainly what was lost, left out or failed."""
    sections = [
        _machine(report),
        *_of_steps(report, [result for result in report.workloads if not checkpoint_tables.is_checkpoint(result)]),
        *_of_checkpoints(report, [result for result in report.workloads if checkpoint_tables.is_checkpoint(result)]),
        _section("Targets", _targets(report)),
        _section(f"Disturbed: others took more than {BUSY:.0%} of the processors", _disturbed(report)),
        _section("Defeats: a peer was faster", "\n".join(defeats(report)) or f"none of {_compared(report)} compared"),
        _section("Disagreements with float64", "\n".join(disagreements(report)) or "none"),
        _section("Failures", "\n".join(failures(report)) or "none"),
        _section("Left out", "\n".join(_left_out(report)) or "nothing"),
    ]
    return "\n\n".join(sections) + "\n"


def _of_steps(report: Report, results: list[WorkloadResult]) -> list[str]:
    if not results:
        return []
    return [
        _section(
            "Time of one step, or one call (median ± half the distance between quartiles)", _times(report, results)
        ),
        _section("Relative error against float64: gradients or results, then first losses", _errors(report, results)),
        _section("Peak memory of the process", _memory(report, results, _peak_cell)),
        _section(
            "Memory of steps above the loaded model; of the first, which compile", _memory(report, results, _step_cell)
        ),
    ]


def _of_checkpoints(report: Report, results: list[WorkloadResult]) -> list[str]:
    if not results:
        return []
    return [
        _section(checkpoint_tables.title(report), checkpoint_tables.times(results)),
        _section(checkpoint_tables.EXTRA_MEMORY, checkpoint_tables.extra_memory(results)),
    ]


def _section(title: str, body: str) -> str:
    return f"{title}\n\n{body}"


def _machine(report: Report) -> str:
    limits = report.limits
    versions = {
        DRIVERS[driver.driver].package: driver.version
        for result in report.workloads
        for driver in result.drivers.values()
        if driver.version
    }
    one = limits.flops_per_second_of_one_thread
    alone = f"; {one / 1e9:.0f} on one thread" if one else ""
    lines = [
        ", ".join(f"{name} {value}" for name, value in report.machine.items()),
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"limits: {limits.flops_per_second / 1e9:.0f} GFLOP/s ({limits.flops_source}{alone}), "
        f"{limits.bytes_per_second / 1e9:.1f} GB/s ({limits.bytes_source})",
    ]
    return "\n".join(line for line in lines if line)


def _names(report: Report) -> list[str]:
    """Those that take part in more than checkpoints."""
    return [name for name in report.plan["drivers"] if DRIVERS[name].implementation]


def _titles(report: Report) -> list[str]:
    return [DRIVERS[name].title for name in _names(report)]


def _times(report: Report, results: list[WorkloadResult]) -> str:
    rows = [[result.title, *_cells(report, result, time_cell), *compared_cells(result)] for result in results]
    return render(["workload", *_titles(report), *COMPARED], rows)


def _cells(report: Report, result: WorkloadResult, cell: Callable[[DriverResult], str]) -> list[str]:
    drivers = (result.drivers.get(name) for name in _names(report))
    return [NOTHING if driver is None else cell(driver) for driver in drivers]


def _errors(report: Report, results: list[WorkloadResult]) -> str:
    rows = []
    for result in results:
        if result.reference is None:
            continue
        rows.append([result.workload, *_cells(report, result, _error_cell), result.reference])
    return render(["workload", *_titles(report), "reference"], rows)


def _error_cell(driver: DriverResult) -> str:
    if driver.evidence_error is None:
        return NOTHING
    curve = "" if driver.curve_error is None else f", {driver.curve_error:.0e}"
    return f"{driver.evidence_error:.1e}{curve}"


def _memory(report: Report, results: list[WorkloadResult], cell: Callable[[DriverResult], str]) -> str:
    rows = [
        [result.workload, *_cells(report, result, cell)]
        for result in results
        if any(driver.peak_bytes for driver in result.drivers.values())
    ]
    return render(["workload", *_titles(report)], rows)


def _peak_cell(driver: DriverResult) -> str:
    return mebibytes(driver.peak_bytes) if driver.peak_bytes else NOTHING


def _step_cell(driver: DriverResult) -> str:
    if driver.step_bytes is None or driver.first_step_bytes is None:
        return NOTHING
    return f"{mebibytes(driver.step_bytes)}; {mebibytes(driver.first_step_bytes)}"


def _targets(report: Report) -> str:
    found = verdicts(report.workloads)
    return render_verdicts(found) if found else "none of them was measured"


def _disturbed(report: Report) -> str:
    """Peers that wait for their threads by spinning suffer most, so ratios from a busy machine mean little."""
    busy = [
        f"{result.workload} {result.neighbors:.0%}"
        for result in report.workloads
        if result.neighbors is not None and result.neighbors > BUSY
    ]
    return ", ".join(busy) or "none"


def defeats(report: Report) -> list[str]:
    """One line for each workload that a peer runs faster than we do."""
    lines = []
    for result in report.workloads:
        comparison = compare(result)
        if comparison and comparison.is_defeat:
            title = DRIVERS[comparison.fastest].title
            lines.append(f"{result.workload}: {comparison.ratio.median:.2f} times the time of {title}")
    return lines


def _compared(report: Report) -> int:
    return sum(compare(result) is not None for result in report.workloads)


def disagreements(report: Report) -> list[str]:
    """One line for each workload where our results are further from float64 than we allow ourselves."""
    lines = []
    for result in report.workloads:
        ours = result.drivers.get(OURS)
        peers = [driver for name, driver in result.drivers.items() if not name.startswith(OURS)]
        if ours is None or ours.evidence_error is None:
            continue
        errors = [driver.evidence_error for driver in peers if driver.evidence_error is not None]
        if not agreement.evidence_holds(ours.evidence_error, errors, kinks=result.kinks):
            best = f"the best peer's is {min(errors):.1e}" if errors else "no peer to compare with"
            lines.append(f"{result.workload}: error {ours.evidence_error:.1e}; {best}")
        curves = {driver.driver: driver.curve_error for driver in peers if driver.curve_error is not None}
        if ours.curve_error is not None and not agreement.curve_holds(ours.curve_error, curves):
            lines.append(f"{result.workload}: losses stray by {ours.curve_error:.1e}")
    return lines


def failures(report: Report) -> list[str]:
    """One line for each framework that should have run a workload and did not, ours or a peer."""
    return [
        f"{result.workload}, {DRIVERS[driver.driver].title}: {driver.failed}"
        for result in report.workloads
        for driver in result.drivers.values()
        if driver.failed
    ]


def _left_out(report: Report) -> list[str]:
    workloads: dict[str, list[str]] = {}
    for result in report.workloads:
        for driver in result.drivers.values():
            if driver.skipped:
                workloads.setdefault(f"{DRIVERS[driver.driver].title}, {driver.skipped}", []).append(result.workload)
    return [f"{reason}: {', '.join(names)}" for reason, names in workloads.items()] + list(report.plan.get("notes", ()))
