"""Pooling over windows of the spatial axes, channels last, and the linear maps that its derivatives are made of."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import primitive
from .windows import WindowGrid, window_grid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import Floating, Real
    from .windows import Padding


@primitive(version=1)
def max_pool(
    x: Real,
    /,
    *,
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None = None,
    padding: Padding = "valid",
) -> Real:
    """The greatest element of each window; NaN where the window holds one.

    x: (batch, *spatial, channels). Result: (batch, *output, channels). `strides=None` means the window itself. Padding
    (see `conv`) counts as less than every element.

    Raises: ShapeError for an x without spatial axes, or a window larger than the padded input; AttributeValueError for
    a window, strides or padding that don't fit, or padding that a window could lie in altogether.
    Source: ONNX MaxPool-22, with TensorFlow's layout and "same".
    """
    return _pooled(x, _grid("max_pool", x, x.shape[1:-1], window, strides, padding))


@primitive(version=1)
def max_pool_gradient(
    cotangent: Floating,
    x: Floating,
    /,
    *,
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None = None,
    padding: Padding = "valid",
) -> Floating:
    """The cotangent of max_pool's x: each window gives its cotangent to its greatest element, the first of equals.

    cotangent: (batch, *output, channels), x: (batch, *spatial, channels). Result: as x. First means in row-major order
    over the window; what comes after a NaN is not looked at.
    """
    grid = _grid("max_pool_gradient", x, x.shape[1:-1], window, strides, padding)
    _check_output("max_pool_gradient", cotangent, _pooled(x, grid))
    return x


@primitive(version=1)
def max_pool_select(
    values: Floating,
    x: Floating,
    /,
    *,
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None = None,
    padding: Padding = "valid",
) -> Floating:
    """The elements of `values` where x has the greatest element of each window: the transpose of `max_pool_gradient`,
    and so the tangent of max_pool.

    values, x: (batch, *spatial, channels). Result: (batch, *output, channels).
    """
    result = _pooled(x, _grid("max_pool_select", x, x.shape[1:-1], window, strides, padding))
    if values.shape != x.shape:
        raise ShapeError("max_pool_select: the shapes of values and x differ", expected=x.shape, got=values.shape)
    return result


@primitive(version=1)
def average_pool(
    x: Floating,
    /,
    *,
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None = None,
    padding: Padding = "valid",
    count_padding: bool = False,
) -> Floating:
    """The mean of each window's elements.

    x: (batch, *spatial, channels). Result: (batch, *output, channels). `strides=None` means the window itself. Padding
    (see `conv`) is left out of the mean, as in Keras; with `count_padding` it counts as zeros.

    Raises: as `max_pool`.
    Source: ONNX AveragePool-22 (count_include_pad), with TensorFlow's layout and "same".
    """
    return _pooled(x, _grid("average_pool", x, x.shape[1:-1], window, strides, padding))


@primitive(version=1)
def average_pool_gradient(
    cotangent: Floating,
    /,
    *,
    spatial_shape: tuple[int, ...],
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None = None,
    padding: Padding = "valid",
    count_padding: bool = False,
) -> Floating:
    """The cotangent of average_pool's x, whose spatial axes are `spatial_shape`: the transpose of that linear map.

    cotangent: (batch, *output, channels). Result: (batch, *spatial_shape, channels).
    """
    grid = _grid("average_pool_gradient", cotangent, spatial_shape, window, strides, padding)
    x = TensorMeta((cotangent.shape[0], *spatial_shape, cotangent.shape[-1]), cotangent.dtype, cotangent.device)
    _check_output("average_pool_gradient", cotangent, _pooled(x, grid))
    return x


def pool_grid(
    operation: str,
    sizes: tuple[int, ...],
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None,
    padding: Padding,
) -> WindowGrid:
    """The windows of a pool over spatial axes of the given sizes; every one holds at least one element.

    Raises: as `window_grid`; AttributeValueError for padding that a window could lie in altogether.
    """
    sized = (window,) * len(sizes) if isinstance(window, int) else window
    grid = window_grid(operation, sizes, window=sized, strides=sized if strides is None else strides, padding=padding)
    for axis, (low, high) in enumerate(grid.padding):
        if low >= grid.window[axis] or high >= grid.window[axis]:
            raise AttributeValueError(
                f"{operation}: a window would lie in the padding altogether",
                where=f"{operation}, padding, spatial axis {axis}",
                expected=f"less than the window, {grid.window[axis]}, on each side",
                got=(low, high),
            )
    return grid


def _grid(
    operation: str,
    image: TensorMeta,
    sizes: tuple[int, ...],
    window: int | tuple[int, ...],
    strides: int | tuple[int, ...] | None,
    padding: Padding,
) -> WindowGrid:
    if image.ndim < 3:
        raise ShapeError(
            f"{operation}: there are no spatial axes",
            where=f"{operation}, first operand",
            expected="(batch, *spatial, channels) with at least one spatial axis",
            got=f"{image.shape}",
            fix="a single image needs a batch axis: x[None]",
        )
    return pool_grid(operation, sizes, window, strides, padding)


def _pooled(x: TensorMeta, grid: WindowGrid) -> TensorMeta:
    return TensorMeta((x.shape[0], *grid.output, x.shape[-1]), x.dtype, x.device)


def _check_output(operation: str, cotangent: TensorMeta, pooled: TensorMeta) -> None:
    if cotangent.shape != pooled.shape:
        raise ShapeError(
            f"{operation}: the cotangent isn't shaped like the pool's result",
            where=f"{operation}, cotangent",
            expected=f"{pooled.shape}",
            got=f"{cotangent.shape}",
        )
