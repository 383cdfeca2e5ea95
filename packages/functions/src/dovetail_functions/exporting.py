"""Traces as plain data, for those who keep them in files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dovetail_protocols.default_device import device
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.functions import ExportedFunction, Slot
from dovetail_protocols.graph_templates import GraphTemplate, map_sizes
from dovetail_protocols.size_formulas import COMPARISONS, Formula

from . import nested, patterns
from .arguments import Arguments
from .leaves import Unkept
from .symbolic import Sizes, is_unknown
from .traces import FunctionTrace

if TYPE_CHECKING:
    from .function import Function

LIMIT = 16
"""Traces that are made for special sizes of one trace."""
MOST = 1 << 24
"""Above this no size is special: what is compared with more is the range of an integer dtype."""


def exported(function: Function, trace: FunctionTrace) -> list[ExportedFunction]:
    """A trace as plain data, and after it those for special sizes that it doesn't serve itself.

    Raises: SignatureError where it was made for an object among the arguments.
    """
    _refuse_objects(function, trace.arguments)
    return [_as_data(function, one) for one in (trace, *_for_special_sizes(function, trace))]


def _as_data(function: Function, trace: FunctionTrace) -> ExportedFunction:
    arguments = trace.arguments
    count = len(arguments.places)
    return ExportedFunction(
        function.name,
        function._convention.signature,
        arguments.rebuild([Slot(number) for number in range(count)]),
        tuple(arguments.names()),
        trace.result.rebuild([Slot(number) for number in range(trace.result_count)]),
        _template(trace),
        trace.variables,
    )


def _template(trace: FunctionTrace) -> GraphTemplate:
    sizes = trace.sizes
    graph = map_sizes(trace.graph, lambda value: _with_formulas(value, sizes))
    return GraphTemplate(graph, sizes.hints, tuple(sizes.guards.items()))


def _with_formulas(value: Any, sizes: Sizes) -> Any:
    """The value with every Dim of a trace in it, also in tuples, as a formula."""
    if is_unknown(value):
        return Formula(value.expression) if value.sizes is sizes else value
    return tuple([_with_formulas(item, sizes) for item in value]) if type(value) is tuple else value


def _for_special_sizes(function: Function, trace: FunctionTrace) -> list[FunctionTrace]:
    """Who loads a trace has no Python to trace it anew where a guard refuses a size. So there are traces for the sizes
    that guards single out, see `_changes`.

    Where the function refuses such a size there is none.
    """
    made: list[FunctionTrace] = []
    pending, seen = [trace], {trace.sizes.hints}
    while pending:
        for sizes in _special_sizes(pending.pop()):
            shapes = patterns.filled(trace.pattern, sizes)
            if sizes in seen or any(one.unknown_sizes(shapes) is not None for one in (trace, *made)):
                continue
            seen.add(sizes)
            try:
                with device(trace.arguments.current_device):
                    found = function._trace(trace.arguments.with_shapes(tuple(shapes)), trace.pattern)
            except Exception:  # noqa: BLE001 - a function may refuse a size by any error; then that size is not served
                continue
            made.append(found)
            pending.append(found)
            if len(made) == LIMIT:
                return made
    return made


def _special_sizes(trace: FunctionTrace) -> Iterator[tuple[int, ...]]:
    """The hints of a trace with one size changed to what its guards single out, alone and together with those that
    equal it."""
    hints = trace.sizes.hints
    for place, size in dict.fromkeys(_changes(trace)):
        if 1 <= size <= MOST:
            yield (*hints[:place], size, *hints[place + 1 :])
            yield tuple(size if known == hints[place] else known for known in hints)


def _changes(trace: FunctionTrace) -> Iterator[tuple[int, int]]:
    """Unknown sizes, by place, and what else they might be: 1, which broadcasts; a number or size that they are
    compared with, and its neighbors; the next sizes, where a remainder is compared."""
    hints = trace.sizes.hints
    yield from ((place, 1) for place in range(len(hints)))
    for guard in trace.sizes.guards:
        if type(guard) is not tuple or guard[0] not in COMPARISONS:
            continue
        for one, other in (guard[1:], guard[:0:-1]):
            if type(one) is not tuple:
                continue
            if one[0] == "size" and (type(other) is int or other[0] == "size"):
                number = other if type(other) is int else hints[other[1]]
                yield from ((one[1], number + step) for step in (0, -1, 1))
            if one[0] == "mod" and type(one[1]) is tuple and one[1][0] == "size" and type(one[2]) is int:
                place = one[1][1]
                yield from ((place, hints[place] + step) for step in range(1, min(one[2], LIMIT)))


def _refuse_objects(function: Function, arguments: Arguments) -> None:
    for path, leaf in zip(nested.leaf_paths(arguments.structure), arguments.leaves, strict=True):
        if isinstance(leaf, Unkept):
            raise SignatureError(
                f"a trace of {function.name!r} is for an object, so it can't be kept in a file",
                where=f"argument {arguments.name_of(path)}",
                expected="tensors, numbers, strings, None, and containers of these",
                got=f"a {leaf.kind}",
                fix="close over the object, or make it an attribute of the module whose method this is",
            )
