"""How windows lie over the axes of pixels, for a convolution and for the phases of its input gradient."""

from __future__ import annotations

from itertools import product
from math import gcd, prod

from dovetail_protocols.operations.windows import WindowGrid
from dovetail_protocols.records import record

LONG = 1024
"""Along axes with more windows, the taps beyond the border are few."""


@record
class Axis:
    """One axis of pixels: the batch (a window holds one image), or a spatial axis.

    `size`: elements that are read from; `count`: windows; window q's tap t lies at q·stride + t·dilation − before (see
    Phase), and is zero outside; `taps`: the most that a window has in any phase; `step`: how far apart the results
    of neighboring windows lie.
    """

    size: int
    count: int
    taps: int
    stride: int = 1
    dilation: int = 1
    step: int = 1

    def span(self, count: int) -> int:
        """How many elements `count` neighboring windows reach over."""
        return (count - 1) * self.stride + max(self.taps - 1, 0) * self.dilation + 1


@record
class Phase:
    """What differs, axis by axis, between the parts of a convolution that share one kernel: `taps` of a window,
    `before` (elements that window 0 reaches out before the first), `first` (where the result of window 0 lies)."""

    taps: tuple[int, ...]
    before: tuple[int, ...]
    first: tuple[int, ...]


@record
class Pass:
    """Convolutions over the same axes, one for each phase, that one kernel computes. `order`: for each tap, phase after
    phase and in row-major order, its place in the filters' window."""

    axes: tuple[Axis, ...]
    phases: tuple[Phase, ...]
    order: tuple[tuple[int, ...], ...]

    @property
    def pixels(self) -> int:
        """How many pixels of the result one phase computes."""
        return prod(axis.count for axis in self.axes)

    def reaches_out(self, place: int) -> bool:
        """Whether a window reaches over a border of an axis."""
        axis = self.axes[place]
        return any(
            taps and (before > 0 or (axis.count - 1) * axis.stride - before + (taps - 1) * axis.dilation >= axis.size)
            for taps, before in ((phase.taps[place], phase.before[place]) for phase in self.phases)
        )

    def share(self, place: int) -> float:
        """The share of an axis' taps that lie inside, over all windows."""
        axis = self.axes[place]
        if not self.reaches_out(place) or axis.count > LONG:
            return 1.0
        inside = total = 0
        for phase in self.phases:
            for window in range(axis.count):
                first = window * axis.stride - phase.before[place]
                low = min(max(-(first // axis.dilation), 0), phase.taps[place])
                high = min(max(-((first - axis.size) // axis.dilation), 0), phase.taps[place])
                inside += max(high - low, 0)
            total += phase.taps[place] * axis.count
        return inside / max(total, 1)


def forward_pass(batch: int, sizes: tuple[int, ...], grid: WindowGrid) -> Pass:
    """The one pass of a convolution of inputs with these spatial sizes."""
    axes = [Axis(batch, batch, 1)]
    for size, count, taps, stride, dilation in zip(
        sizes, grid.output, grid.window, grid.strides, grid.dilation, strict=True
    ):
        axes.append(Axis(size, count, taps, stride if count > 1 else 1, dilation if taps > 1 else 1))
    low = tuple(before for before, _ in grid.padding)
    phase = Phase((1, *grid.window), (0, *low), (0,) * len(axes))
    return Pass(tuple(axes), (phase,), tuple(product(*map(range, grid.window))))


def gradient_passes(batch: int, sizes: tuple[int, ...], grid: WindowGrid) -> list[Pass]:
    """The passes over the cotangent whose results together are the cotangent of the input, of the given sizes.

    With a stride s, the pixels whose number leaves a remainder r by s see the same taps, those with r + before −
    tap·dilation divisible by s: each remainder is a dense convolution, and no inserted zero is multiplied. Passes are
    apart where the numbers of pixels differ.
    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic, section 4.
    """
    by_axis = [
        _remainders(size, stride, dilation, window, low)
        for size, stride, dilation, window, (low, _) in zip(
            sizes, grid.strides, grid.dilation, grid.window, grid.padding, strict=True
        )
    ]
    found: dict[tuple[int, ...], list[tuple[_Remainder, ...]]] = {}
    for parts in product(*by_axis):
        found.setdefault(tuple(part.count for part in parts), []).append(parts)
    passes = []
    for counts, members in found.items():
        axes = [Axis(batch, batch, 1)]
        for place, (size, stride, dilation) in enumerate(zip(grid.output, grid.strides, grid.dilation, strict=True)):
            taps = max(len(parts[place].taps) for parts in members)
            spread = dilation // gcd(stride, dilation) if taps > 1 else 1
            axes.append(Axis(size, counts[place], taps, 1, spread, stride))
        phases = tuple(
            Phase(
                (1, *(len(part.taps) for part in parts)),
                (0, *(part.before for part in parts)),
                (0, *(part.first for part in parts)),
            )
            for parts in members
        )
        order = tuple(tap for parts in members for tap in product(*(part.taps for part in parts)))
        passes.append(Pass(tuple(axes), phases, order))
    return passes


@record
class _Remainder:
    first: int
    count: int
    taps: tuple[int, ...]
    before: int


def _remainders(size: int, stride: int, dilation: int, window: int, low: int) -> list[_Remainder]:
    """The pixels of one axis, by the remainder of their number: the taps that they see, nearest cotangent first."""
    found = []
    for first in range(min(stride, size)):
        taps = tuple(tap for tap in reversed(range(window)) if (first + low - tap * dilation) % stride == 0)
        before = -((first + low - taps[0] * dilation) // stride) if taps else 0
        found.append(_Remainder(first, -(-(size - first) // stride), taps, before))
    return found
