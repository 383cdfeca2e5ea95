"""Operations along one axis: running totals, the place of an extreme, order."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.isa import ISA
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, given


def _axis(op: Op, view: View) -> int:
    axis = op.attributes["axis"]
    return 0 if axis is None else int(axis) % len(view.shape)


def _cumulative(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.cumulative import cumulative_launches

    source, product = given(inputs[0]), op.name == "cumulative_prod"
    first = op.attributes["include_initial"]
    return cumulative_launches(isa, source, outputs[0], _axis(op, source), product=product, include_initial=first)


def _extreme(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.searching import extreme_launches

    source = given(inputs[0])
    axis = None if op.attributes["axis"] is None else _axis(op, source)
    return extreme_launches(isa, source, outputs[0], axis, allocate, greatest=op.name == "argmax")


def _order(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.searching import argsort_launches, sort_launches

    source = given(inputs[0])
    launches = sort_launches if op.name == "sort" else argsort_launches
    return launches(isa, source, outputs[0], _axis(op, source), allocate, descending=op.attributes["descending"])


def _searchsorted(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.searching import searchsorted_launches

    x1, x2 = given(inputs[0]), given(inputs[1])
    return searchsorted_launches(isa, x1, x2, inputs[2], outputs[0], side=op.attributes["side"])


LINES = {
    "cumulative_sum": Macro(_cumulative),
    "cumulative_prod": Macro(_cumulative),
    "argmax": Macro(_extreme),
    "argmin": Macro(_extreme),
    "sort": Macro(_order),
    "argsort": Macro(_order),
    "searchsorted": Macro(_searchsorted),
}
