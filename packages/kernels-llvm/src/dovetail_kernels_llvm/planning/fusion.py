"""Which operations run together: groups of elementwise operations and reductions over one index space, some of them
as the epilogue of a matrix product or convolution.

A group grows along producers and consumers as long as it can run as one: it must not need, through others, what it
gives itself. Afterwards groups that read the same arrays side by side become one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from math import prod

from ..kernels.cluster import COLUMN, FULL, ONE, ROW
from .kinds import is_elementwise, is_reduction
from .macros import has_epilogue
from .ops import Body, Op, Value

LARGEST_GROUP = 160
"""Operations in one group: beyond, compiling takes long and registers are few."""


class Group:
    """Operations that run as one cluster: `domain` is the shape of its index space, the last `columns` axes of which
    are columns where a reduction says so (None: any number). `spaces`: where each value that it computes has elements
    (see kernels.cluster). `product`: the operation whose epilogue it is. `is_needed`: whether another group takes what
    it gives."""

    def __init__(self, bit: int, domain: tuple[int, ...]) -> None:
        self.bits, self.ancestors = 1 << bit, 0
        self.domain = domain
        self.columns: int | None = None
        self.ops: list[tuple[int, Op]] = []
        self.spaces: dict[int, str] = {}
        self.product: Op | None = None
        self.is_needed = False

    @property
    def has_reductions(self) -> bool:
        return any(is_reduction(op) for _, op in self.ops)

    def row_shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shapes that a value with one element for each row can have: with and without the axes of columns."""
        count = self.columns or 0
        rows = self.domain[: len(self.domain) - count]
        return (*rows, *(1,) * count), rows

    def is_row_shape(self, shape: tuple[int, ...]) -> bool:
        return bool(self.columns) and shape in self.row_shapes() and shape != self.domain


def reduction_axes(op: Op) -> tuple[int, ...]:
    """The axes of size other than 1 that a reduction is over."""
    shape = op.inputs[0].shape if op.inputs[0] is not None else ()
    axis = op.attributes["axis"]
    if axis is None:
        axes: Iterable[int] = range(len(shape))
    else:
        axes = (one % len(shape) for one in ((axis,) if isinstance(axis, int) else axis))
    return tuple(sorted(one for one in axes if shape[one] != 1))


