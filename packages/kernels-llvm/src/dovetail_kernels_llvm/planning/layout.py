"""Where values lie: who writes straight into a larger array, which is only looked at, and what must be copied.

Targets are decided from the end backwards: what is put together, or returned in another order of axes, is written there
by whoever computes it, wherever that one can.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..kernels.kernel import View, c_strides
from .context import Context
from .fusion import Group
from .macros import MACROS, Macro
from .ops import Body, Op, Value
from .views import VIEWS, axes_of, permuted, reshaped, sliced, view_of


class Targets:
    """The views into which values are to be written, by number of value. What isn't here lies where its maker likes.

    `copied` are the (value, view) pairs that nobody can write directly.
    """

    def __init__(
        self, body: Body, context: Context, group_of: Mapping[int, Group], outputs: Mapping[int, View]
    ) -> None:
        self.body, self.context = body, context
        self.view: dict[int, View] = {}
        self._makers = body.makers()
        self._group_of = group_of
        for value in body.outputs:
            if value.number in outputs and self._writable(value):
                self.view[value.number] = outputs[value.number]
        for op in reversed(body.ops):
            if op.name == "assemble":
                self._assemble(op)
            elif op.name == "reshape":
                self._reshape(op)
            elif op.name == "permute_dims":
                self._permute(op)

    def _writable(self, value: Value) -> bool:
        """Whether whoever makes a value can write it into a view of any strides, and wasn't told another yet."""
        if value.number in self.view:
            return False
        maker = self._makers.get(value.number)
        if maker is None:
            return False
        if maker.name in ("reshape", "permute_dims"):
            return self._writable(maker.given[0])
        group = self._group_of.get(value.number)
        if group is not None and group.ops:
            return True
        macro = MACROS.get(maker.name)
        return maker.name == "assemble" or (isinstance(macro, Macro) and macro.flexible)

    def _assemble(self, op: Op) -> None:
        whole = op.outputs[0]
        if whole.number not in self.view:
            self.view[whole.number] = self.context.allocate(whole.dtype, whole.shape)
        for part, places in zip(op.given, op.attributes["places"], strict=True):
            if self._writable(part):
                self.view[part.number] = sliced(self.view[whole.number], places, part.shape)

    def _reshape(self, op: Op) -> None:
        source, result = op.given[0], op.outputs[0]
        if result.number not in self.view and self._moves(op) and self._writable(source):
            self.view[result.number] = self.context.allocate(result.dtype, result.shape)
        if result.number in self.view and self._writable(source):
            target = reshaped(self.view[result.number], source.shape)
            if target is not None:
                self.view[source.number] = target

    def _moves(self, op: Op) -> bool:
        """Whether a reshape would have to move elements if what it is made from were contiguous."""
        chain = [op]
        while chain[-1].given[0].number not in self.view:
            maker = self._makers.get(chain[-1].given[0].number)
            if maker is None or maker.name not in VIEWS:
                break
            chain.append(maker)
        first = chain[-1].given[0]
        view: View | None = self.view.get(first.number) or View(0, first.dtype, first.shape, c_strides(first.shape))
        for one in reversed(chain):
            if view is None:
                return True
            view = view_of(one, view)
        return view is None

    def _permute(self, op: Op) -> None:
        source, result = op.given[0], op.outputs[0]
        if result.number in self.view and self._writable(source):
            axes = axes_of(op)
            inverse = tuple(axes.index(axis) for axis in range(len(axes)))
            self.view[source.number] = permuted(self.view[result.number], inverse)


def same_place(first: View, second: View) -> bool:
    """Whether two views show the same elements at the same places."""
    return (
        first.buffer == second.buffer
        and first.shape == second.shape
        and (first.offset == second.offset or first.size == 0)
        and all(
            size == 1 or one == other
            for size, one, other in zip(first.shape, first.strides, second.strides, strict=True)
        )
    )
