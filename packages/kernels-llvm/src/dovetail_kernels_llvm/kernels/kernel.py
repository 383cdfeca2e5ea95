"""What a macro-operation gives: kernels, and how they are launched on views of buffers."""

from __future__ import annotations

from math import prod

from dovetail_protocols.records import record

from ..codegen.types import size_bytes


@record
class View:
    """Elements of a buffer: `shape` and `strides` in elements, `offset` in elements from the buffer's start."""

    buffer: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie in C order without gaps."""
        return self.size <= 1 or all(
            stride == expected
            for size, stride, expected in zip(self.shape, self.strides, c_strides(self.shape), strict=True)
            if size != 1
        )


@record
class Moving:
    """An argument that changes with the iterations of loops around its launch (runtime/schedule.py, Repeat): `start` at
    the first ones, then `steps`, pairs (number of the Repeat, how much further with each of its iterations), in
    elements where `start` is a view, else in ones: Moving(0, ((number, 1),)) is the iteration's number."""

    start: View | int
    steps: tuple[tuple[int, int], ...]


def c_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of a C-contiguous array."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


@record
class Kernel:
    """Code that can be launched. `text` is a module with one function, KERNEL (see Builder), which does one task of the
    work. `scratch_bytes`: memory that each thread needs, aligned to 64 bytes. `what`: for readers, such as "matmul
    128×512×784 + bias, relu"."""

    text: str
    what: str
    scratch_bytes: int = 0


@record
class Launch:
    """A kernel put to work.

    `arguments`: views (given as the address of their first element), whole numbers, and those that loops move;
    `writes`: the positions of those that it writes. `tasks`: how many the work is cut into; they are independent, run
    in any order, on any thread, and which they are does not depend on the number of threads. `flops` and `bytes` are
    what it must compute and move at least.
    """

    kernel: Kernel
    arguments: tuple[View | Moving | int, ...]
    writes: tuple[int, ...]
    tasks: int = 1
    flops: float = 0.0
    bytes: float = 0.0


def traffic(*views: View) -> float:
    """The bytes of the elements of some views."""
    return float(sum(view.size * size_bytes(view.dtype) for view in views))
