"""Where elements would be inserted into a sorted array: `searchsorted`."""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import STORED
from ..copies import zero_launches
from ..copies.nests import coalesced, cut, displacement, spread, task_count
from ..indexing.indices import nearest, read_index
from ..kernel import Kernel, Launch, View, traffic
from .ordering import is_less, load_compared

SORTED, WANTED, TARGET, SORTER = 0, 1, 2, 3


def searchsorted_launches(
    isa: ISA, x1: View, x2: View, sorter: View | None, target: View, *, side: str = "left"
) -> list[Launch]:
    """`searchsorted`. Any strides. An index of the sorter that is out of range stands for the nearest element.

    x1: (length,), ascending; x2: any shape, of the same dtype; sorter: (length,) or None; target: int64, as x2.
    """
    if target.size == 0:
        return []
    if x1.size == 0:
        return zero_launches(isa, target)
    assert x1.dtype == x2.dtype, (x1, x2)
    nest = coalesced(x2.shape, x2.strides, target.strides)
    shape = nest.shape or (1,)
    wants, writes = (steps or (0,) for steps in nest.strides)
    # Each step of a search takes about as long as moving 16 bytes.
    wanted = cut(16.0 * x2.size * x1.size.bit_length(), x2.size)
    b = Builder(isa)
    with spread(b, shape, wanted) as at:
        pointer = b.offset(b.pointer(WANTED), displacement(b, at, wants), STORED[x2.dtype])
        value = load_compared(b, x2.dtype, pointer, 1)
        place = _search(b, x1, sorter, value, side)
        b.store(place, b.offset(b.pointer(TARGET), displacement(b, at, writes), "i64"))
    arguments = (x1, x2, target) if sorter is None else (x1, x2, target, sorter)
    what = f"searchsorted of {'×'.join(map(str, x2.shape))} in {x1.size}"
    moved = traffic(x1, x2, target)
    return [Launch(Kernel(b.text(), what), arguments, (TARGET,), tasks=task_count(shape, wanted), bytes=moved)]


def _search(b: Builder, x1: View, sorter: View | None, value: Value, side: str) -> Value:
    """A binary search without branches: which half is taken is the only thing that depends on the elements.

    Source: Khuong, Morin: Array Layouts for Comparison-Based Searching (JEA 2017), section 2.1.
    """

    def is_before(index: Value) -> Value:
        """Whether the element of x1 belongs before the value's place."""
        if sorter is not None:
            element = STORED[sorter.dtype]
            pointer = b.offset(b.pointer(SORTER), b.mul(index, b.index(sorter.strides[0])), element)
            index = nearest(b, read_index(b, pointer, sorter.dtype, x1.size), x1.size)
        pointer = b.offset(b.pointer(SORTED), b.mul(index, b.index(x1.strides[0])), STORED[x1.dtype])
        found = load_compared(b, x1.dtype, pointer, 1)
        if side == "left":
            return is_less(b, x1.dtype, found, value)
        return b.operate("xor", is_less(b, x1.dtype, value, found), b.constant("i1", 1))

    base, length = b.index(0), x1.size
    while length > 1:
        half = length // 2
        middle = b.add(base, b.index(half))
        base = b.select(is_before(b.sub(middle, b.index(1))), middle, base)
        length -= half
    return b.add(base, b.convert("zext", is_before(base), "i64"))
