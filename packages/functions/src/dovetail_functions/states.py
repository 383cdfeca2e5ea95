"""The variables around a call: buffers taken where they may be overwritten, and exchanged at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.devices import device_package
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

    __slots__ = ("_assigned", "_places", "_replacing", "_sources", "_variables")

    def __init__(
        self,
        variables: Sequence[VariableLike],
        assigned: Sequence[VariableLike],
        copies: Mapping[int, Callable[[Any], Any]],
    ) -> None:
        taking: Sequence[Any] = variables
        self._variables, self._assigned = tuple(variables), tuple(assigned)
        self._sources = [
            (place, taking[place].take if place in copies else None, copies.get(place), variable)
            for place, variable in enumerate(variables)
        ]
        self._replacing = [variable.replace for variable in assigned]
        order = {id(variable): place for place, variable in enumerate(variables)}
        self._places = tuple(order[id(variable)] for variable in assigned)

    def run(self, program: Callable[..., tuple[Any, ...]], buffers: Sequence[Any]) -> tuple[Any, ...]:
        """What a program gives for some buffers and those of the variables; its last outputs are their new ones.

        A variable whose buffer may be overwritten gives its own where nobody else holds it, a copy otherwise. Where
        anything raises, every variable has the buffer that it had.
        """
        given = [*buffers]
        copied: dict[int, Any] = {}
        try:
            for place, take, copy, variable in self._sources:
                if take is None:
                    given.append(variable.payload)
                    continue
                buffer = take()
                if buffer is None and copy is not None:
                    copied[place] = variable.payload
                    buffer = copy(copied[place])
                given.append(buffer)
            outputs = program(*given)
        except BaseException:
            for (place, take, _, variable), buffer in zip(self._sources, given[len(buffers) :], strict=False):
                if take is not None and place not in copied:
                    variable.replace(buffer)
            raise
        if self._assigned:
            try:
                for replace, buffer in zip(self._replacing, outputs[-len(self._replacing) :], strict=True):
                    replace(buffer)
            except BaseException:
                self._put_back(given[len(buffers) :], copied)
                raise
        return outputs

    def _put_back(self, given: Sequence[Any], copied: Mapping[int, Any]) -> None:
        """Gives every assigned variable the buffer that it had."""
        for variable, place in zip(self._assigned, self._places, strict=True):
            with suppress(Exception):  # the one that refused its new value may refuse this one too
                variable.replace(copied.get(place, given[place]))


def copying(meta: TensorMeta) -> Callable[[Any], Any]:
    """What copies buffers of one meta: the device's package, on the CPU the kernel of `reshape`."""
    if meta.device.kind != "cpu":
        package: Any = device_package(meta.device.kind)  # it offers SupportsDonation, or none would be copied
        copy: Callable[[Any], Any] = package.copy
        return copy
    attributes = bind_attributes(reshape, {"shape": meta.shape, "copy": True})
    inside, outside = Value(0, meta), Value(1, meta)
    graph = Graph("copy", (inside,), (Node(reshape, (inside,), (outside,), attributes),), (outside,))
    program = Planner(()).plan(graph).program
    return lambda buffer: program(buffer)[0]
