"""Traces as plain data, for those who keep them in files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from dovetail_protocols.errors import ShapeError, SignatureError
from dovetail_protocols.functions import ExportedFunction, Slot
from dovetail_protocols.graph_templates import GraphTemplate, map_sizes
from dovetail_protocols.size_formulas import Formula

from . import nested, patterns
from .arguments import Arguments
from .leaves import Unkept
from .symbolic import Sizes, is_unknown
from .traces import FunctionTrace

if TYPE_CHECKING:
    from .function import Function

LIMIT = 4
"""Unknown sizes of a trace for which all combinations of size 1 are looked at."""


def exported(function: Function, trace: FunctionTrace) -> list[ExportedFunction]:
    """A trace as plain data, after those for sizes of 1 that it doesn't serve itself.

    Raises: SignatureError where it was made for an object among the arguments.
    """
    _refuse_objects(function, trace.arguments)
    return [_as_data(function, one) for one in (*_for_single_sizes(function, trace), trace)]


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


def _for_single_sizes(function: Function, trace: FunctionTrace) -> list[FunctionTrace]:
    """A size 1 broadcasts, so that a trace made at another seldom serves it: traces for unknown sizes that are 1.

    Where the function refuses such a size there is none.
    """
    made: list[FunctionTrace] = []
    for chosen in _choices(trace.unknown_count):
        sizes = tuple(1 if place in chosen else hint for place, hint in enumerate(trace.sizes.hints))
        pattern = _closed(trace, chosen)
        shapes = patterns.filled(trace.pattern, sizes)
        if any(one.unknown_sizes(shapes) is not None for one in (trace, *made)):
            continue
        arguments = trace.arguments.with_shapes(pattern)
        try:
            made.append(function._families.exact(arguments, pattern) or function._trace(arguments, pattern))
        except ShapeError:
            continue
    return made[::-1]  # those with most sizes of 1 first


def _choices(count: int) -> Iterator[frozenset[int]]:
    if count <= LIMIT:
        for chosen in range(1, count + 1):
            yield from map(frozenset, combinations(range(count), chosen))


def _closed(trace: FunctionTrace, chosen: frozenset[int]) -> patterns.Pattern:
    """The pattern of a trace with some of its unknown sizes known to be 1."""
    places = iter(range(trace.unknown_count))
    return tuple(
        tuple(1 if size is None and next(places) in chosen else size for size in shape) for shape in trace.pattern
    )


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
