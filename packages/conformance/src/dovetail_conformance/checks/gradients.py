"""L4: gradients through the kernel under test are those of finite differences, with the kernel pinned by the policy.

Central differences with step h are off by about h² from the third derivative and ε / h from rounding, so h = ∛ε is best
and leaves an error of about ε^⅔ (Nocedal and Wright, Numerical Optimization, 2006, section 8.1).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import arrays, selection
from dovetail_protocols.derivatives import NOT_DIFFERENTIABLE
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.plugins import find
from dovetail_protocols.plugins.policy import use
from dovetail_protocols.plugins.versions import offered_by

from ..calls import Call, Trial, calls_of
from ..cases import SEED, Buffer
from ..device_kernels import to_device, to_host
from ..numpy_dtypes import dovetail_dtype
from ..tolerances import unit

MARGIN = 100.0
"""Times ε^⅔: third derivatives in the bank are of the order of 10, and a result sums up to a dozen of them."""


def differentiator() -> Any | None:
    """The package that differentiates, or None where there isn't exactly one, or no tensor package."""
    found = find("dovetail.autodiff.v1")
    return offered_by(found[0]) if len(found) == 1 and len(find("dovetail.tensors.v1")) == 1 else None


def samples_of(trial: Trial, limit: int) -> list[Call]:
    """Calls of a trial whose gradients can be compared: smooth, accepted, with floating operands and results."""
    if trial.operation in NOT_DIFFERENTIABLE or trial.operation.data_dependent:
        return []
    smooth = [
        call
        for call in calls_of(trial)
        if call.case.smooth
        and call.is_accepted
        and any(array is not None and is_floating(array) for array in call.inputs)
        and any(meta.dtype.is_floating for meta in call.meta.results)
    ]
    return smooth[:limit]


def is_floating(array: Buffer) -> bool:
    """Whether gradients flow to a buffer of its dtype."""
    return dovetail_dtype(array.dtype).is_floating


def problems(trial: Trial, package: str, gradients: Any, limit: int = 2) -> list[str]:
    """Which gradients are wrong, of at most `limit` of the trial's cases."""
    found = []
    for call in samples_of(trial, limit):
        with use(package):
            chosen = selection.select(trial.operation, call.meta.operands, call.meta.attributes).chosen
            if chosen is None or (chosen.package, chosen.spec.id) != (package, trial.spec.id):
                other = "no kernel" if chosen is None else f"{chosen.package}/{chosen.spec.id}"
                found.append(f"{call.case.name}: with the policy use({package!r}), {other} is chosen for this call")
                continue
            found += [f"{call.case.name}: {text}" for text in call_problems(call, gradients)]
    return found


def call_problems(call: Call, gradients: Any) -> list[str]:
    """Which gradients of one call are off finite differences of what it runs."""
    places = [place for place, array in enumerate(call.inputs) if array is not None and is_floating(array)]
    weights = [
        np.random.default_rng([SEED, number]).uniform(0.5, 1.5, meta.shape)
        for number, meta in enumerate(call.meta.results)
    ]
    kind = call.trial.spec.device
    sources = [as_tensor(call.inputs[place], kind) for place in places]
    given = gradients.value_and_gradients(weighted(call, places, weights), sources)
    found = []
    for place, gradient in zip(places, given[1], strict=True):
        numerical = _finite_differences(call, place, weights)
        analytical = np.zeros_like(numerical) if gradient is None else contents(gradient).astype(np.float64)
        if analytical.shape != numerical.shape:
            found.append(f"the gradient for operand {place} has shape {analytical.shape}, not {numerical.shape}")
            continue
        scale = max(1.0, float(np.abs(numerical).max(initial=0.0)))
        eps = max(unit(array.dtype) for array in call.inputs if array is not None)
        if not np.all(np.abs(analytical - numerical) <= MARGIN * eps ** (2 / 3) * scale):
            worst = float(np.abs(analytical - numerical).max())
            found.append(f"the gradient for operand {place} is off finite differences by {worst:.2g}")
    return found


def as_tensor(array: Any, kind: str = "cpu") -> Any:
    """An array of the host as one of the tensor package, on a kind of device."""
    meta = TensorMeta(array.shape, dovetail_dtype(array.dtype), Device(kind))
    return arrays.provider().wrap(to_device(array, kind), meta)


def contents(array: Any) -> Buffer:
    """An array of the tensor package as one of the host."""
    kind = array.meta.device.kind
    return np.asarray(to_host(array.payload, kind))


def weighted(call: Call, places: list[int], weights: list[Buffer]) -> Any:
    """The sum of all floating results' elements, weighted, as a function of the floating operands."""

    def function(*floating: Any) -> Any:
        from dovetail_protocols.operations import cast, multiply
        from dovetail_protocols.operations import sum as total

        kind = call.trial.spec.device
        operands = [None if array is None else as_tensor(array, kind) for array in call.inputs]
        for place, operand in zip(places, floating, strict=True):
            operands[place] = operand
        results = call.trial.operation(*without_trailing(operands), **call.meta.attributes)
        terms = []
        for result, weight in zip(results if call.several else (results,), weights, strict=True):
            if result.dtype.is_floating:
                wide = cast(result, dtype="float64")
                terms.append(total(multiply(wide, as_tensor(weight, kind))))
        value = terms[0]
        for term in terms[1:]:
            value = value + term
        return value

    return function


def without_trailing(operands: list[Any]) -> list[Any]:
    """Operands as a user writes them: optional ones at the end are left out."""
    while operands and operands[-1] is None:
        operands = operands[:-1]
    return operands


def _finite_differences(call: Call, place: int, weights: list[Buffer]) -> Buffer:
    original: Any = call.inputs[place]
    step = unit(original.dtype) ** (1 / 3)
    differences = np.zeros(original.shape)
    for index in np.ndindex(original.shape):
        ends, values = [], []
        for sign in (1, -1):
            moved = original.copy()
            moved[index] += sign * step
            inputs = [moved if number == place else array for number, array in enumerate(call.inputs)]
            given = call.run(*inputs)
            results = given if call.several else (given,)
            ends.append(float(moved[index]))
            values.append(
                sum(
                    float((np.asarray(result, np.float64) * weight).sum())
                    for result, weight in zip(results, weights, strict=True)
                    if is_floating(np.asarray(result))
                )
            )
        differences[index] = (values[0] - values[1]) / (ends[0] - ends[1])
    return differences
