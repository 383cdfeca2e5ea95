"""Arrays made of attributes alone. `dtype` None stands for that of the numbers given, `device` None for
the current device (default_device.py)."""

from __future__ import annotations

from math import ceil

from .. import dtypes as dt
from ..errors import AttributeValueError, DTypeError
from ..metas import CPU, TensorMeta
from ..metas import device as find_device
from ..operation import primitive
from .sizes import as_shape, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..dtypes import DType
    from ..metas import Device
    from .annotations import AnyDType, Inexact, Real

    Number = bool | int | float | complex


@primitive(version=1)
def full(
    *, shape: int | tuple[int, ...], fill_value: Number, dtype: DType | None = None, device: Device | None = None
) -> AnyDType:
    """An array of the given shape with every element equal to `fill_value`, a Python number.

    Source: array API 2024.12, full.
    """
    chosen = dt.of_scalar(fill_value) if dtype is None else dt.dtype(dtype)
    return TensorMeta(as_shape("full", shape), chosen, _place(device))


@primitive(version=1)
def arange(
    *,
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: DType | None = None,
    device: Device | None = None,
) -> Real:
    """start, start + step, start + 2·step, … as long as they are before `stop`: ⌈(stop − start) / step⌉ numbers.

    With `stop` None the numbers go from 0 to `start`. int32 (int64 where a bound needs it) for ints, else float32.

    Raises: AttributeValueError where step is 0.
    Source: array API 2024.12, arange.
    """
    first, last = (0, start) if stop is None else (start, stop)
    if step == 0:
        raise AttributeValueError("arange: step must not be 0", where="arange, argument step", got=repr(step))
    chosen = _widest(first, last, step) if dtype is None else dt.dtype(dtype)
    if chosen.kind in (dt.BOOLEAN, dt.COMPLEX):
        raise DTypeError(f"arange doesn't give {chosen}", where="arange, argument dtype", expected="a real dtype")
    return TensorMeta((max(_ceiling_of_quotient(last - first, step), 0),), chosen, _place(device))


@primitive(version=1)
def linspace(
    *,
    start: complex,
    stop: complex,
    num: int,
    endpoint: bool = True,
    dtype: DType | None = None,
    device: Device | None = None,
) -> Inexact:
    """`num` numbers at equal distances from `start` to `stop`, which is included unless `endpoint` is false.

    start + i · (stop − start) / (num − 1), or / num without the endpoint, computed in float64 and then rounded.

    Source: array API 2024.12, linspace.
    """
    whole("linspace", "num", num, least=0)
    chosen = dt.promote(_inexact(start), _inexact(stop)) if dtype is None else dt.dtype(dtype)
    if not chosen.is_differentiable:
        raise DTypeError(
            f"linspace doesn't give {chosen}", where="linspace, argument dtype", expected="a floating dtype"
        )
    return TensorMeta((num,), chosen, _place(device))


@primitive(version=1)
def eye(
    *, n_rows: int, n_cols: int | None = None, k: int = 0, dtype: DType | None = None, device: Device | None = None
) -> AnyDType:
    """(n_rows, n_cols) of zeros with ones on the diagonal `k` columns right of the main one. float32 by default.

    Source: array API 2024.12, eye.
    """
    shape = as_shape("eye", (n_rows, n_rows if n_cols is None else n_cols))
    return TensorMeta(shape, dt.DEFAULT_FLOATING if dtype is None else dt.dtype(dtype), _place(device))


def _ceiling_of_quotient(distance: Any, step: Any) -> int:
    if isinstance(distance, float) or isinstance(step, float):
        return ceil(float(distance) / float(step))
    # Plain integer arithmetic keeps track of sizes that are not known while tracing; // rounds toward −∞.
    count: int = -(-distance // step)
    return count


def _place(device: Device | str | None) -> Device:
    return CPU if device is None else find_device(device)


def _inexact(number: Number) -> DType:
    return dt.DEFAULT_COMPLEX if isinstance(number, complex) else dt.DEFAULT_FLOATING


def _widest(*numbers: Any) -> DType:
    """The dtype that holds all of some Python numbers."""
    widest = dt.of_scalar(numbers[0])
    for number in numbers[1:]:
        widest = dt.promote(widest, dt.of_scalar(number))
    return widest
