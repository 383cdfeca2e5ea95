"""How a sum of products over labelled axes is computed two operands at a time, as matrix products where possible.

`plan` looks at shapes only; `execute` follows a plan with whatever functions it is given: operations, or a kernel
package's own.
"""

from __future__ import annotations

from ..records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol

    Term = tuple[str, ...]

    class Algebra(Protocol):
        """What `execute` needs of arrays."""

        def diagonal(self, x: Any, axis1: int, axis2: int) -> Any:
            """The elements whose places on two axes are equal, along a new last axis."""

        def reshape(self, x: Any, shape: tuple[int, ...]) -> Any: ...
        def permute(self, x: Any, axes: tuple[int, ...]) -> Any: ...
        def sum(self, x: Any, axes: tuple[int, ...]) -> Any: ...
        def multiply(self, left: Any, right: Any) -> Any: ...
        def matmul(self, left: Any, right: Any) -> Any: ...


@record
class Preparation:
    """What happens to one operand before it meets others: diagonals of repeated labels, then axes of size 1 that
    broadcast dropped (`shape` without them), then sums over labels that nobody else has."""

    diagonals: tuple[tuple[int, int], ...]
    shape: tuple[int, ...] | None
    sums: tuple[int, ...]


@record
class Pairing:
    """One product of two operands, by their places in the list of those left; the result goes to its end.

    Both are permuted (None: as they are) and reshaped, then multiplied as matrices, or, where no label is summed,
    element by element, and reshaped to `shape`.
    """

    left: int
    right: int
    left_axes: tuple[int, ...] | None
    right_axes: tuple[int, ...] | None
    left_shape: tuple[int, ...]
    right_shape: tuple[int, ...]
    shape: tuple[int, ...]
    is_matmul: bool


@record
class Plan:
    """The whole way: each operand prepared, pairs multiplied in turn, the last result's axes put in order."""

    preparations: tuple[Preparation, ...]
    pairings: tuple[Pairing, ...]
    axes: tuple[int, ...] | None


def plan(terms: Sequence[Term], output: Term, sizes: Mapping[str, int], shapes: Sequence[tuple[int, ...]]) -> Plan:
    """The steps for operands whose axes carry the labels of `terms`; labels not in `output` are summed."""
    prepared: list[Term] = []
    preparations = []
    for place, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        others = {label for other, labels in enumerate(terms) if other != place for label in labels}
        preparation, left = _prepare(term, shape, sizes, others | set(output))
        preparations.append(preparation)
        prepared.append(left)
    pairings = []
    while len(prepared) > 1:
        first, second = _cheapest_pair(prepared, output, sizes)
        kept = set(output).union(*(term for place, term in enumerate(prepared) if place not in (first, second)))
        pairing, result = _pair(first, second, prepared[first], prepared[second], kept, sizes)
        pairings.append(pairing)
        prepared = [term for place, term in enumerate(prepared) if place not in (first, second)] + [result]
    return Plan(tuple(preparations), tuple(pairings), _order(prepared[0], output))


def _prepare(
    term: Term, shape: tuple[int, ...], sizes: Mapping[str, int], wanted: set[str]
) -> tuple[Preparation, Term]:
    labels, extents = list(term), list(shape)
    diagonals = []
    for label in term:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            diagonals.append((first, second))
            extent = extents[first]
            for axis in (second, first):
                del labels[axis], extents[axis]
            labels.append(label)
            extents.append(extent)
    stretched = [place for place, label in enumerate(labels) if extents[place] != sizes[label]]
    labels = [label for place, label in enumerate(labels) if place not in stretched]
    remaining = tuple(extent for place, extent in enumerate(extents) if place not in stretched)
    sums = tuple(place for place, label in enumerate(labels) if label not in wanted)
    left = tuple(label for label in labels if label in wanted)
    return Preparation(tuple(diagonals), remaining if stretched else None, sums), left


def _cheapest_pair(terms: Sequence[Term], output: Term, sizes: Mapping[str, int]) -> tuple[int, int]:
    """The pair whose product adds least to what must be held, the earliest of equals.

    Source: opt_einsum, greedy path.
    """
    if len(terms) == 2:
        return 0, 1
    best: tuple[int, int] | None = None
    least: Any = None
    for first in range(len(terms)):
        for second in range(first + 1, len(terms)):
            kept = set(output).union(*(term for place, term in enumerate(terms) if place not in (first, second)))
            result = dict.fromkeys(label for label in terms[first] + terms[second] if label in kept)
            cost = _volume(result, sizes) - _volume(terms[first], sizes) - _volume(terms[second], sizes)
            if least is None or cost < least:
                best, least = (first, second), cost
    assert best is not None
    return best


def _volume(labels: Any, sizes: Mapping[str, int]) -> int:
    volume = 1
    for label in labels:
        volume = volume * sizes[label]
    return volume


def _pair(
    first: int, second: int, left: Term, right: Term, kept: set[str], sizes: Mapping[str, int]
) -> tuple[Pairing, Term]:
    shared = [label for label in left if label in right]
    batch = [label for label in shared if label in kept]
    summed = [label for label in shared if label not in kept]
    rows = [label for label in left if label not in shared]
    columns = [label for label in right if label not in shared]
    batch_shape = tuple(sizes[label] for label in batch)
    if summed:
        left_shape = (*batch_shape, _volume(rows, sizes), _volume(summed, sizes))
        right_shape = (*batch_shape, _volume(summed, sizes), _volume(columns, sizes))
    else:
        left_shape = (*batch_shape, *(sizes[label] for label in rows), *(1 for _ in columns))
        right_shape = (*batch_shape, *(1 for _ in rows), *(sizes[label] for label in columns))
    result = (*batch, *rows, *columns)
    pairing = Pairing(
        first,
        second,
        _order(left, (*batch, *rows, *summed)),
        _order(right, (*batch, *summed, *columns)),
        left_shape,
        right_shape,
        tuple(sizes[label] for label in result),
        bool(summed),
    )
    return pairing, result


def _order(term: Term, wanted: Term) -> tuple[int, ...] | None:
    axes = tuple(term.index(label) for label in wanted)
    return None if axes == tuple(range(len(axes))) else axes


def execute(followed: Plan, operands: Sequence[Any], algebra: Algebra) -> Any:
    """What a plan gives for some operands."""
    left = [_prepared(x, step, algebra) for x, step in zip(operands, followed.preparations, strict=True)]
    for pairing in followed.pairings:
        product = _product(left[pairing.left], left[pairing.right], pairing, algebra)
        left = [x for place, x in enumerate(left) if place not in (pairing.left, pairing.right)] + [product]
    return left[0] if followed.axes is None else algebra.permute(left[0], followed.axes)


def _prepared(x: Any, step: Preparation, algebra: Algebra) -> Any:
    for axis1, axis2 in step.diagonals:
        x = algebra.diagonal(x, axis1, axis2)
    if step.shape is not None:
        x = algebra.reshape(x, step.shape)
    return algebra.sum(x, step.sums) if step.sums else x


def _product(left: Any, right: Any, pairing: Pairing, algebra: Algebra) -> Any:
    if pairing.left_axes is not None:
        left = algebra.permute(left, pairing.left_axes)
    if pairing.right_axes is not None:
        right = algebra.permute(right, pairing.right_axes)
    left, right = algebra.reshape(left, pairing.left_shape), algebra.reshape(right, pairing.right_shape)
    if not pairing.is_matmul:
        return algebra.multiply(left, right)
    return algebra.reshape(algebra.matmul(left, right), pairing.shape)
