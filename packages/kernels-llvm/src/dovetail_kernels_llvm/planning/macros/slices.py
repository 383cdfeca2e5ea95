"""Slices whose places are known only when they run."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail_protocols.records import replace

from ...codegen.isa import ISA
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, given


def _dynamic_slice(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import dynamic_slice_launches

    source = given(inputs[0])
    launches = dynamic_slice_launches(isa, source, [given(one) for one in inputs[1:]], outputs[0])
    return [_touching(launch, source) for launch in launches]


def _dynamic_update_slice(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.indexing import dynamic_update_slice_launches

    x, update, *starts = (given(one) for one in inputs)
    launches = dynamic_update_slice_launches(isa, x, update, starts, outputs[0])
    return [_touching(launch, outputs[0], writes=True) for launch in launches]


def _touching(launch: Launch, whole: View, *, writes: bool = False) -> Launch:
    """The launch with the whole of what it may touch among its arguments, so that nothing else is thought independent
    of it: where its slice lies is not known yet."""
    written = (*launch.writes, len(launch.arguments)) if writes else launch.writes
    return replace(launch, arguments=(*launch.arguments, whole), writes=written)


SLICES = {"dynamic_slice": Macro(_dynamic_slice), "dynamic_update_slice": Macro(_dynamic_update_slice)}
