"""Arrays made anew: the creation functions of the array API. A shape may be an int or a sequence; the dtype defaults to
float32.

Source: array API 2024.12, Creation Functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.metas import Device

from .conversion import convert, place, to_device
from .devices import current_device, find_device
from .numpy_dtypes import find_dtype
from .tensor import Tensor

DTypeName = dt.DType | str | None
DeviceName = Device | str | None
Shape = int | Sequence[int]


def asarray(obj: Any, /, dtype: DTypeName = None, *, device: DeviceName = None, copy: bool | None = None) -> Tensor:
    """A tensor of a number, nested sequence, array of any library, variable or tensor (itself where nothing changes).

    A tensor never changes, so memory of others is copied, also with `copy=None`. With `copy=False` it is shared, and
    whoever holds it must not write to it while the tensor is in use.

    Raises: ValueError where `copy=False` can't be had; DTypeError, ShapeError as `constant`.
    """
    if copy is False and not isinstance(obj, Tensor):
        if not isinstance(obj, np.ndarray):
            raise AttributeValueError(
                "asarray: without a copy there is no tensor of this",
                where="asarray, argument copy",
                expected="a NumPy array or a tensor for copy=False",
                got=type(obj).__name__,
                fix="leave copy out, or use from_dlpack(x)",
            )
        return _shared(obj, dtype, device)
    result = convert(obj, dtype, device)
    if copy is False and result is not obj:
        raise AttributeValueError(
            "asarray: another dtype or device needs a copy", where="asarray, argument copy", got="copy=False"
        )
    return result


def _shared(array: Any, dtype: DTypeName, device: DeviceName) -> Tensor:
    result = place(array.view(np.ndarray), None if dtype is None else find_dtype(dtype), device)
    if not np.shares_memory(array, result.payload) and array.size:
        raise AttributeValueError(
            "asarray: another dtype or device needs a copy", where="asarray, argument copy", got="copy=False"
        )
    return result


def _chosen(dtype: DTypeName, default: dt.DType | None = None) -> dt.DType | None:
    return default if dtype is None else find_dtype(dtype)


def _placed(device: DeviceName) -> Device | None:
    """A device as the operations' attribute: None for the current one, which is quicker to look up."""
    found = None if device is None else find_device(device)
    return None if found == current_device() else found


def as_shape(shape: Any) -> tuple[int, ...]:
    """Sizes as a tuple, from an int, a sequence, or a tensor whose values are known."""
    if isinstance(shape, Tensor):
        shape = shape.tolist()
    if isinstance(shape, int) or hasattr(shape, "__index__"):
        return (shape if isinstance(shape, int) else shape.__index__(),)
    return tuple(size if isinstance(size, int) else size.__index__() for size in shape)


def full(shape: Shape, fill_value: Any, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """A tensor of the given shape with `fill_value` everywhere: a Python number, or a 0-d tensor."""
    if type(fill_value) in (bool, int, float, complex):
        return ops.full(shape=as_shape(shape), fill_value=fill_value, dtype=_chosen(dtype), device=_placed(device))
    return ops.broadcast_to(convert(fill_value, dtype, device), shape=as_shape(shape))


def zeros(shape: Shape, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """A tensor of zeros."""
    return full(shape, 0, _chosen(dtype, dt.DEFAULT_FLOATING), device)


def ones(shape: Shape, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """A tensor of ones."""
    return full(shape, 1, _chosen(dtype, dt.DEFAULT_FLOATING), device)


def empty(shape: Shape, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """A tensor whose contents don't matter: zeros, since a tensor can't be filled later."""
    return zeros(shape, dtype, device)


def full_like(x: Any, /, fill_value: Any, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """`fill_value` everywhere, in the shape, dtype and device of x unless others are given."""
    like = convert(x)
    chosen = like.dtype if dtype is None else find_dtype(dtype)
    return full(like.shape, fill_value, chosen, like.device if device is None else device)


def zeros_like(x: Any, /, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """Zeros in the shape, dtype and device of x unless others are given."""
    return full_like(x, 0, dtype, device)


def ones_like(x: Any, /, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """Ones in the shape, dtype and device of x unless others are given."""
    return full_like(x, 1, dtype, device)


def empty_like(x: Any, /, dtype: DTypeName = None, device: DeviceName = None) -> Tensor:
    """A tensor like x whose contents don't matter: zeros."""
    return zeros_like(x, dtype, device)


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, dtype: DTypeName = None, device: DeviceName = None
) -> Tensor:
    """start, start + step, … below `stop`; from 0 to `start` where `stop` is left out. int32 for ints, else float32."""
    bounds = {"start": _number(start), "stop": None if stop is None else _number(stop), "step": _number(step)}
    return ops.arange(**bounds, dtype=_chosen(dtype), device=_placed(device))


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    dtype: DTypeName = None,
    device: DeviceName = None,
    endpoint: bool = True,
) -> Tensor:
    """`num` numbers at equal distances from `start` to `stop`, which is included unless `endpoint` is false."""
    return ops.linspace(
        start=_number(start),
        stop=_number(stop),
        num=int(num),
        endpoint=bool(endpoint),
        dtype=_chosen(dtype),
        device=_placed(device),
    )


def _number(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DTypeName = None, device: DeviceName = None
) -> Tensor:
    """(n_rows, n_cols) of zeros with ones on the diagonal `k` columns right of the main one."""
    return ops.eye(n_rows=n_rows, n_cols=n_cols, k=k, dtype=_chosen(dtype), device=_placed(device))


def meshgrid(*arrays: Any, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of a grid: each of n 1-d arrays repeated along n axes.

    `indexing="xy"`: the first array runs along axis 1, the second along axis 0; "ij": array i along axis i.

    Raises: AttributeValueError for another `indexing`.
    """
    if indexing not in ("xy", "ij"):
        raise AttributeValueError("meshgrid: unknown indexing", expected="'xy' or 'ij'", got=repr(indexing))
    lines = [convert(array) for array in arrays]
    order = list(range(len(lines)))
    if indexing == "xy" and len(lines) > 1:
        order[0], order[1] = 1, 0
    spread = []
    for line, axis in zip(lines, order, strict=True):
        shape = [1] * len(lines)
        shape[axis] = -1
        spread.append(ops.reshape(line, shape=tuple(shape)))
    sizes = [0] * len(lines)
    for line, axis in zip(lines, order, strict=True):
        sizes[axis] = line.size
    return [ops.broadcast_to(line, shape=tuple(sizes)) for line in spread]


def on_device(x: Any, device: DeviceName) -> Tensor:
    """The tensor on a device; None leaves it where it is."""
    return x if device is None else to_device(x, device)
