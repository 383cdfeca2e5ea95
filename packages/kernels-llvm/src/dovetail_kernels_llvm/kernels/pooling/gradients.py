"""The transposes of pools. No two tasks write to one place: where windows overlap, a task has images and channels of
its own, or an element gathers what the windows around it give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, SIZES, STORED, vector
from ..convolution.indices import Index, least, minus, plus, times, weighted
from ..kernel import Kernel, Launch, c_strides, traffic
from .descriptions import AveragePoolGradient, MaxPoolGradient
from .windows import (
    Bundle,
    Taps,
    computed_type,
    each_bundle,
    each_place,
    each_tap,
    each_unit,
    each_window_over,
    first_tap,
    is_better,
    is_maskable,
    lanes_for,
    launch_by_place,
    load,
    shape_of,
    share_of,
    store,
    taps_of,
    task_count,
)


def average_pool_gradient_launches(isa: ISA, description: AveragePoolGradient) -> list[Launch]:
    """The launches that give each window's cotangent, shared out equally, to its elements."""
    cotangent, grid, result = description.cotangent, description.grid, description.result
    sizes = result.shape[1:-1]

    def element(b: Builder, pointers: Sequence[Value], image: Index, place: Sequence[Index], bundle: Bundle) -> None:
        zero = b.constant(computed_type(result, bundle.lanes), 0)
        total = [b.variable(zero) for _ in range(bundle.vectors)]

        def window(index: Sequence[Index]) -> None:
            counts = taps_of(b, grid, sizes, index).count
            share = share_of(b, grid, counts, computed_type(result, 1), description.count_padding)
            share = b.splat(share, bundle.lanes)
            for one, given in zip(total, load(b, cotangent, pointers[0], (image, *index), bundle), strict=True):
                one.set(b.add(one.get(), b.mul(given, share)))

        each_window_over(b, grid, place, window)
        store(b, result, pointers[-1], (image, *place), bundle, [one.get() for one in total])

    return launch_by_place(isa, f"average pool gradient {shape_of(result)}", grid, (cotangent,), result, element)


