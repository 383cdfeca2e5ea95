"""What an operation promises beside numbers: documentation, shape rules that refuse in the agreed way and only what the
decomposition can't do, and a call that survives the graph's JSON form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from dovetail_protocols.errors import DovetailError
from dovetail_protocols.graph import evaluate
from dovetail_protocols.graph_json import from_json, to_json
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.registry import find_operation
from dovetail_protocols.tracing import trace

from ..calls import Call, Trial, as_results, calls_of
from ..graphs import graph_of
from .gradients import as_tensor, without_trailing

FORMULA = re.compile(r"[=+*/^·×−√Σ∏∫≤≥<>²³⁻½|]|\w\(\w")
"""What shows that a text says how a result follows from operands: a sign of arithmetic, or a function of something."""

Metas = tuple[TensorMeta | None, ...]


def documentation_problems(operation: Operation) -> list[str]:
    """What the documentation of an operation lacks."""
    text = (operation.__doc__ or "").strip()
    if not text:
        return [f"{operation.name} has no documentation; write a docstring that begins with what it computes"]
    found = []
    if FORMULA.search(text) is None:
        found.append(f"{operation.name}: the documentation has no formula of what it computes")
    if find_operation(operation.name, operation.version) is not operation:
        found.append(f"{operation.name} version {operation.version} is another operation in the registry")
    return found


# ---------------------------------------------------------------------- refusals


def refusal_problems(trial: Trial) -> list[str]:
    """Where `infer` raises something else than a DovetailError, or takes a call that the decomposition can't run.

    Each call is tried with one operand's shape, or one attribute, changed at a time.
    """
    found: dict[str, None] = {}
    for call in calls_of(trial):
        for metas, attributes in _changed(call):
            text = _refusal_problem(trial.operation, metas, attributes)
            if text is not None:
                found[f"{call.case.name}, changed to {_shown(metas, attributes)}: {text}"] = None
    return list(found)


def _changed(call: Call) -> Iterator[tuple[Metas, Mapping[str, Any]]]:
    metas, attributes = call.meta.operands, call.meta.attributes
    for place, meta in enumerate(metas):
        if meta is not None:
            for shape in _shapes_near(meta.shape):
                yield (*metas[:place], TensorMeta(shape, meta.dtype, meta.device), *metas[place + 1 :]), attributes
    for name, value in attributes.items():
        if isinstance(value, int) and not isinstance(value, bool):
            yield metas, {**attributes, name: 1_000_000}
            yield metas, {**attributes, name: -1_000_000}


def _shapes_near(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """One axis longer, each in turn; the first or last axis left out; one axis more; none; an empty one."""
    for place, size in enumerate(shape):
        yield (*shape[:place], size + 1, *shape[place + 1 :])
    if shape:
        yield shape[1:]
        yield shape[:-1]
        yield ()
        yield (*shape[:-1], 0)
    yield (2, *shape)


def _refusal_problem(operation: Operation, metas: Metas, attributes: Mapping[str, Any]) -> str | None:
    try:
        inferred = operation.infer_with_values(metas, attributes)
    except DovetailError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever a rule may raise, it is told
        return (
            f"infer raised {type(error).__name__}: {error}; raise a DovetailError (ShapeError, AttributeValueError, …)"
        )
    if operation.is_primitive or operation.data_dependent:
        return None
    if any(meta is not None and meta.size > 1_000_000 for meta in (*metas, *_tuple(inferred))):
        return None  # an attribute that makes the result so large says nothing of shapes
    return _decomposition_problem(operation, metas, attributes, _tuple(inferred))


def _decomposition_problem(
    operation: Operation, metas: Metas, attributes: Mapping[str, Any], inferred: tuple[TensorMeta, ...]
) -> str | None:
    """Whether the decomposition, traced on these metas, gives what `infer` says."""
    places = [place for place, meta in enumerate(metas) if meta is not None]

    def decomposed(*arrays: Any) -> tuple[Any, ...]:
        operands: list[Any] = [None] * len(metas)
        for place, array in zip(places, arrays, strict=True):
            operands[place] = array
        return _tuple(operation.decompose(*operands, **attributes))

    try:
        traced = trace(decomposed, [meta for meta in metas if meta is not None])
    except Exception as error:  # noqa: BLE001 - whatever a decomposition may raise, it is told
        return f"infer takes the call, the decomposition doesn't: {type(error).__name__}: {error}"
    given = tuple(value.meta for value in traced.graph.outputs)
    if given != inferred:
        return f"infer says {_listed(inferred)}, the decomposition gives {_listed(given)}"
    return None


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def _listed(metas: tuple[TensorMeta | None, ...]) -> str:
    return ", ".join(str(meta) for meta in metas)


def _shown(metas: Metas, attributes: Mapping[str, Any]) -> str:
    return f"({', '.join([_listed(metas), *(f'{name}={value!r}' for name, value in attributes.items())])})"


# ---------------------------------------------------------------------- the graph's JSON form


def graph_form_problems(trial: Trial) -> list[str]:
    """Whether each call, as a graph of one node, is the same after JSON, and gives the same."""
    if trial.operation.data_dependent:
        return []
    found = []
    for call in calls_of(trial):
        try:
            with np.errstate(all="ignore"):
                found += [f"{call.case.name}: {text}" for text in _graph_form_problems(call)]
        except DovetailError as error:
            found.append(f"{call.case.name}: the call has no JSON form: {error}")
    return found


def _graph_form_problems(call: Call) -> list[str]:
    graph, given = graph_of(call.meta)
    text = to_json(graph)
    read = from_json(text)
    if to_json(read) != text:
        return ["the call is another one after to_json and from_json"]
    arrays = [as_tensor(call.inputs[place]) for place in given]
    results = [np.asarray(result.payload) for result in evaluate(read, tuple(arrays))]
    expected = as_results(call.run(*call.inputs), several=call.several)
    if any(one.tobytes() != other.tobytes() for one, other in zip(results, expected, strict=True)):
        return ["the graph read from JSON gives another result than the call"]
    return []


# ---------------------------------------------------------------------- how a trial runs


def as_the_user_calls_it(call: CallMeta) -> Callable[..., Any]:
    """An implementation that calls the operation, so that whatever kernel is chosen runs, or the decomposition."""
    return lambda *inputs: _buffers(
        call.operation(*without_trailing([_operand(one) for one in inputs]), **call.attributes)
    )


def as_decomposed(call: CallMeta) -> Callable[..., Any]:
    """An implementation that runs the decomposition."""
    return lambda *inputs: _buffers(call.operation.decompose(*map(_operand, inputs), **call.attributes))


def _operand(array: Any) -> Any:
    return None if array is None else as_tensor(array)


def _buffers(results: Any) -> Any:
    if isinstance(results, tuple):
        return tuple(np.asarray(result.payload) for result in results)
    return np.asarray(results.payload)
