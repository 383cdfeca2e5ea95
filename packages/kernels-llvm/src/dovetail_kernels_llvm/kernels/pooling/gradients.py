"""The transposes of pools. No two tasks write to one place: where windows overlap, a task has images and channels of
its own, or an element gathers what the windows around it give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ...codegen.types import COMPUTED, STORED
from ..convolution.indices import Index, each, greatest, least, minus, plus, times, value, weighted
from ..kernel import Kernel, Launch, c_strides, traffic
from .channels import Bundle, computed_type, each_bundle, is_maskable, lanes_for, load, store
from .choices import chosen, only_where
from .descriptions import AveragePoolGradient, MaxPoolGradient
from .launching import Bundles, each_place, each_unit, launch_by_place, named, shape_of, task_count
from .windows import Taps, at_window, each_tap, each_window_over, share_of, taps_of

SPREAD_TASKS = 8
"""Into so many tasks, at least, images are given out where windows overlap; if they are fewer, by channels."""


def average_pool_gradient_launches(isa: ISA, description: AveragePoolGradient) -> list[Launch]:
    """The launches that give each window's cotangent, shared out equally, to its elements."""
    cotangent, grid, result = description.cotangent, description.grid, description.result
    sizes = result.shape[1:-1]

    def element(b: Builder, pointers: Sequence[Value], place: Sequence[Index], bundles: Bundles) -> None:
        def use(bundle: Bundle) -> None:
            zero = b.constant(computed_type(result, bundle.lanes), 0)
            total = [b.variable(zero) for _ in range(bundle.vectors)]

            def window(index: Sequence[Index]) -> None:
                counts = taps_of(b, grid, sizes, index).count
                share = share_of(b, grid, counts, computed_type(result, 1), description.count_padding)
                share = b.splat(share, bundle.lanes)
                for one, given in zip(total, load(b, cotangent, pointers[0], (place[0], *index), bundle), strict=True):
                    one.set(b.add(one.get(), b.mul(given, share)))

            each_window_over(b, grid, place[1:], window)
            store(b, result, pointers[1], place, bundle, [one.get() for one in total])

        bundles(use)

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


