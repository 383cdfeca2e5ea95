"""The plan of one body: each group, macro-operation, copy and loop as an item, in an order in which they can run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ..codegen.types import size_bytes
from ..kernels.kernel import Launch, View
from .canonical import canonicalize
from .clusters import ClusterBuilder, look_through
from .connections import connect_attention
from .context import Context
from .fusion import Fusion, Group
from .grouping import order_of_groups
from .kinds import CONTROL_FLOW, LEAVES
from .launching import launch_cluster, launch_copy, launch_fill, launch_macro, launch_product
from .layout import Targets, same_place
from .leaves import leaf_array, leaf_number
from .macros import MACROS, Macro
from .ops import Body, Op, Value
from .ordering import Item, Work, in_order
from .overwriting import Overwriting
from .sharing import share_small_results
from .views import VIEWS, repeated, view_of


class BodyPlan:
    """Plans a body.

    `inputs`: the views of its inputs; `outputs`: the view into which each output is to be written, or None for wherever
    it comes to lie; `in_place`: output place → place of the input whose buffer its view is, to be overwritten when
    nothing needs the old value any more. Afterwards `work` is what to run, in order, and `outputs` where each output
    lies.
    """

    def __init__(
        self,
        context: Context,
        body: Body,
        inputs: Sequence[View],
        outputs: Sequence[View | None] = (),
        in_place: Mapping[int, int] | None = None,
    ) -> None:
        canonicalize(body)
        share_small_results(body)
        connect_attention(body)
        self.context, self.body = context, body
        self.views: dict[int, View] = {value.number: view for value, view in zip(body.inputs, inputs, strict=True)}
        self.fusion = Fusion(body)
        self._makers, self._uses = body.makers(), body.uses()
        self._base = look_through(self._makers)
        self._wanted = {value.number for value in body.outputs}
        self._items: list[Item] = []
        self._made_by: dict[int, list[Item]] = {}
        self._inherited_from: set[int] = set()
        given = list(outputs) or [None] * len(body.outputs)
        overwriting = Overwriting(body, self.fusion, in_place or {})
        direct: dict[int, View] = {}
        for place, (value, view) in enumerate(zip(body.outputs, given, strict=True)):
            if view is not None and place not in overwriting.late:
                direct.setdefault(value.number, view)
        self.targets = Targets(body, context, self.fusion.group_of, direct)
        self._stored = {id(group): self._stored_values(group) for group in self.fusion.groups}
        self._plan_all()
        self._finish(given, overwriting)
        overwriting.order(self._items)
        self.work: list[Work] = [one for item in in_order(self._items) for one in item.write()]
        self.outputs = [view or self.view(value) for value, view in zip(body.outputs, given, strict=True)]

    def _finish(self, given: Sequence[View | None], overwriting: Overwriting) -> None:
        """Copies of the outputs that nobody wrote where they are to lie; into a buffer that is overwritten, last."""
        last = 2 * len(self.body.ops)
        late: list[tuple[Item | None, Value, View]] = []
        for place, (value, view) in enumerate(zip(self.body.outputs, given, strict=True)):
            if view is None or (value.number in self.views and same_place(self.views[value.number], view)):
                continue
            if place not in overwriting.in_place:
                self._copy(last, value, view)
            elif value.number in self._input_roots:  # what is copied may itself be overwritten
                aside = self.context.allocate(value.dtype, value.shape)
                self._copy(last, value, aside)
                late.append((self._item(last + 1, partial(launch_copy, self.context, aside, view), []), value, view))
            else:
                late.append((None, value, view))
        before = list(self._items)
        for moved, value, view in late:
            item = moved or self._copy(last + 1, value, view)
            item.needs.update(one for one in before if one.place <= last)

    # ------------------------------------------------------------------ values

    def number_of(self, value: Value) -> Any:
        """The Python number that a value is at every place, or None."""
        maker = self._makers.get(value.number)
        while maker is not None and maker.name in VIEWS and maker.name != "slice":
            value = maker.given[0]
            maker = self._makers.get(value.number)
        if maker is not None:
            return leaf_number(maker)
        array = self.body.constants.get(value.number)
        return array.reshape(-1)[0].item() if array is not None and array.size == 1 else None

    def view(self, value: Value) -> View:
        """Where a value lies. Constants get a place at first use."""
        if value.number not in self.views:
            array = self.body.constants.get(value.number)
            if array is None:
                array = leaf_array(self._makers[value.number])
            view = self.context.constant(array, value.dtype)
            self.views[value.number] = view if view.shape == value.shape else repeated(view, value.shape)
        return self.views[value.number]

    def _stored_values(self, group: Group) -> list[Value]:
        """What a group computes that is needed outside of it."""
        inside = {id(op) for _, op in group.ops}
        found = []
        for _, op in group.ops:
            for value in op.outputs:
                users = self._uses.get(value.number, [])
                if value.number in self._wanted or any(not self._stays_inside(group, inside, value, u) for u in users):
                    found.append(value)
        return found

    def _stays_inside(self, group: Group, inside: set[int], value: Value, user: Op) -> bool:
        if id(user) in inside:
            return True
        if user.name != "reshape" or group.spaces[value.number] != "row":
            return False
        result = user.outputs[0]
        if self._base(result).number != self._base(value).number or result.number in self._wanted:
            return False
        return all(self._stays_inside(group, inside, value, one) for one in self._uses.get(result.number, []))

    def _root(self, value: Value) -> Value:
        """The value whose memory another is a view of."""
        while True:
            maker = self._makers.get(value.number)
            if maker is None or maker.name not in VIEWS:
                return value
            value = maker.given[0]

    @property
    def _input_roots(self) -> set[int]:
        """The outputs that are inputs, or views of them."""
        inputs = {value.number for value in self.body.inputs}
        return {value.number for value in self.body.outputs if self._root(value).number in inputs}

    # ------------------------------------------------------------------ items

    def _item(self, place: int, write: Callable[[], Sequence[Work]], reads: Iterable[Value]) -> Item:
        item = Item(place, write)
        for value in reads:
            item.needs.update(self._made_by.get(value.number, ()))
            item.reads.add(self._root(value).number)
        self._items.append(item)
        return item

    def _copy(self, place: int, value: Value, target: View) -> Item:
        return self._item(place, lambda: launch_copy(self.context, self.view(value), target), [value])

    def _plan_all(self) -> None:
        """Items for all operations, in an order in which what a value needs was planned before."""
        for place, thing in order_of_groups(self.body, self.fusion, self._base):
            if isinstance(thing, Group):
                self._plan_group(place, thing)
            else:
                self._plan_op(place, thing)

    def _plan_group(self, place: int, group: Group) -> None:
        stored = self._stored[id(group)]
        if not stored:
            return
        for value in stored:
            view = self.targets.view.get(value.number) or self._inherited(group, value)
            self.views[value.number] = view or self.context.allocate(value.dtype, value.shape)

        def write() -> Sequence[Work]:
            return self._write_group(group, stored)

        reads = [
            value
            for _, op in group.ops
            for value in op.given
            if self.fusion.group_of.get(self._base(value).number) is not group
        ]
        item = self._item(place, write, reads)
        for value in stored:
            self._made_by[value.number] = [item]
            item.makes.add(value.number)

    def _inherited(self, group: Group, value: Value) -> View | None:
        """The place of an operand of a group that nobody else needs, for a result of it: each element is written just
        after it was read."""
        if group.has_reductions or group.spaces[value.number] != "full" or value.shape != group.domain:
            return None
        inside = {id(op) for _, op in group.ops}
        for _, op in group.ops:
            for old in op.given if op is not group.product else ():
                view = self.views.get(old.number)
                if (
                    view is not None
                    and old.shape == value.shape
                    and old.dtype == value.dtype
                    and old.number not in self._wanted
                    and self._owns(old, view)
                    and all(id(user) in inside and user is not group.product for user in self._uses[old.number])
                    and old.number not in self._inherited_from
                ):
                    self._inherited_from.add(old.number)
                    return view
        return None

    def _owns(self, value: Value, view: View) -> bool:
        """Whether a value has a temporary buffer to itself."""
        maker = self.fusion.group_of.get(value.number)
        buffer = self.context.buffers[view.buffer]
        return (
            maker is not None
            and bool(maker.ops)
            and value.number not in self.targets.view
            and buffer.kind == "temporary"
            and buffer.bytes == view.size * size_bytes(value.dtype)
        )

    def _write_group(self, group: Group, stored: Sequence[Value]) -> Sequence[Work]:
        context = self.context
        before: list[Launch] = []

        def contiguous(view: View) -> View:
            moved = context.allocate(view.dtype, view.shape)
            before.extend(launch_copy(context, view, moved))
            return moved

        views = {value.number: self.views[value.number] for value in stored}
        builder = ClusterBuilder(group, self._base, self.number_of, self.view, contiguous, views)
        after: list[tuple[View, View]] = []
        for value in stored:
            if not builder.fits(value.number, views[value.number]):
                aside = context.allocate(value.dtype, value.shape)
                after.append((aside, views[value.number]))
                views[value.number] = aside
        cluster = builder.build(views)
        product = group.product
        if product is None:
            launches = launch_cluster(context, cluster)
        else:
            operands = [self.view(value) for value in product.given]
            launches = launch_product(context, product, operands, cluster)
        copies = [one for source, target in after for one in launch_copy(context, source, target)]
        return [*before, *launches, *copies]

    def _plan_op(self, place: int, op: Op) -> None:
        if op.name in LEAVES:
            return
        if op.name in VIEWS:
            self._plan_view(place, op)
        elif op.name == "assemble":
            self._plan_assemble(place, op)
        elif op.name in CONTROL_FLOW:
            self._plan_control_flow(place, op)
        else:
            self._plan_macro(place, op)

    def _plan_view(self, place: int, op: Op) -> None:
        source, result = op.given[0], op.outputs[0]
        target = self.targets.view.get(result.number)
        if self._is_hidden(source):
            return
        seen = view_of(op, self.view(source))
        makers = self._made_by.get(source.number, [])
        if target is None and seen is not None:
            self.views[result.number], self._made_by[result.number] = seen, list(makers)
        elif target is not None and seen is not None and same_place(seen, target):
            self.views[result.number], self._made_by[result.number] = target, list(makers)
        else:
            target = target or self.context.allocate(result.dtype, result.shape)
            self.views[result.number] = target
            item = self._item(place, lambda: self._write_view(op, target), [source])
            self._made_by[result.number] = [item]

    def _is_hidden(self, value: Value) -> bool:
        """Whether a value lies nowhere: its group keeps it to itself, and views of it are looked through."""
        if value.number in self.views or value.number in self.body.constants:
            return False
        base = self._base(value)
        group = self.fusion.group_of.get(base.number)
        return group is not None and bool(group.ops) and base.number not in self.views

    def _write_view(self, op: Op, target: View) -> Sequence[Work]:
        """A view operation that has to move elements: the elements of its source, in the order of its result."""
        source = self.view(op.given[0])
        seen = view_of(op, source)
        copy, allocate = partial(launch_copy, self.context), self.context.allocate
        if seen is not None:
            return copy(seen, target)
        within = view_of(Op("reshape", (), (Value(0, source.shape, source.dtype),), {}), target)
        if within is not None:
            return copy(source, within)
        moved = allocate(source.dtype, source.shape)
        again = view_of(op, moved)
        assert again is not None  # a contiguous array has every shape
        return [*copy(source, moved), *copy(again, target)]

    def _plan_assemble(self, place: int, op: Op) -> None:
        from .views import sliced

        result, fill = op.outputs[0], op.attributes["fill"]
        whole = self.targets.view[result.number]
        self.views[result.number] = whole
        made: list[Item] = []
        first: Item | None = None
        if fill is not None:
            first = self._item(place, lambda: launch_fill(self.context, whole, fill), [])
            made.append(first)
        for part, places in zip(op.given, op.attributes["places"], strict=True):
            target = sliced(whole, places, part.shape)
            known = self.views.get(part.number)
            if known is not None and same_place(known, target):
                writers = self._made_by.get(part.number, [])
            else:
                writers = [self._copy(place, part, target)]
            made += writers
            if first is not None:
                for writer in writers:
                    writer.needs.add(first)
        self._made_by[result.number] = made

    def _plan_macro(self, place: int, op: Op) -> None:
        macro = MACROS[op.name]
        assert isinstance(macro, Macro)
        late: list[tuple[View, View]] = []
        views: list[View] = []
        for value in op.outputs:
            target = self.targets.view.get(value.number)
            self.views[value.number] = target or self.context.allocate(value.dtype, value.shape)
            view = self.views[value.number]
            if not macro.flexible and not view.is_contiguous:
                view = self.context.allocate(value.dtype, value.shape)
                late.append((view, self.views[value.number]))
            views.append(view)

        def write() -> Sequence[Work]:
            inputs = [None if value is None else self.view(value) for value in op.inputs]
            launches = launch_macro(self.context, macro, op, inputs, views)
            for source, target in late:
                launches = [*launches, *launch_copy(self.context, source, target)]
            return launches

        item = self._item(place, write, op.given)
        for value in op.outputs:
            self._made_by[value.number] = [item]

    def _plan_control_flow(self, place: int, op: Op) -> None:
        from .control_flow import plan_control_flow

        views = []
        for value in op.outputs:
            self.views[value.number] = self.targets.view.get(value.number) or self.context.allocate(
                value.dtype, value.shape
            )
            views.append(self.views[value.number])
        item = self._item(
            place, lambda: plan_control_flow(self.context, op, [self.view(v) for v in op.given], views), op.given
        )
        for value in op.outputs:
            self._made_by[value.number] = [item]
