"""Float64 results to compare with: from NumPy where the workload has such a form, else a file from another process."""

from pathlib import Path

import numpy as np

from benchmarks.workloads import optimizer_update
from benchmarks.workloads.workload import Array, Arrays, CompiledCall, EagerCall, Expression, Update, Workload


def has_numpy_form(workload: Workload) -> bool:
    """Whether `from_numpy` knows this workload."""
    return isinstance(workload, Expression | Update | EagerCall | CompiledCall)


def from_numpy(workload: Workload) -> Arrays:
    """The workload's results in float64, for its first batch or its first steps."""
    match workload:
        case Expression():
            batch = (_double(array) for array in workload.batch(0))
            return dict(zip(workload.results, workload.reference(*batch), strict=True))
        case Update():
            return optimizer_update.reference(workload)
        case CompiledCall():
            return {"y": _double(workload.operand) + 1}
        case EagerCall():
            return {"y": np.sum([_double(array) for array in workload.operands], axis=0)}
        case _:
            raise TypeError(f"{workload.name} has no NumPy form")


def save(path: Path, arrays: Arrays) -> None:
    """Write arrays by name."""
    np.savez(path, allow_pickle=False, **{name.replace("/", "|"): array for name, array in arrays.items()})


def load(path: Path) -> dict[str, Array]:
    """Read what `save` wrote."""
    with np.load(path) as file:
        return {name.replace("|", "/"): file[name] for name in file.files}


def _double(array: Array) -> Array:
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array
