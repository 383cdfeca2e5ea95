"""Pools, and the tangent of max-pooling: window by window, with vectors of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dovetail_protocols.operations.windows import WindowGrid

from ...codegen.builder import Builder, Value
from ...codegen.isa import ISA
from ..convolution.indices import Index
from ..kernel import Launch, View
from .channels import Bundle, computed_type, load, store
from .choices import is_better
from .descriptions import AveragePool, MaxPool, MaxPoolSelect
from .launching import Bundles, launch_by_place, shape_of
from .windows import Taps, at_window, each_tap, first_tap, share_of

Pool = Callable[[Builder, Sequence[Value], Index, Taps, Bundle], list[Value]]
"""Writes the results of one window for a bundle of channels: (b, pointers, image, taps, bundle)."""


def max_pool_launches(isa: ISA, description: MaxPool) -> list[Launch]:
    """The launches that compute the greatest element of each window."""
    x, grid = description.x, description.grid

    def pool(b: Builder, pointers: Sequence[Value], image: Index, taps: Taps, bundle: Bundle) -> list[Value]:
        _, first = first_tap(b, grid, taps)
        best = [b.variable(one) for one in load(b, x, pointers[0], (image, *first), bundle)]

        def tap(_: Index, place: Sequence[Index]) -> None:
            for one, read in zip(best, load(b, x, pointers[0], (image, *place), bundle), strict=True):
                before = one.get()
                one.set(b.select(is_better(b, x.dtype, read, before, nan=True), read, before))

        each_tap(b, grid, taps, tap)
        return [one.get() for one in best]

    return _launches(isa, "max pool", grid, (x,), description.result, pool)


def max_pool_select_launches(isa: ISA, description: MaxPoolSelect) -> list[Launch]:
    """The launches that give the elements of `values` where x has the greatest element of each window."""
    values, x, grid = description.values, description.x, description.grid

    def pool(b: Builder, pointers: Sequence[Value], image: Index, taps: Taps, bundle: Bundle) -> list[Value]:
        _, first = first_tap(b, grid, taps)
        chosen = [b.variable(one) for one in load(b, values, pointers[0], (image, *first), bundle)]
        best = [b.variable(one) for one in load(b, x, pointers[1], (image, *first), bundle)]

        def tap(_: Index, place: Sequence[Index]) -> None:
            given = load(b, values, pointers[0], (image, *place), bundle)
            read = load(b, x, pointers[1], (image, *place), bundle)
            for new, kept, one, which in zip(read, best, given, chosen, strict=True):
                before = kept.get()
                which.set(b.select(is_better(b, x.dtype, new, before, nan=False), one, which.get()))
                kept.set(b.select(is_better(b, x.dtype, new, before, nan=True), new, before))

        each_tap(b, grid, taps, tap)
        return [one.get() for one in chosen]

    return _launches(isa, "max pool select", grid, (values, x), description.result, pool)


def average_pool_launches(isa: ISA, description: AveragePool) -> list[Launch]:
    """The launches that compute the mean of each window."""
    x, grid = description.x, description.grid

    def pool(b: Builder, pointers: Sequence[Value], image: Index, taps: Taps, bundle: Bundle) -> list[Value]:
        zero = b.constant(computed_type(x, bundle.lanes), 0)
        total = [b.variable(zero) for _ in range(bundle.vectors)]

        def tap(_: Index, place: Sequence[Index]) -> None:
            for one, read in zip(total, load(b, x, pointers[0], (image, *place), bundle), strict=True):
                one.set(b.add(one.get(), read))

        each_tap(b, grid, taps, tap)
        share = b.splat(share_of(b, grid, taps.count, computed_type(x, 1), description.count_padding), bundle.lanes)
        return [b.mul(one.get(), share) for one in total]

    return _launches(isa, "average pool", grid, (x,), description.result, pool)


def _launches(isa: ISA, name: str, grid: WindowGrid, inputs: Sequence[View], result: View, pool: Pool) -> list[Launch]:
    """The launch that stores what `pool` gives for each window."""
    sizes = inputs[0].shape[1:-1]

    def place(b: Builder, pointers: Sequence[Value], place: Sequence[Index], bundles: Bundles) -> None:
        def window(taps: Taps) -> None:
            def use(bundle: Bundle) -> None:
                store(b, result, pointers[-1], place, bundle, pool(b, pointers, place[0], taps, bundle))

            bundles(use)

        at_window(b, grid, sizes, place[1:], window)

    return launch_by_place(isa, f"{name} {shape_of(inputs[0])}", grid, inputs, result, place)
