"""What the machine could do at best, measured in the same run: a plain copy, and NumPy's matrix product.

They bound what a kernel can reach: what must read and write so many bytes takes about as long as to copy them, and so
many multiplications and additions as long as the BLAS behind NumPy takes for them. A kernel may still be faster where
it has more threads, or finds its operands in a nearer cache than the copy does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .timing import time_together
from .work import Work

SMALLEST_BYTES, LARGEST_BYTES = 4096, 1 << 28
PRODUCT_SIZE = 768
HOW = {
    "copy": "the best of some rounds of numpy.copyto, between two arrays that together have the call's bytes, rounded "
    "up to a power of two",
    "arithmetic": f"the best of some rounds of numpy.matmul, of {PRODUCT_SIZE}×{PRODUCT_SIZE} matrices of the dtype",
}
"""How each limit is measured, for reports."""


@dataclass(frozen=True, slots=True)
class MachineTimes:
    """The least seconds for a call's work: to copy its bytes, and for its arithmetic (None where that isn't known)."""

    copying: float
    arithmetic: float | None

    @property
    def bound(self) -> float:
        return max(self.copying, self.arithmetic or 0.0)


@dataclass(slots=True)
class MachineSpeed:
    """Measures what calls need, each size once, and again where it is refined."""

    quick: bool = False
    copies: dict[int, float] = field(default_factory=dict)
    """Bytes read and written per second, by size class in bytes."""
    products: dict[str, float] = field(default_factory=dict)
    """Multiplications and additions per second, by dtype."""

    def times_of(self, work: Work, dtype: np.dtype[Any]) -> MachineTimes:
        """The least time for some work, arithmetic in a dtype."""
        arithmetic = None if work.operations is None else work.operations / self.operations_per_second(dtype)
        return MachineTimes(work.size_bytes / self.bytes_per_second(work.size_bytes), arithmetic)

    def bytes_per_second(self, size_bytes: int) -> float:
        """How fast so many bytes, read and written together, are copied."""
        size = min(max(SMALLEST_BYTES, 1 << (max(size_bytes, 1) - 1).bit_length()), LARGEST_BYTES)
        if size not in self.copies:
            self.copies[size] = self._copied(size)
        return self.copies[size]

    def operations_per_second(self, dtype: np.dtype[Any]) -> float:
        """How fast NumPy multiplies and adds in a floating dtype; float32 stands for those that its BLAS lacks."""
        name = dtype.name if dtype.name in ("float32", "float64") else "float32"
        if name not in self.products:
            self.products[name] = self._multiplied(name)
        return self.products[name]

    def refine(self) -> None:
        """Measures everything once more and keeps what is faster: what disturbed the first time may be gone."""
        self.copies = {size: max(rate, self._copied(size)) for size, rate in self.copies.items()}
        self.products = {name: max(rate, self._multiplied(name)) for name, rate in self.products.items()}

    def _copied(self, size: int) -> float:
        source, target = np.ones((2, size // 2), np.uint8)
        timing = time_together({"copy": [lambda: np.copyto(target, source)]}, quick=self.quick)["copy"]
        return size / timing.best

    def _multiplied(self, name: str) -> float:
        left, right = np.ones((2, PRODUCT_SIZE, PRODUCT_SIZE), name)
        target = np.empty_like(left)
        timing = time_together({"matmul": [lambda: np.matmul(left, right, out=target)]}, quick=self.quick)["matmul"]
        return 2 * PRODUCT_SIZE**3 / timing.best