def _covering(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """Each element lies in just one window, which writes it. A task has rows of windows."""
    cotangent, x, result, grid = description.cotangent, description.x, description.result, description.grid

    def window(b: Builder, pointers: Sequence[Value], place: Sequence[Index], bundles: Bundles) -> None:
        taps = taps_of(b, grid, x.shape[1:-1], place[1:])

        def use(bundle: Bundle) -> None:
            numbers = chosen(b, grid, x, pointers[1], place[0], taps, bundle)
            given = load(b, cotangent, pointers[0], place, bundle)

            def tap(number: Index, element: Sequence[Index]) -> None:
                kept = [only_where(b, x, number, one, some) for one, some in zip(numbers, given, strict=True)]
                store(b, result, pointers[2], (place[0], *element), bundle, kept)

            each_tap(b, grid, taps, tap)

        bundles(use)

    what, places = f"max pool gradient {shape_of(x)}", cotangent.shape[:-1]
    return launch_by_place(isa, what, grid, (cotangent, x), result, window, places)


def _gathered(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """Each element looks which of the windows around have chosen it."""
    cotangent, x, result, grid = description.cotangent, description.x, description.result, description.grid

    def element(b: Builder, pointers: Sequence[Value], place: Sequence[Index], bundles: Bundles) -> None:
        def use(bundle: Bundle) -> None:
            zero = b.constant(computed_type(result, bundle.lanes), 0)
            total = [b.variable(zero) for _ in range(bundle.vectors)]

            def window(index: Sequence[Index]) -> None:
                taps = taps_of(b, grid, x.shape[1:-1], index)
                mine = [minus(b, at, start) for at, start in zip(place[1:], taps.start, strict=True)]
                number = weighted(b, mine, c_strides(grid.window))
                numbers = chosen(b, grid, x, pointers[1], place[0], taps, bundle)
                given = load(b, cotangent, pointers[0], (place[0], *index), bundle)
                for one, which, some in zip(total, numbers, given, strict=True):
                    one.set(b.add(one.get(), only_where(b, x, number, which, some)))

            each_window_over(b, grid, place[1:], window)
            store(b, result, pointers[2], place, bundle, [one.get() for one in total])

        bundles(use)

    return launch_by_place(isa, f"max pool gradient {shape_of(x)}", grid, (cotangent, x), result, element)


def _spread(isa: ISA, description: MaxPoolGradient) -> list[Launch]:
    """Windows add to their elements one after the other. A task has some channels of one image, whose rows are zeroed
    just before the first window comes to them."""
    cotangent, x, result, grid = description.cotangent, description.x, description.result, description.grid
    views = (cotangent, x, result)
    b = Builder(isa)
    pointers = [b.pointer(number) for number in range(3)]
    lanes, maskable = lanes_for(b, views), is_maskable(b, views)
    batch, rows, *others, channels = x.shape
    parts = -(-channels // lanes)
    wanted = min(task_count(batch * parts, traffic(*views)), SPREAD_TASKS)
    width = -(-parts // -(-wanted // batch)) * lanes  # channels of a task
    groups = -(-channels // width)
    tasks = task_count(batch * groups, traffic(*views))

    def unit(index: Sequence[Index]) -> None:
        image, group = index
        start = times(b, group, width)
        stop = channels if groups == 1 else least(b, plus(b, start, width), channels)

        def zero(place: Sequence[Index], bundle: Bundle) -> None:
            none = b.constant(computed_type(result, bundle.lanes), 0)
            store(b, result, pointers[2], (image, *place), bundle, [none] * bundle.vectors)

        def zeros(first: Index, last: Index) -> None:
            with each(b, first, last) as row:
                each_place(b, others, lambda rest: bundles(lambda bundle: zero((row, *rest), bundle)))

        def bundles(use: Callable[[Bundle], None]) -> None:
            each_bundle(b, start, stop, lanes, use, maskable=maskable)

        def window(place: Sequence[Index], taps: Taps, bundle: Bundle) -> None:
            numbers = chosen(b, grid, x, pointers[1], image, taps, bundle)
            given = load(b, cotangent, pointers[0], (image, *place), bundle)

            def tap(number: Index, element: Sequence[Index]) -> None:
                before = load(b, result, pointers[2], (image, *element), bundle)
                kept = [only_where(b, x, number, one, some) for one, some in zip(numbers, given, strict=True)]
                total = [b.add(old, new) for old, new in zip(before, kept, strict=True)]
                store(b, result, pointers[2], (image, *element), bundle, total)

            each_tap(b, grid, taps, tap)

        def reached(row: Index) -> Index:
            """The end of the rows that windows of rows before one come to."""
            end = minus(b, plus(b, times(b, minus(b, row, 1), grid.strides[0]), grid.window[0]), grid.padding[0][0])
            return greatest(b, least(b, end, rows), 0)

        def earlier(row: Index) -> Index:
            is_first = b.compare("eq", value(b, row), b.index(0))
            return b.select(is_first, b.index(0), value(b, reached(row)))

        with each(b, 0, grid.output[0]) as row:
            zeros(0 if row == 0 else earlier(row), reached(plus(b, row, 1)))

            def at(rest: Sequence[Index], row: Index = row) -> None:
                place = (row, *rest)
                at_window(
                    b,
                    grid,
                    x.shape[1:-1],
                    place,
                    lambda taps: bundles(lambda bundle: window(place, taps, bundle)),
                )

            each_place(b, grid.output[1:], at)
        zeros(reached(grid.output[0]), rows)

    each_unit(b, (batch, groups), tasks, unit)
    what = named(f"max pool gradient {shape_of(x)}", grid)
    return [Launch(Kernel(b.text(), what), views, (2,), tasks, 0.0, traffic(*views))]
