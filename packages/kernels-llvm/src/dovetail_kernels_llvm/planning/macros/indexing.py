"""Elements at places that indices name."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.isa import ISA
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, floating_only, given


def _take(isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate) -> list[Launch]:
    from ...kernels.indexing import take_launches

    source = given(inputs[0])
    axis = op.attributes["axis"]
    place = 0 if axis is None else axis % len(source.shape)
    return take_launches(isa, source, given(inputs[1]), outputs[0], place)


def _embedding(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import embedding_launches

    return embedding_launches(isa, given(inputs[0]), given(inputs[1]), outputs[0])


def _embedding_gradient(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import embedding_gradient_launches

    return embedding_gradient_launches(isa, given(inputs[0]), given(inputs[1]), outputs[0], allocate)


def _take_along_axis(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import take_along_axis_launches

    source = given(inputs[0])
    axis = op.attributes["axis"] % len(source.shape)
    return take_along_axis_launches(isa, source, given(inputs[1]), outputs[0], axis)


def _put_along_axis(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import put_along_axis_launches

    x, indices, values = (given(one) for one in inputs)
    axis, mode = op.attributes["axis"] % len(x.shape), op.attributes["mode"]
    return put_along_axis_launches(isa, x, indices, values, outputs[0], axis, allocate, mode=mode)


def _gather_nd(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import gather_nd_launches

    return gather_nd_launches(isa, given(inputs[0]), given(inputs[1]), outputs[0], op.attributes["batch_dims"])


def _scatter_nd(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import scatter_nd_launches

    return scatter_nd_launches(isa, given(inputs[0]), given(inputs[1]), outputs[0], allocate)


def _scatter(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import scatter_launches

    x, indices, updates = (given(one) for one in inputs)
    return scatter_launches(isa, x, indices, updates, outputs[0], allocate, mode=op.attributes["mode"])


INDEXING = {
    "take": Macro(_take),
    "take_along_axis": Macro(_take_along_axis),
    "put_along_axis": Macro(_put_along_axis),
    "gather_nd": Macro(_gather_nd),
    "scatter": Macro(_scatter),
    "scatter_nd": Macro(_scatter_nd),
    "embedding": Macro(_embedding),
    "embedding_gradient": Macro(_embedding_gradient, floating_only),
}
