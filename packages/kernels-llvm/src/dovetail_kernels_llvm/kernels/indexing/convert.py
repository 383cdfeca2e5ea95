"""Half precision to single and back: sums of many terms are kept in single precision."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import STORED, vector
from ...elementwise import from_memory, to_memory
from ..copies.nests import coalesced, cut, displacement, spread, task_count
from ..copies.runs import in_vectors
from ..kernel import Kernel, Launch, View, traffic

SOURCE, TARGET = 0, 1

HALF = frozenset({"bfloat16", "float16"})


def convert_launches(isa: ISA, source: View, target: View) -> list[Launch]:
    """Copies elements between half and single precision, rounding to nearest. Any strides; equal shapes."""
    if target.size == 0:
        return []
    nest = coalesced((1, *target.shape), (0, *source.strides), (0, *target.strides))
    shape = nest.shape or (1,)
    reads, writes = (steps or (1,) for steps in nest.strides)
    moved = traffic(source, target)
    wanted = cut(moved, max(1, target.size >> 8))
    b = Builder(isa)
    with spread(b, shape[:-1], wanted) as at:
        read = b.offset(b.pointer(SOURCE), displacement(b, at, reads[:-1]), STORED[source.dtype])
        write = b.offset(b.pointer(TARGET), displacement(b, at, writes[:-1]), STORED[target.dtype])
        steps = (reads[-1], writes[-1])

        def emit(index: Value, lanes: int) -> None:
            here = b.offset(read, b.mul(index, b.index(steps[0])), STORED[source.dtype])
            there = b.offset(write, b.mul(index, b.index(steps[1])), STORED[target.dtype])
            value = from_memory(b, source.dtype, b.load(vector(STORED[source.dtype], lanes), here))
            b.store(to_memory(b, target.dtype, value), there)

        in_vectors(b, shape[-1], b.isa.lanes() if steps == (1, 1) else 1, emit)
    what = f"{source.dtype} to {target.dtype}, {'×'.join(map(str, target.shape))}"
    tasks = task_count(shape[:-1], wanted)
    return [Launch(Kernel(b.text(), what), (source, target), (TARGET,), tasks=tasks, bytes=moved)]
