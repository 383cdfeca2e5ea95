"""The buffers of variables around a call: taken where they may be overwritten, and exchanged at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations import reshape
from dovetail_protocols.roles import VariableLike

from .execution.planning import Planner


def take_buffers(
    variables: Sequence[Any], copies: Mapping[int, Callable[[Any], Any]]
) -> tuple[list[Any], list[tuple[VariableLike, Any]]]:
    """A buffer for each variable, and those that were taken out of theirs: put them back, or others in their place.

    The variables at the places in `copies` give buffers that may be overwritten: their own where nobody else holds it,
    a copy otherwise.
    """
    states: list[Any] = []
    taken: list[tuple[VariableLike, Any]] = []
    try:
        for place, variable in enumerate(variables):
            buffer = variable.take() if place in copies else variable.payload
            if buffer is None:
                buffer = copies[place](variable.payload)
            elif place in copies:
                taken.append((variable, buffer))
            states.append(buffer)
    except BaseException:
        for variable, buffer in taken:
            variable.replace(buffer)
        raise
    return states, taken


def replace_all(
    variables: Sequence[VariableLike], buffers: Sequence[Any], taken: Sequence[tuple[VariableLike, Any]] = ()
) -> None:
    """Gives every variable its new buffer, or, where one refuses, none. `taken`: those whose buffer is out."""
    away = {id(variable): buffer for variable, buffer in taken}
    before = [
        away[id(variable)] if id(variable) in away else variable.payload  # noqa: SIM401 - reading one of them raises
        for variable in variables
    ]
    try:
        for variable, buffer in zip(variables, buffers, strict=True):
            variable.replace(buffer)
    except BaseException:
        for variable, buffer in zip(variables, before, strict=True):
            variable.replace(buffer)
        raise


def copying(meta: TensorMeta) -> Callable[[Any], Any]:
    """What copies buffers of one meta, by the kernel of `reshape`."""
    attributes = bind_attributes(reshape, {"shape": meta.shape, "copy": True})
    inside, outside = Value(0, meta), Value(1, meta)
    graph = Graph("copy", (inside,), (Node(reshape, (inside,), (outside,), attributes),), (outside,))
    program = Planner(()).plan(graph).program
    return lambda buffer: program(buffer)[0]
