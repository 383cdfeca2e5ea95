"""An operation under transformations: gradients of first and second order, forward mode, batches. Asked of whatever
package differentiates, in float64.

Directional derivatives stand for all elements where many would be dear: a wrong second derivative shows along a random
direction with certainty, but for a set of directions of measure zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.derivatives import NOT_DIFFERENTIABLE
from dovetail_protocols.roles import SupportsBatching, SupportsForwardMode

from ..calls import Call, Trial, as_results, calls_of
from ..cases import SEED, Buffer
from ..tolerances import FACTORS, difference, unit
from .gradients import MARGIN, as_tensor, call_problems, is_floating, samples_of, weighted, without_trailing

EXAMPLES = 3
ROUNDINGS = 1e4
"""Times ε · Σ |terms|: forward and reverse mode differ by rounding only, in some hundred operations."""


def gradient_problems(trial: Trial, gradients: Any, limit: int = 3) -> list[str]:
    """Which gradients are off finite differences; an operation that has none, or says so though it changes."""
    reason = NOT_DIFFERENTIABLE.get(trial.operation)
    if reason is not None:
        return _constancy_problems(trial, reason)
    if not _is_differentiated(trial):
        return []
    samples = samples_of(trial, limit)
    if not samples:
        return [
            f"{trial.operation.name}: no smooth case is given, so no gradient is proved; pass case(…) with smooth=True"
        ]
    return _told(samples, lambda call: call_problems(call, gradients))


def _is_differentiated(trial: Trial) -> bool:
    """Whether there is something to differentiate: floating operands and results."""
    return any(
        any(array is not None and is_floating(array) for array in call.inputs)
        and any(meta.dtype.is_floating for meta in call.meta.results)
        for call in calls_of(trial)
    )


def _constancy_problems(trial: Trial, reason: str) -> list[str]:
    """An operation that is declared not differentiable must not change, on calls said to be smooth."""
    found = []
    for call in calls_of(trial):
        places = _floating_places(call)
        if not (call.case.smooth and places and any(meta.dtype.is_floating for meta in call.meta.results)):
            continue
        before, after = (_weighted_value(call, _moved(call, places, sign)) for sign in (-1, 1))
        if abs(after - before) > ROUNDINGS * unit(np.dtype(np.float64)) * max(1.0, abs(before)):
            found.append(
                f"{call.case.name}: is declared not differentiable ({reason}), but its result changes smoothly"
            )
    return found


def second_order_problems(trial: Trial, gradients: Any) -> list[str]:
    """Whether the gradient of the gradient along a direction is that of central differences of the gradient."""
    return _told(_smallest(trial), lambda call: _second_order(call, gradients))


def _second_order(call: Call, gradients: Any) -> list[str]:
    places = _floating_places(call)
    function = weighted(call, places, _weights(call))
    directions = _directions(call, places)

    def along(*arrays: Any) -> Any:
        """The gradient's product with the directions."""
        _, given = gradients.value_and_gradients(function, arrays)
        terms = [ops.sum(g * as_tensor(d)) for g, d in zip(given, directions, strict=True) if g is not None]
        return sum(terms[1:], terms[0]) if terms else ops.sum(arrays[0]) * 0.0

    point: list[Any] = [call.inputs[place] for place in places]
    _, second = gradients.value_and_gradients(along, [as_tensor(array) for array in point])
    analytical = _inner(second, directions)
    step = unit(np.dtype(np.float64)) ** (1 / 3)
    ends = [
        float(along(*[as_tensor(x + sign * step * d) for x, d in zip(point, directions, strict=True)]))
        for sign in (1, -1)
    ]
    numerical = (ends[0] - ends[1]) / (2 * step)
    scale = max(1.0, abs(numerical), *(abs(end) for end in ends))
    if not abs(analytical - numerical) <= MARGIN * unit(np.dtype(np.float64)) ** (2 / 3) * scale:
        return [f"the second derivative along a direction is {analytical:.8g}; finite differences say {numerical:.8g}"]
    return []


def forward_problems(trial: Trial, gradients: Any) -> list[str]:
    """Whether forward mode agrees with reverse mode: Σ weights · (J · direction) is Σ (Jᵀ · weights) · direction."""
    if not isinstance(gradients, SupportsForwardMode):
        return []
    return _told(samples_of(trial, 3), lambda call: _forward(call, gradients))


def _forward(call: Call, gradients: Any) -> list[str]:
    places, weights = _floating_places(call), _weights(call)
    arrays, directions = [as_tensor(call.inputs[place]) for place in places], _directions(call, places)
    _, given = gradients.value_and_gradients(weighted(call, places, weights), arrays)
    _, tangents = gradients.values_and_tangents(
        _of_present(call, places), arrays, [as_tensor(direction) for direction in directions]
    )
    reverse = _inner(given, directions)
    terms = [
        np.asarray(tangent.payload, np.float64) * weight
        for tangent, weight, meta in zip(tangents, weights, call.meta.results, strict=True)
        if meta.dtype.is_floating
    ]
    forward = float(sum(term.sum() for term in terms))
    scale = max(1.0, *(float(np.abs(term).sum()) for term in terms))
    if not abs(forward - reverse) <= ROUNDINGS * unit(np.dtype(np.float64)) * scale:
        return [f"forward mode gives {forward:.12g} along a direction, reverse mode {reverse:.12g}"]
    return []


