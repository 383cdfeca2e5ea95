"""L6: how fast a kernel is on a call of middle size, beside others and the machine. Reported, never judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols.errors import DovetailError

from ..calls import Trial
from ..speed import MachineSpeed, as_json, call_of_shapes, compare, default_shapes

MACHINE = MachineSpeed()


def report(trial: Trial, package: str) -> Mapping[str, Any] | str:
    """What was measured, JSON-able; or why nothing was, as text."""
    if trial.variable not in ("", "T"):
        return f"timed by the dtypes of T, not by those of {trial.variable}"
    if trial.spec.device != "cpu":
        return f"kernels for {trial.spec.device!r} aren't timed: the device protocol has no way to await a result"
    try:
        dtype = trial.dtype or "float32"
        shapes = default_shapes(trial.operation, dtype, {})
        call = call_of_shapes(trial.operation, shapes[len(shapes) // 2], dtype, {})
    except DovetailError as error:
        return error.what
    comparison = compare(call, package, MACHINE)
    if package not in comparison.timings:
        reason = comparison.faults.get(package) or comparison.refusals.get(package, "")
        return f"{call.label}: {reason}"
    return as_json(comparison)