class Fusion:
    """Finds the groups of a body. `groups` are those that run as clusters; `group_of` tells them by the number of a
    value that they give."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.groups: list[Group] = []
        self.group_of: dict[int, Group] = {}
        self._bit = 0
        self._alone: dict[int, Group] = {}
        self._makers = body.makers()
        self._uses = body.uses()
        for place, op in enumerate(body.ops):
            self._place(place, op)
        self._relieve_products()
        self._merge_neighbors()

    def all_groups(self) -> Collection[Group]:
        """The groups, and for each other operation one that holds none but knows what comes before it."""
        return self._alone.values()

    # ------------------------------------------------------------------ one operation after the other

    def _place(self, place: int, op: Op) -> None:
        if has_epilogue(op):
            group = self._new(op.outputs[0].shape)
            group.product, group.spaces[op.outputs[0].number] = op, FULL
            group.ops.append((place, op))
            self._link(group, op)
            self.groups.append(group)
        elif is_reduction(op):
            self._place_reduction(place, op)
        elif is_elementwise(op):
            self._place_elementwise(place, op)
        else:
            self._link(self._new(()), op)

    def _new(self, domain: tuple[int, ...]) -> Group:
        group = Group(self._bit, domain)
        self._bit += 1
        self._alone[self._bit] = group
        return group

    def _link(self, group: Group, op: Op) -> None:
        """Notes what an operation of a group needs and gives."""
        before = group.ancestors
        for value in op.given:
            maker = self.group_of.get(value.number)
            if maker is not None and maker is not group:
                group.ancestors |= maker.bits | maker.ancestors
                maker.is_needed = True
        for value in op.outputs:
            self.group_of[value.number] = group
        if group.is_needed and group.ancestors != before:
            for other in self._alone.values():
                if other.ancestors & group.bits:
                    other.ancestors |= group.ancestors

    def _candidates(self, op: Op) -> Iterator[Group]:
        """Groups that give an operand, the largest first."""
        found: dict[int, Group] = {}
        for value in op.given:
            base = self.base(value)
            group = self.group_of.get(base.number)
            if group is not None and group.ops and group.spaces.get(base.number) in (FULL, ROW):
                found[id(group)] = group
        yield from sorted(found.values(), key=lambda group: (group.product is None, -len(group.ops)))

    def base(self, value: Value) -> Value:
        """The value that another is a reshape of, if it is one that only adds or drops axes of size 1."""
        while True:
            maker = self._makers.get(value.number)
            if maker is None or maker.name != "reshape":
                return value
            source = maker.given[0]
            if [size for size in source.shape if size != 1] != [size for size in value.shape if size != 1]:
                return value
            value = source

    def _may_join(self, group: Group, op: Op) -> bool:
        """Whether an operation can run with a group: it needs nothing that needs the group, other than its elements."""
        if len(group.ops) >= LARGEST_GROUP:
            return False
        for value in op.given:
            base = self.base(value)
            maker = self.group_of.get(base.number)
            if maker is group and group.spaces.get(base.number) not in (FULL, ROW):
                return False
            if maker is not None and maker is not group and maker.ancestors & group.bits:
                return False
            # A view in between is an operation of its own: fine only where it is looked through.
            outer = self.group_of.get(value.number)
            if outer is not maker and not self._reads_directly(group, value, base):
                return False
        return True

    def _reads_directly(self, group: Group, value: Value, base: Value) -> bool:
        maker = self.group_of.get(base.number)
        if maker is not group:
            outer = self.group_of.get(value.number)
            return outer is None or not outer.ancestors & group.bits
        space = group.spaces.get(base.number)
        return space == ROW and group.is_row_shape(value.shape)

    def _place_elementwise(self, place: int, op: Op) -> None:
        shape = op.outputs[0].shape
        for group in self._candidates(op):
            if not self._may_join(group, op):
                continue
            if shape == group.domain:
                self._join(group, place, op, FULL)
                break
            if group.is_row_shape(shape) and all(self._is_row(group, value) for value in op.given):
                self._join(group, place, op, ROW)
                break
        else:
            group = self._new(shape)
            self.groups.append(group)
            self._join(group, place, op, FULL)
        self._merge_producers(group, op)

    def _is_row(self, group: Group, value: Value) -> bool:
        """Whether a value has one element for each row of a group."""
        if value.size == 1:
            return True
        base = self.base(value)
        if self.group_of.get(base.number) is group:
            return group.spaces.get(base.number) == ROW
        return group.is_row_shape(value.shape)

    def _place_reduction(self, place: int, op: Op) -> None:
        source = op.given[0]
        space, columns = self._reduction_space(op)
        for group in self._candidates(op):
            if group.domain != source.shape or group.spaces.get(source.number) != FULL or group.product is not None:
                continue
            if columns is not None and group.columns not in (None, columns):
                continue
            if self._may_join(group, op):
                break
        else:
            group = self._new(source.shape)
            self.groups.append(group)
        if columns is not None:
            group.columns = columns
        self._join(group, place, op, space)

    def _reduction_space(self, op: Op) -> tuple[str, int | None]:
        """Where a reduction has results, and how many axes are columns then. Reduced axes come first or last (see
        canonical)."""
        source = op.given[0]
        axes = reduction_axes(op)
        kept = [axis for axis, size in enumerate(source.shape) if size != 1 and axis not in axes]
        ndim = len(source.shape)
        if not kept:
            return (ROW, ndim) if self._is_used_beside(op, source) else (ONE, None)
        if min(axes) > max(kept):
            return ROW, ndim - max(kept) - 1
        return COLUMN, ndim - max(axes) - 1

    def _is_used_beside(self, op: Op, source: Value) -> bool:
        """Whether a reduction over everything meets, after operations on single numbers, arrays of its source's
        shape."""
        pending, seen = [op.outputs[0]], set()
        while pending:
            value = pending.pop()
            for user in self._uses.get(value.number, ()):
                for output in user.outputs:
                    if output.number in seen:
                        continue
                    seen.add(output.number)
                    if output.size == 1 and source.size != 1:
                        pending.append(output)
                    elif output.shape == source.shape and is_elementwise(user):
                        return True
        return False

    def _join(self, group: Group, place: int, op: Op, space: str) -> None:
        group.ops.append((place, op))
        group.spaces[op.outputs[0].number] = space
        self._link(group, op)

    # ------------------------------------------------------------------ whole groups

    def _merge_producers(self, group: Group, op: Op) -> None:
        """Takes the other groups that give operands of a group's new operation in, where they can run with it."""
        for other in list(self._candidates(op)):
            current = self.group_of[op.outputs[0].number]
            if other is not current and self._may_merge(current, other):
                self._merge(current, other)

    def _may_merge(self, one: Group, other: Group) -> bool:
        if one.domain != other.domain or len(one.ops) + len(other.ops) > LARGEST_GROUP:
            return False
        if None not in (one.columns, other.columns) and one.columns != other.columns:
            return False
        if one.product is not None and other.product is not None:
            return False
        if (one.product is not None and other.has_reductions) or (other.product is not None and one.has_reductions):
            return False
        return not (self._needs_indirectly(one, other) or self._needs_indirectly(other, one))

    def _needs_indirectly(self, later: Group, earlier: Group) -> bool:
        """Whether a group needs another through a third, or needs the end of a reduction of it."""
        if not later.ancestors & earlier.bits:
            return False
        for third in self._alone.values():
            if third is later or third is earlier:
                continue
            if third.bits & later.ancestors and third.ancestors & earlier.bits:
                return True
        return any(
            self.group_of.get(value.number) is earlier and earlier.spaces.get(value.number) not in (FULL, ROW)
            for _, op in later.ops
            for value in op.given
        )

    def _merge(self, one: Group, other: Group) -> None:
        one.bits |= other.bits
        one.ancestors = (one.ancestors | other.ancestors) & ~one.bits
        one.ops += other.ops
        one.spaces |= other.spaces
        one.columns = one.columns if other.columns is None else other.columns
        one.product = one.product or other.product
        one.is_needed = one.is_needed or other.is_needed
        for number, group in list(self.group_of.items()):
            if group is other:
                self.group_of[number] = one
        self.groups.remove(other)
        self._alone = {bit: group for bit, group in self._alone.items() if group is not other}
        for third in self._alone.values():
            if third.ancestors & one.bits:
                third.ancestors |= one.bits | one.ancestors

    def _merge_neighbors(self) -> None:
        """Makes one of groups that read the same array element by element, side by side."""
        readers: dict[int, list[Group]] = {}
        for group in self.groups:
            for number in {value.number for _, op in group.ops for value in op.given if value.shape == group.domain}:
                if self.group_of.get(number) is not group:
                    readers.setdefault(number, []).append(group)
        for groups in readers.values():
            for place, first in enumerate(groups):
                for second in groups[place + 1 :]:
                    one, other = self._now(first), self._now(second)
                    if one is other or prod(one.domain) < 2 or (one.product or other.product):
                        continue
                    if self._may_merge(one, other):
                        self._merge(one, other)

    def _relieve_products(self) -> None:
        """Moves operations from the epilogue of a product to the group that alone uses their results, where their
        operands are stored anyway: of several results of one product that a normalization's gradient takes, only one
        is left."""
        wanted = {value.number for value in self.body.outputs}
        for group in self.groups:
            if group.product is None:
                continue
            for placed in sorted(group.ops, key=lambda one: -one[0]):
                _, op = placed
                if op is group.product or op.outputs[0].number in wanted:
                    continue
                other = self._only_user(group, op)
                if other is not None and self._new_stores(group, op, wanted) == 0:
                    group.ops.remove(placed)
                    other.ops.append(placed)
                    number = op.outputs[0].number
                    other.spaces[number] = group.spaces.pop(number)
                    self.group_of[number] = other

    def _only_user(self, group: Group, op: Op) -> Group | None:
        """The one group, other than its own and than products, that takes an operation's result as its elements."""
        result = op.outputs[0]
        users = self._uses.get(result.number, [])
        groups = {id(self.group_of[user.outputs[0].number]): self.group_of[user.outputs[0].number] for user in users}
        if len(groups) != 1:
            return None
        (other,) = groups.values()
        if other is group or not other.ops or other.product is not None or other.domain != group.domain:
            return None
        return other

    def _new_stores(self, group: Group, op: Op, wanted: set[int]) -> int:
        """How many values of a group would have to be stored in place of an operation's result."""
        inside = {id(one) for _, one in group.ops if one is not op}
        count = 0
        for number in {value.number for value in op.given if self.group_of.get(value.number) is group}:
            users = [user for user in self._uses[number] if user is not op]
            count += number not in wanted and all(id(user) in inside for user in users)
        return count

    def _now(self, group: Group) -> Group:
        """The group that a group has become part of."""
        return self.group_of[group.ops[0][1].outputs[0].number]
