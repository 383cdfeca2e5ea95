"""L6: how fast a kernel is on a call of middle size, beside others and the machine. Reported, never judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols.errors import DovetailError

from ..calls import Call, Trial, calls_of
from ..speed import BenchmarkCall, MachineSpeed, as_json, call_of_shapes, compare, default_shapes, label_of

MACHINE = MachineSpeed()


def report(trial: Trial, package: str) -> Mapping[str, Any] | str:
    """What was measured, JSON-able; or why nothing was, as text. The call is the middle one of the default shapes, or
    for an operation without such the largest of its cases."""
    if trial.variable not in ("", "T"):
        return f"timed by the dtypes of T, not by those of {trial.variable}"
    try:
        dtype = trial.dtype or "float32"
        shapes = default_shapes(trial.operation, dtype, {})
        call = call_of_shapes(trial.operation, shapes[len(shapes) // 2], dtype, {})
    except DovetailError as error:
        largest = max((call for call in calls_of(trial) if call.is_accepted), key=_size, default=None)
        if largest is None:
            return error.what
        call = BenchmarkCall(label_of(largest.meta), largest.inputs, largest.meta, largest.several)
    comparison = compare(call, package, MACHINE)
    if package not in comparison.timings:
        reason = comparison.faults.get(package) or comparison.refusals.get(package, "")
        return f"{call.label}: {reason}"
    return as_json(comparison)


def _size(call: Call) -> int:
    return sum(array.size for array in call.inputs if array is not None)
