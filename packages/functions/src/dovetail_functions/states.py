"""The variables around a call: buffers taken where they may be overwritten, and exchanged at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations import reshape
from dovetail_protocols.roles import VariableLike

from .execution.planning import Planner


class States:
    """The variables of a call: how their buffers come in, and how new ones take their place.

    `variables` are all of them, `assigned` those that get new values. `copies`: what copies a buffer, by the place of
    each variable whose buffer may be overwritten.
    """

    __slots__ = ("_assigned", "_places", "_sources", "_variables")

    def __init__(
        self,
        variables: Sequence[VariableLike],
        assigned: Sequence[VariableLike],
        copies: Mapping[int, Callable[[Any], Any]],
    ) -> None:
        self._variables: Sequence[Any] = variables
        self._sources: list[tuple[Any, Callable[[Any], Any] | None]] = [
            (variable, copies.get(place)) for place, variable in enumerate(variables)
        ]
        self._assigned = tuple(assigned)
        order = {id(variable): place for place, variable in enumerate(variables)}
        self._places = tuple(order[id(variable)] for variable in assigned)

    def run(self, program: Callable[..., tuple[Any, ...]], buffers: Sequence[Any]) -> tuple[Any, ...]:
        """What a program gives for some buffers and those of the variables; its last outputs are their new ones.

        A variable whose buffer may be overwritten gives its own where nobody else holds it, a copy otherwise. Where
        anything raises, every variable has the buffer that it had.
        """
        before: list[Any] = []
        given = list(buffers)
        taken: list[int] = []
        try:
            for variable, copy in self._sources:
                buffer = None if copy is None else variable.take()
                if buffer is not None:
                    taken.append(len(before))
                    given.append(buffer)
                else:
                    buffer = variable.payload
                    given.append(buffer if copy is None else copy(buffer))
                before.append(buffer)
            outputs = program(*given)
        except BaseException:
            for place in taken:
                self._variables[place].replace(before[place])
            raise
        if self._assigned:
            self._replace(outputs[len(outputs) - len(self._assigned) :], before)
        return outputs

    def _replace(self, buffers: Sequence[Any], before: Sequence[Any]) -> None:
        """Gives every assigned variable its new buffer, or, where one refuses, none."""
        try:
            for variable, buffer in zip(self._assigned, buffers, strict=True):
                variable.replace(buffer)
        except BaseException:
            for variable, place in zip(self._assigned, self._places, strict=True):
                with suppress(Exception):  # the one that refused its new value may refuse this one too
                    variable.replace(before[place])
            raise


def copying(meta: TensorMeta) -> Callable[[Any], Any]:
    """What copies buffers of one meta, by the kernel of `reshape`."""
    attributes = bind_attributes(reshape, {"shape": meta.shape, "copy": True})
    inside, outside = Value(0, meta), Value(1, meta)
    graph = Graph("copy", (inside,), (Node(reshape, (inside,), (outside,), attributes),), (outside,))
    program = Planner(()).plan(graph).program
    return lambda buffer: program(buffer)[0]
