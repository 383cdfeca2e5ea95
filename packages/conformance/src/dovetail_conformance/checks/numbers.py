"""L2: results are right beside a reference in float64, in every layout that the kernel may meet."""

from __future__ import annotations

import numpy as np

from dovetail_protocols.metas import UNKNOWN_SIZE

from ..calls import Call, Trial, as_results, calls_of
from ..cases import Buffer
from ..layouts import layouts_for, place
from ..numpy_dtypes import numpy_dtype
from ..oracle import expected_results
from ..tolerances import FACTORS, difference, is_inexact, unit


def problems(trial: Trial) -> list[str]:
    """Which results of a kernel are wrong in one choice of dtypes, by case and layout."""
    found: list[str] = []
    for call in calls_of(trial):
        if call.is_accepted:
            found += _call_problems(call)
    return found


def _call_problems(call: Call) -> list[str]:
    expected = expected_results(call)
    if expected is None:
        return [f"{call.case.name}: nothing gives the right result; install dovetail-kernels-numpy, or pass an oracle"]
    factor = FACTORS.get(call.trial.spec.tolerance)
    if factor is None:
        return [f"unknown tolerance {call.trial.spec.tolerance!r}; known: {', '.join(FACTORS)}"]
    found = []
    for layout in layouts_for(call.trial.spec.layouts):
        inputs = tuple(None if array is None else place(array, layout).array for array in call.inputs)
        spoil_free_memory(call)
        try:
            given = call.run(*inputs)
        except Exception as error:  # noqa: BLE001 - a kernel may raise anything; it accepted the call
            found.append(f"{call.case.name}, {layout}: raised {type(error).__name__}: {error}")
            continue
        results = as_results(given, several=call.several)
        found += [f"{call.case.name}, {layout}: {text}" for text in _differences(call, results, expected, factor)]
    return found


def spoil_free_memory(call: Call) -> None:
    """Frees memory of the results' sizes that is full of a pattern. Allocators hand out next what was freed last, so a
    kernel that leaves elements unwritten doesn't find the numbers there that an earlier call of the kit wrote."""
    for meta in call.meta.results:
        if UNKNOWN_SIZE not in meta.shape:
            np.full(meta.size_bytes, 0xA5, np.uint8)


def _differences(call: Call, results: tuple[Buffer, ...], expected: tuple[Buffer, ...], factor: float) -> list[str]:
    if len(results) != len(expected):
        return [f"gave {len(results)} results, expected {len(expected)}"]
    coarsest = max((unit(array.dtype) for array in call.inputs if array is not None), default=0.0)
    found = []
    for number, (got, right) in enumerate(zip(results, expected, strict=True)):
        if got.shape != right.shape:
            found.append(f"result {number} has shape {got.shape}, expected {right.shape}")
            continue
        eps = max(unit(got.dtype), coarsest if is_inexact(got.dtype) else 0.0)
        text = difference(got, _as_given(right, got), eps, factor)
        if text is not None:
            found.append(f"result {number}: {text}")
    return found


def _as_given(right: Buffer, got: Buffer) -> Buffer:
    """The reference, an integer or bool in the result's own dtype, so that it compares exactly."""
    return right if is_inexact(got.dtype) else right.astype(numpy_dtype(got.dtype.name))