def batching_problems(trial: Trial, gradients: Any) -> list[str]:
    """Whether a batch is its examples one by one, with all operands batched and with each alone."""
    if not isinstance(gradients, SupportsBatching) or trial.operation.data_dependent:
        return []
    return _told(calls_of(trial), lambda call: _batching(call, gradients))


def _batching(call: Call, gradients: Any) -> list[str]:
    present = [place for place, array in enumerate(call.inputs) if array is not None]
    found = []
    for chosen in {tuple(present), *((place,) for place in present)}:
        examples = [
            tuple(_example(array, number) if place in chosen else array for place, array in enumerate(call.inputs))
            for number in range(EXAMPLES)
        ]
        stacked = [
            as_tensor(np.stack([example[place] for example in examples]) if place in chosen else call.inputs[place])  # type: ignore[misc] # None isn't present
            for place in present
        ]
        results = gradients.batched(_of_present(call, present), stacked, [place in chosen for place in present])
        for number, inputs in enumerate(examples):
            alone = as_results(call.run(*inputs), several=call.several)
            for place, (result, right) in enumerate(zip(results, alone, strict=True)):
                text = _example_problem(np.asarray(result.payload), number, right)
                if text is not None:
                    found.append(f"with operands {sorted(chosen)} batched, result {place} of example {number}: {text}")
    return found[:2]


def _example(array: Buffer | None, number: int) -> Buffer | None:
    """The operand of one example: its own values in another order, which no domain forbids."""
    if array is None or not is_floating(array):
        return array
    return np.roll(array.ravel(), number).reshape(array.shape)


def _example_problem(batch: Buffer, number: int, right: Buffer) -> str | None:
    if batch.shape != (EXAMPLES, *right.shape):
        return f"the batch has shape {batch.shape}, not {(EXAMPLES, *right.shape)}"
    if batch.dtype != right.dtype:
        return f"the batch has dtype {batch.dtype}, not {right.dtype}"
    return difference(batch[number], right, unit(right.dtype), FACTORS["default"])


# ---------------------------------------------------------------------- calls as functions


def _told(calls: Any, check: Callable[[Call], list[str]]) -> list[str]:
    """What a check finds, by case; a transformation that raises is a problem too."""
    found = []
    for call in calls:
        try:
            with np.errstate(all="ignore"):
                found += [f"{call.case.name}: {text}" for text in check(call)]
        except Exception as error:  # noqa: BLE001 - rules may raise anything
            found.append(f"{call.case.name}: raised {type(error).__name__}: {error}")
    return found


def _smallest(trial: Trial) -> list[Call]:
    samples = samples_of(trial, 100)
    return sorted(samples, key=lambda call: sum(a.size for a in call.inputs if a is not None))[:1]


def _floating_places(call: Call) -> list[int]:
    return [place for place, array in enumerate(call.inputs) if array is not None and is_floating(array)]


def _weights(call: Call) -> list[Buffer]:
    return [
        np.random.default_rng([SEED, place]).uniform(0.5, 1.5, meta.shape)
        for place, meta in enumerate(call.meta.results)
    ]


def _directions(call: Call, places: Sequence[int]) -> list[Buffer]:
    point: list[Any] = [call.inputs[place] for place in places]
    return [
        np.asarray(np.random.default_rng([SEED, 99, place]).uniform(0.5, 1.5, array.shape), array.dtype)
        for place, array in zip(places, point, strict=True)
    ]


def _inner(arrays: Sequence[Any], directions: Sequence[Buffer]) -> float:
    """Σ array · direction; None stands for zero."""
    pairs = [(a, d) for a, d in zip(arrays, directions, strict=True) if a is not None]
    return float(sum((np.asarray(array.payload, np.float64) * direction).sum() for array, direction in pairs))


def _moved(call: Call, places: Sequence[int], sign: int) -> list[Buffer | None]:
    inputs: list[Any] = list(call.inputs)
    for place, direction in zip(places, _directions(call, places), strict=True):
        inputs[place] = inputs[place] + np.asarray(sign * 1e-3 * direction, inputs[place].dtype)
    return inputs


def _weighted_value(call: Call, inputs: Sequence[Buffer | None]) -> float:
    results = as_results(call.run(*inputs), several=call.several)
    pairs = zip(results, _weights(call), strict=True)
    return float(sum((result * weight).sum() for result, weight in pairs if is_floating(result)))


def _of_present(call: Call, present: Sequence[int]) -> Callable[..., tuple[Any, ...]]:
    """The operation as a function of some operands, the others as they are in the call; a tuple of its results."""

    def function(*given: Any) -> tuple[Any, ...]:
        operands = [None if array is None else as_tensor(array) for array in call.inputs]
        for place, operand in zip(present, given, strict=True):
            operands[place] = operand
        results = call.trial.operation(*without_trailing(operands), **call.meta.attributes)
        return results if isinstance(results, tuple) else (results,)

    return function
