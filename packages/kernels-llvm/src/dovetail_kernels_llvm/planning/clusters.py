"""From a group of operations to the cluster that a kernel computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dovetail_protocols.records import replace

from ..kernels.cluster import COLUMN, CONSTANT, FULL, LOAD, ONE, PRODUCT, ROW, Cluster, Store, Term
from ..kernels.kernel import View
from .fusion import Group
from .ops import Op, Value
from .views import broadcast, merged_axes


def columns_of(group: Group, views: Sequence[View]) -> int:
    """How many trailing axes of a group's domain are its columns: what a reduction says, one for a product, else as
    many as lie evenly in all views (given in the shape of the domain)."""
    if group.product is not None:
        return 1
    if group.columns is not None:
        return group.columns
    count = min(1, len(group.domain))
    while count < len(group.domain) and all(len(_tail(view, count + 1)) <= 1 for view in views):
        count += 1
    return count


def _tail(view: View, count: int) -> list[tuple[int, int]]:
    ndim = len(view.shape)
    return merged_axes(replace(view, shape=view.shape[ndim - count :], strides=view.strides[ndim - count :]))


def flattened(view: View, columns: int) -> View | None:
    """A view of a domain's shape with its last `columns` axes made one; None where they don't lie evenly."""
    ndim = len(view.shape)
    tail = _tail(view, columns)
    if len(tail) > 1:
        return None
    size = 1
    for one in view.shape[ndim - columns :]:
        size *= one
    rows = [0 if one == 1 else stride for one, stride in zip(view.shape, view.strides, strict=True)][: ndim - columns]
    return replace(view, shape=(*view.shape[: ndim - columns], size), strides=(*rows, tail[0][1] if tail else 0))


class ClusterBuilder:
    """Builds the cluster of a group.

    `look_through` gives the value that another is a mere reshape of; `number_of` the Python number that a value is
    everywhere, if it is one; `view` the view of a value that comes from outside, in a shape that broadcasts to the
    domain; `contiguous` a copy of a view. `stored`: the views of the results, by number of value.
    """

    def __init__(
        self,
        group: Group,
        look_through: Callable[[Value], Value],
        number_of: Callable[[Value], Any],
        view: Callable[[Value], View],
        contiguous: Callable[[View], View],
        stored: Mapping[int, View],
    ) -> None:
        self.group, self.look_through, self.number_of, self.view = group, look_through, number_of, view
        self.contiguous = contiguous
        self.terms: list[Term] = []
        self._made = {output.number: op for _, op in group.ops for output in op.outputs}
        self._place: dict[Any, int] = {}
        self._loads = self._outside()
        written = [view for number, view in stored.items() if group.spaces[number] == FULL]
        self.columns = columns_of(group, [*self._loads.values(), *written])

    def _outside(self) -> dict[tuple[int, str], View]:
        """The views of all values from outside, in the domain's shape."""
        found: dict[tuple[int, str], View] = {}
        for _, op in self.group.ops:
            if op is self.group.product:
                continue
            space = ROW if self.group.spaces[op.outputs[0].number] == ROW and op.name not in _REDUCING else FULL
            for value in op.given:
                if self._inner(value) is None and self.number_of(value) is None:
                    found[value.number, space] = self._in_domain(value, space)
        return found

    def _in_domain(self, value: Value, space: str) -> View:
        view = self.view(value)
        domain = self.group.domain
        if space == ROW:
            kept, dropped = self.group.row_shapes()
            if len(view.shape) <= len(dropped) and view.shape != kept and self._fits(view.shape, dropped):
                view = replace(
                    view,
                    shape=(*view.shape, *(1,) * (len(kept) - len(dropped))),
                    strides=(*view.strides, *(0,) * (len(kept) - len(dropped))),
                )
        return broadcast(view, domain)

    def _fits(self, shape: tuple[int, ...], rows: tuple[int, ...]) -> bool:
        return all(one in (1, other) for one, other in zip(reversed(shape), reversed(rows), strict=False))

    def _inner(self, value: Value) -> Value | None:
        """The value of the group that an operand is, if it is one."""
        if value.number in self._made:
            return value
        base = self.look_through(value)
        if base.number in self._made and self.group.spaces[base.number] == ROW:
            return base
        return None

    # ------------------------------------------------------------------ terms

    def build(self, stored: Mapping[int, View]) -> Cluster:
        """The cluster. `stored`: the views, in the values' own shapes, of what is kept."""
        domain, columns = self.group.domain, self.columns
        for _, op in sorted(self.group.ops, key=lambda placed: placed[0]):
            self._term(op.outputs[0])
        split = len(domain) - columns
        size = 1
        for one in domain[split:]:
            size *= one
        stores = tuple(Store(self._place[number], self._target(number, view)) for number, view in stored.items())
        return Cluster(domain[:split], size, tuple(self.terms), stores)

    def fits(self, number: int, view: View) -> bool:
        """Whether a value can be stored in a view: one whose columns lie evenly."""
        space = self.group.spaces[number]
        if space == FULL:
            return flattened(view, self.columns) is not None
        return space != COLUMN or len(_tail(view, min(self.columns, len(view.shape)))) <= 1

    def _target(self, number: int, view: View) -> View:
        space = self.group.spaces[number]
        domain, split = self.group.domain, len(self.group.domain) - self.columns
        if space == FULL:
            flat = flattened(view, self.columns)
            assert flat is not None, "a stored view lies unevenly"
            return flat
        if space == ONE:
            return replace(view, shape=(), strides=())
        if space == ROW:
            rows = domain[:split]
            return replace(view, shape=rows, strides=view.strides[: len(rows)])
        tail = _tail(view, min(self.columns, len(view.shape)))
        assert len(tail) <= 1, "a stored view lies unevenly"
        size = 1
        for one in domain[split:]:
            size *= one
        return replace(view, shape=(size,), strides=(tail[0][1] if tail else 1,))

    def _add(self, key: Any, term: Term) -> int:
        place = self._place.get(key)
        if place is None:
            place = self._place[key] = len(self.terms)
            self.terms.append(term)
        return place

    def _term(self, value: Value) -> int:
        op = self._made[value.number]
        if value.number in self._place:
            return self._place[value.number]
        space = self.group.spaces[value.number]
        if op is self.group.product:
            return self._add(value.number, Term(PRODUCT, (), value.dtype, FULL))
        outer = ROW if space == ROW and op.name not in _REDUCING else FULL
        operands = tuple(self._operand(one, outer) for one in op.given)
        if op.name in _REDUCING:
            term = Term(op.name, operands, value.dtype, space)
        else:
            attributes = tuple((name, entry) for name, entry in op.attributes.items())
            term = Term(op.name, operands, value.dtype, self._space(operands, space), None, attributes)
        place = self._place[value.number] = self._add((term, repr(term.attributes)), term)
        return place

    def _space(self, operands: tuple[int, ...], declared: str) -> str:
        """ROW or ONE where all operands are; else FULL."""
        spaces = {self.terms[place].space for place in operands}
        if declared == FULL and spaces <= {ONE}:
            return FULL
        return declared

    def _operand(self, value: Value, space: str) -> int:
        inner = self._inner(value)
        if inner is not None:
            return self._term(inner)
        number = self.number_of(value)
        if number is not None:
            return self._add(
                ("number", repr(number), value.dtype), Term(CONSTANT, (), value.dtype, ONE, None, (("value", number),))
            )
        view = self._loads[value.number, space]
        flat = flattened(view, self.columns)
        if flat is None:  # its elements are brought into the order of the domain first
            flat = flattened(self.contiguous(view), self.columns)
            assert flat is not None, "a contiguous array lies evenly"
        return self._add(flat, Term(LOAD, (), value.dtype, _space_of(flat), flat))


def _space_of(view: View) -> str:
    """Where a view in the domain's shape has different elements."""
    across = view.strides[-1] != 0 if view.strides else False
    down = any(view.strides[:-1])
    return FULL if across and down else COLUMN if across else ROW if down else ONE


_REDUCING = frozenset({"sum", "prod", "max", "min", "any", "all"})


def look_through(makers: Mapping[int, Op]) -> Callable[[Value], Value]:
    """What gives the value that another is a reshape of, if it only adds or drops axes of size 1."""

    def base(value: Value) -> Value:
        while True:
            maker = makers.get(value.number)
            if maker is None or maker.name != "reshape":
                return value
            source = maker.given[0]
            if [size for size in source.shape if size != 1] != [size for size in value.shape if size != 1]:
                return value
            value = source

    return base
