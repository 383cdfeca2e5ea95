"""Where the windows of convolutions and pools lie: strides, dilation and padding, worked out for given sizes."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Sizes = tuple[int, ...]
    Pairs = tuple[tuple[int, int], ...]
    Padding = str | Pairs

NAMED_PADDINGS = ("valid", "same", "causal")


@record
class WindowGrid:
    """A grid of windows over spatial axes, with one entry for each axis in every field.

    `padding` counts the elements put before and after; `output` counts the windows.
    """

    window: Sizes
    strides: Sizes
    dilation: Sizes
    padding: Pairs
    output: Sizes

    @property
    def extent(self) -> Sizes:
        """How many input elements a window spans, holes included."""
        return extents(self.window, self.dilation)


def window_grid(
    operation: str,
    sizes: Sequence[int],
    *,
    window: Sizes,
    strides: int | Sizes,
    padding: Padding,
    dilation: int | Sizes = 1,
) -> WindowGrid:
    """The windows over spatial axes of the given sizes.

    Raises: AttributeValueError for strides, dilation or padding that don't fit the rank or are too small; ShapeError
    where no window fits in.
    """
    rank = len(sizes)
    window = per_axis(operation, "window", window, rank)
    strides = per_axis(operation, "strides", strides, rank)
    dilation = per_axis(operation, "dilation", dilation, rank)
    pairs = padding_pairs(operation, padding, sizes, window, strides, dilation)
    output = tuple(
        (size + low + high - extent) // stride + 1
        for size, (low, high), extent, stride in zip(sizes, pairs, extents(window, dilation), strides, strict=True)
    )
    for axis, count in enumerate(output):
        if count < 1:
            raise ShapeError(
                f"{operation}: the window is larger than the padded input",
                where=f"{operation}, spatial axis {axis}",
                expected=f"at least {extents(window, dilation)[axis]} elements",
                got=f"{sizes[axis]} with padding {pairs[axis]}",
                fix='use padding="same", a smaller window, or a larger input',
            )
    return WindowGrid(window, strides, dilation, pairs, output)


def per_axis(operation: str, argument: str, value: int | Sizes, rank: int, *, least: int = 1) -> Sizes:
    """One int for each spatial axis, from an int for all or a tuple.

    Raises: AttributeValueError for another length, or an entry that is no int or below `least`.
    """
    entries = value if isinstance(value, tuple) else (value,) * rank
    if len(entries) != rank or any(not isinstance(n, int) or isinstance(n, bool) or n < least for n in entries):
        raise AttributeValueError(
            f"{operation}: {argument} doesn't fit",
            where=f"{operation}, {argument}",
            expected=f"an int, or {rank} of them (one for each spatial axis), each at least {least}",
            got=repr(value),
        )
    return entries


def extents(window: Sizes, dilation: Sizes) -> Sizes:
    """How many input elements each window spans: (window - 1) · dilation + 1."""
    return tuple((size - 1) * step + 1 for size, step in zip(window, dilation, strict=True))


def padding_pairs(
    operation: str, padding: Padding, sizes: Sequence[int], window: Sizes, strides: Sizes, dilation: Sizes
) -> Pairs:
    """How many elements are put before and after each spatial axis.

    "valid" puts none. "same" puts what gives ceil(size / stride) windows, the odd one after (TensorFlow's rule).
    "causal" puts all before, so that a window ends where it stands; it is for one spatial axis.

    Raises: AttributeValueError for another name, or pairs that don't fit.
    """
    spans = extents(window, dilation)
    if padding == "valid":
        return ((0, 0),) * len(window)
    if padding == "same":
        totals = [
            max((-(-size // stride) - 1) * stride + span - size, 0)
            for size, stride, span in zip(sizes, strides, spans, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in totals)
    if padding == "causal" and len(window) == 1:
        return ((spans[0] - 1, 0),)
    return _explicit(operation, padding, len(window))


def _explicit(operation: str, padding: Padding, rank: int) -> Pairs:
    pairs = padding if isinstance(padding, tuple) else ()
    sound = len(pairs) == rank and all(
        isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(count, int) and count >= 0 for count in pair)
        for pair in pairs
    )
    if not sound or not rank:
        raise AttributeValueError(
            f"{operation}: padding doesn't fit",
            where=f"{operation}, padding",
            expected=f'"valid", "same", "causal" (one spatial axis), or {rank} pairs (before, after) of ints from 0 up',
            got=repr(padding),
        )
    return pairs
