"""What `Function.explain` gives: who runs each node, and why, as data and as text."""

from __future__ import annotations

from dovetail_protocols.compilers import KernelReport
from dovetail_protocols.records import record

from .execution.placements import Placement, as_text
from .listing import counted


@record
class Explanation:
    """Where each node of a function runs, for one signature. `str()` is a report.

    `kernels`: by name of compiler, the native kernels that it made of its nodes, where it tells (SupportsKernelReport).
    """

    name: str
    signature: str
    placements: tuple[Placement, ...]
    kernels: tuple[tuple[str, tuple[KernelReport, ...]], ...] = ()

    def count_by_runner(self) -> dict[str, int]:
        """How many nodes each kernel package and compiler runs, the busiest first; "control flow" for loops."""
        counts: dict[str, int] = {}
        for placement in self.placements:
            runner = placement.runner.partition("/")[0]
            counts[runner] = counts.get(runner, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    def __str__(self) -> str:
        counts = ", ".join(f"{runner}: {count}" for runner, count in self.count_by_runner().items())
        head = f"{self.name}({self.signature}): {counted(len(self.placements), 'node')}"
        lines = [f"{head} ({counts})" if counts else head, as_text(self.placements, "  ")]
        for compiler, kernels in self.kernels:
            lines += [f"kernels of compiler {compiler}:", *map(_as_line, kernels), _total(kernels)]
        return "\n".join(lines).rstrip()


def _as_line(kernel: KernelReport) -> str:
    times = f" ×{kernel.runs}" if kernel.runs != 1 else ""
    amounts = _amounts(kernel.seconds, kernel.flops, kernel.bytes)
    return f"  {amounts}  {kernel.what}{times}, {counted(kernel.tasks, 'task')}"


def _total(kernels: tuple[KernelReport, ...]) -> str:
    sums = (sum(getattr(one, field) * one.runs for one in kernels) for field in ("seconds", "flops", "bytes"))
    return f"  {_amounts(*sums)}  predicted in all"


def _amounts(seconds: float, flops: float, size_bytes: float) -> str:
    return f"{seconds * 1e6:9.1f} µs {flops / 1e6:9.2f} Mflop {size_bytes / 1e6:9.2f} MB"