def max_pool_gradient_launches(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """The launches that give each window's cotangent to its greatest element, the first of equals."""
    grid, x = description.grid, description.x
    if not x.size:
        return []
    is_covered = all(
        window == stride and not any(padding) and output * stride == size
        for window, stride, padding, output, size in zip(
            grid.window, grid.strides, grid.padding, grid.output, x.shape[1:-1], strict=True
        )
    )
    if is_covered:
        return _covering(isa, description)
    if COMPUTED[x.dtype] != STORED[x.dtype]:
        # What overlapping windows give is added up in single precision, and rounded once.
        return _gathered(isa, description)
    return _spread(isa, description)


class Chosen:
    """Writes which element of a window is the greatest: the numbers of taps, in lanes of whole numbers."""

    def __init__(self, b: Builder, description: MaxPoolGradient) -> None:
        self._b, self._grid, self._x = b, description.grid, description.x
        self._sizes = description.x.shape[1:-1]

    def taps(self, window: Sequence[Index]) -> Taps:
        """The taps of a window."""
        return taps_of(self._b, self._grid, self._sizes, window)

    def numbers(self, x: Value, image: Index, taps: Taps, bundle: Bundle) -> list[Value]:
        """The number of the greatest element's tap."""
        b, view = self._b, self._x
        number, first = first_tap(b, self._grid, taps)
        best = [b.variable(one) for one in load(b, view, x, (image, *first), bundle)]
        chosen = [b.variable(self.number(number, bundle.lanes)) for _ in best]

        def tap(number: Index, place: Sequence[Index]) -> None:
            this = self.number(number, bundle.lanes)
            for vector_number, read in enumerate(load(b, view, x, (image, *place), bundle)):
                before = best[vector_number].get()
                better = is_better(b, view.dtype, read, before, nan=False)
                chosen[vector_number].set(b.select(better, this, chosen[vector_number].get()))
                best[vector_number].set(b.select(is_better(b, view.dtype, read, before, nan=True), read, before))

        each_tap(b, self._grid, taps, tap)
        return [one.get() for one in chosen]

    def number(self, tap: Index, lanes: int) -> Value:
        """The number of a tap in lanes as wide as the elements."""
        element = "i64" if SIZES[COMPUTED[self._x.dtype]] == 8 else "i32"
        if isinstance(tap, int):
            return self._b.constant(vector(element, lanes), tap)
        return self._b.splat(self._b.convert("trunc", tap, element), lanes)

    def kept(self, tap: Index, chosen: Value, given: Value) -> Value:
        """What of a cotangent goes to a tap: all of it where it is the chosen one."""
        b = self._b
        here = b.compare("eq", chosen, self.number(tap, chosen.lanes))
        return b.select(here, given, b.constant(given.type, 0))


def _covering(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """Each element lies in just one window, which writes it. A task has rows of windows."""
    cotangent, x, result, grid = description.cotangent, description.x, description.result, description.grid

    def window(b: Builder, pointers: Sequence[Value], image: Index, place: Sequence[Index], bundle: Bundle) -> None:
        chosen = Chosen(b, description)
        taps = chosen.taps(place)
        numbers = chosen.numbers(pointers[1], image, taps, bundle)
        given = load(b, cotangent, pointers[0], (image, *place), bundle)

        def tap(number: Index, element: Sequence[Index]) -> None:
            kept = [chosen.kept(number, one, some) for one, some in zip(numbers, given, strict=True)]
            store(b, result, pointers[2], (image, *element), bundle, kept)

        each_tap(b, grid, taps, tap)

    return launch_by_place(
        isa, f"max pool gradient {shape_of(x)}", grid, (cotangent, x), result, window, cotangent.shape[:-1]
    )


def _gathered(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """Each element looks which of the windows around have chosen it."""
    cotangent, x, result, grid = description.cotangent, description.x, description.result, description.grid

    def element(b: Builder, pointers: Sequence[Value], image: Index, place: Sequence[Index], bundle: Bundle) -> None:
        chosen = Chosen(b, description)
        zero = b.constant(computed_type(result, bundle.lanes), 0)
        total = [b.variable(zero) for _ in range(bundle.vectors)]

        def window(index: Sequence[Index]) -> None:
            taps = chosen.taps(index)
            mine = [minus(b, at, start) for at, start in zip(place, taps.start, strict=True)]
            number = weighted(b, mine, c_strides(grid.window))
            numbers = chosen.numbers(pointers[1], image, taps, bundle)
            given = load(b, cotangent, pointers[0], (image, *index), bundle)
            for one, which, some in zip(total, numbers, given, strict=True):
                one.set(b.add(one.get(), chosen.kept(number, which, some)))

        each_window_over(b, grid, place, window)
        store(b, result, pointers[2], (image, *place), bundle, [one.get() for one in total])

    return launch_by_place(isa, f"max pool gradient {shape_of(x)}", grid, (cotangent, x), result, element)


def _spread(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """Windows add to their elements one after the other. A task has some channels of one image."""
    cotangent, x, result, grid = description.cotangent, description.x, description.result, description.grid
    views = (cotangent, x, result)
    b = Builder(isa)
    pointers = [b.pointer(number) for number in range(3)]
    lanes, maskable = lanes_for(b, views), is_maskable(b, views)
    batch, *sizes, channels = x.shape
    parts = -(-channels // lanes)
    wanted = task_count(batch * parts, traffic(*views))
    width = -(-parts // max(-(-wanted // batch), 1)) * lanes  # channels of a task
    groups = -(-channels // width)
    tasks = task_count(batch * groups, traffic(*views))
    chosen = Chosen(b, description)

    def zero(image: Index, place: Sequence[Index], bundle: Bundle) -> None:
        none = b.constant(computed_type(result, bundle.lanes), 0)
        store(b, result, pointers[2], (image, *place), bundle, [none] * bundle.vectors)

    def window(image: Index, place: Sequence[Index], bundle: Bundle) -> None:
        taps = chosen.taps(place)
        numbers = chosen.numbers(pointers[1], image, taps, bundle)
        given = load(b, cotangent, pointers[0], (image, *place), bundle)

        def tap(number: Index, element: Sequence[Index]) -> None:
            before = load(b, result, pointers[2], (image, *element), bundle)
            kept = [chosen.kept(number, one, some) for one, some in zip(numbers, given, strict=True)]
            total = [b.add(old, new) for old, new in zip(before, kept, strict=True)]
            store(b, result, pointers[2], (image, *element), bundle, total)

        each_tap(b, grid, taps, tap)

    def unit(index: Sequence[Index]) -> None:
        image, group = index
        start = times(b, group, width)
        stop = channels if groups == 1 else least(b, plus(b, start, width), channels)
        for extent, body in ((sizes, zero), (grid.output, window)):

            def at(place: Sequence[Index], body: Callable[..., None] = body) -> None:
                each_bundle(b, start, stop, lanes, lambda one: body(image, place, one), maskable=maskable)

            each_place(b, extent, at)

    each_unit(b, (batch, groups), tasks, unit)
    what = f"max pool gradient {shape_of(x)}, window {'×'.join(map(str, grid.window))}"
    return [Launch(Kernel(b.text(), what), views, (2,), tasks, 0.0, traffic(*views))]
