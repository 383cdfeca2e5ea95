"""L3: what a kernel promises beside numbers. It never writes its inputs or around them, gives the same each time and in
two threads, serves other shapes where it says so, and `into` writes exactly its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols.errors import DovetailError
from dovetail_protocols.metas import UNKNOWN_SIZE

from ..calls import Call, Trial, as_results, call_meta, calls_of
from ..cases import Buffer
from ..layouts import layouts_for, place, place_empty
from ..numpy_dtypes import numpy_dtype
from ..threads import in_threads
from .honesty import supports_destination

REPETITIONS = 3


def problems(trial: Trial) -> list[str]:
    """What a kernel does in one choice of dtypes that it must not do."""
    found: list[str] = []
    accepted = [call for call in calls_of(trial) if call.is_accepted]
    for call in accepted:
        layout = layouts_for(trial.spec.layouts)[-2 if "strided" in trial.spec.layouts else 0]
        for check in (_writing_problems, _repetition_problems, _destination_problems):
            try:
                found += [f"{call.case.name}: {problem}" for problem in check(call, layout)]
            except Exception as error:  # noqa: BLE001 - a kernel may raise anything; it accepted the call
                found.append(f"{call.case.name}: raised {type(error).__name__}: {error}")
    if accepted:
        found += _thread_problems(max(accepted, key=_size))
    if trial.spec.binding == "per_dtype":
        found += _binding_problems(accepted)
    return found


def _size(call: Call) -> int:
    return sum(array.size for array in call.inputs if array is not None)


def _writing_problems(call: Call, layout: str) -> list[str]:
    placed = [None if array is None else place(array, layout) for array in call.inputs]
    before = [None if one is None else one.snapshot() for one in placed]
    call.run(*[None if one is None else one.array for one in placed])
    found = []
    for number, (one, bytes_before) in enumerate(zip(placed, before, strict=True)):
        if one is not None and one.strays():
            found.append(f"wrote {one.strays()} bytes around input {number}")
        elif one is not None and one.snapshot() != bytes_before:
            found.append(f"wrote into input {number}")
    return found


def _repetition_problems(call: Call, layout: str) -> list[str]:
    if not call.trial.spec.deterministic:
        return []
    inputs = [None if array is None else place(array, layout).array for array in call.inputs]
    for array in inputs:
        if array is not None:
            array.flags.writeable = False
    first = _bytes_of(call, call.run(*inputs))
    if any(_bytes_of(call, call.run(*inputs)) != first for _ in range(REPETITIONS - 1)):
        return ["is declared deterministic, but gave other results for the same inputs"]
    return []


def _bytes_of(call: Call, given: Any) -> list[bytes]:
    return [result.tobytes() for result in as_results(given, several=call.several)]


def _destination_problems(call: Call, layout: str) -> list[str]:
    kernel, metas = call.outcome, call.meta.results
    if not supports_destination(kernel) or any(UNKNOWN_SIZE in meta.shape for meta in metas):
        return []
    inputs = [None if array is None else place(array) for array in call.inputs]
    outputs = [place_empty(meta.shape, numpy_dtype(meta.dtype.name)) for meta in metas]
    before = [None if one is None else one.snapshot() for one in inputs]
    arrays = [None if one is None else one.array for one in inputs]
    with np.errstate(all="ignore"):
        kernel.into(tuple(output.array for output in outputs), tuple(arrays))
    found = []
    expected = _bytes_of(call, call.run(*arrays))
    for number, (output, right) in enumerate(zip(outputs, expected, strict=True)):
        if output.strays():
            found.append(f"into wrote {output.strays()} bytes outside of output {number}")
        if output.array.tobytes() != right:
            found.append(f"into wrote another output {number} than the call gives")
    for number, (one, bytes_before) in enumerate(zip(inputs, before, strict=True)):
        if one is not None and one.snapshot() != bytes_before:
            found.append(f"into wrote into or around input {number}")
    return found


def _thread_problems(call: Call) -> list[str]:
    """Two threads with different inputs: memory that calls share would mix them up."""
    if not call.trial.spec.deterministic:
        return []
    found: list[str] = []

    def run(inputs: tuple[Buffer | None, ...], alone: list[bytes]) -> None:
        if any(_bytes_of(call, call.run(*inputs)) != alone for _ in range(REPETITIONS)):
            found.append(f"{call.case.name}: gave other results while another thread ran it too")

    inputs_of_each = (call.inputs, _others(call))
    raised = in_threads([partial(run, inputs, _bytes_of(call, call.run(*inputs))) for inputs in inputs_of_each])
    found += [f"{call.case.name}: raised in two threads {type(error).__name__}: {error}" for error in raised]
    return found[:1]


def _others(call: Call) -> tuple[Buffer | None, ...]:
    """Inputs of the same shapes and other values; the same where the kernel doesn't take those (sorted ones, say)."""
    inputs = tuple(None if array is None else place(np.flip(array)).array for array in call.inputs)
    return inputs if _runs(call, inputs) else call.inputs


def _binding_problems(calls: list[Call]) -> list[str]:
    """A per_dtype kernel serves other shapes of the same dtypes, attributes and ranks, and refuses invalid ones."""
    found: list[str] = []
    groups: dict[Any, Call] = {}
    for call in calls:
        first = groups.setdefault(_key(call), call)
        if first is not call:
            found += _other_shapes_problems(first, call)
        found += _invalid_shapes_problems(call)
    return found


def _key(call: Call) -> Any:
    ranks = tuple(None if meta is None else (meta.dtype, meta.ndim) for meta in call.meta.operands)
    return ranks, tuple(call.meta.attributes.items())


def _other_shapes_problems(first: Call, call: Call) -> list[str]:
    if len(first.meta.results) != len(call.meta.results):
        return []
    try:
        given = first.run(*call.inputs)
    except Exception as error:  # noqa: BLE001 - a kernel may raise anything; it said that it serves all shapes
        return [f"binding per_dtype: bound for {first.case.name}, it raised for {call.case.name}: {error}"]
    if _bytes_of(call, given) == _bytes_of(call, call.run(*call.inputs)):
        return []
    return [f"binding per_dtype: bound for {first.case.name}, it gives another result for {call.case.name}"]


def _invalid_shapes_problems(call: Call) -> list[str]:
    """Grows the last axis of one operand at a time; where `infer` refuses the call, the kernel must raise."""
    found = []
    for place_of, array in enumerate(call.inputs):
        if array is None or array.ndim == 0 or array.size == 0:
            continue
        inputs = list(call.inputs)
        inputs[place_of] = place(np.concatenate([array, array[..., :1]], axis=-1)).array
        if _is_valid(call, inputs) or not _runs(call, inputs):
            continue
        shapes = ", ".join("None" if one is None else str(one.shape) for one in inputs)
        found.append(f"binding per_dtype: {call.case.name}: took shapes {shapes}, which infer refuses, without a word")
    return found


def _is_valid(call: Call, inputs: Sequence[Buffer | None]) -> bool:
    try:
        call_meta(call.trial.operation, inputs, call.meta.attributes, call.trial.spec.device)
    except DovetailError:
        return False
    return True


def _runs(call: Call, inputs: Sequence[Buffer | None]) -> bool:
    try:
        call.run(*inputs)
    except Exception:  # noqa: BLE001 - raising is what is asked of it
        return False
    return True
