"""Running sums and products along an axis, and differences of neighbours."""

from __future__ import annotations

from ..errors import ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .joining import concat
from .shape_rules import normalize_axis
from .sizes import whole
from .slicing import slice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .annotations import Numeric


@primitive(version=1)
def cumulative_sum(x: Numeric, /, *, axis: int | None = None, include_initial: bool = False) -> Numeric:
    """The sum of each element and those before it along `axis`, in the dtype of x.

    `axis` may be None only where x is 1-d. `include_initial` puts a 0 first, so that the axis gets longer by 1.

    Source: array API 2024.12, cumulative_sum; its `dtype` argument is a cast before.
    """
    return _cumulated("cumulative_sum", x, axis, include_initial)


@primitive(version=1)
def cumulative_prod(x: Numeric, /, *, axis: int | None = None, include_initial: bool = False) -> Numeric:
    """The product of each element and those before it along `axis`, in the dtype of x.

    `axis` may be None only where x is 1-d. `include_initial` puts a 1 first, so that the axis gets longer by 1.

    Source: array API 2024.12, cumulative_prod; its `dtype` argument is a cast before.
    """
    return _cumulated("cumulative_prod", x, axis, include_initial)


def _diff_meta(
    x: TensorMeta, prepend: TensorMeta | None, append: TensorMeta | None, *, axis: int, n: int
) -> TensorMeta:
    whole("diff", "n", n, least=0)
    place = normalize_axis("diff", axis, x.ndim)
    size = x.shape[place]
    for name, other in (("prepend", prepend), ("append", append)):
        if other is not None:
            _refuse_unjoinable(name, x, other, place)
            size = size + other.shape[place]
    return TensorMeta((*x.shape[:place], max(size - n, 0), *x.shape[place + 1 :]), x.dtype, x.device)


@composite(version=1, infer=_diff_meta)
def diff(
    x: Numeric, /, prepend: Numeric | None = None, append: Numeric | None = None, *, axis: int = -1, n: int = 1
) -> Numeric:
    """x[i + 1] − x[i] along `axis`, done `n` times; each time the axis gets shorter by 1, down to 0.

    `prepend` and `append` are joined to x along `axis` first: their other axes equal those of x.

    Source: array API 2024.12, diff.
    """
    parts = [part for part in (prepend, x, append) if part is not None]
    place = normalize_axis("diff", axis, len(x.shape))
    joined = concat(*parts, axis=place) if len(parts) > 1 else x
    for _ in range(n):
        joined = _part(joined, place, 1, None) - _part(joined, place, 0, -1)
    return joined


def _part(x: Any, axis: int, start: int, stop: int | None) -> Any:
    """x from `start` to `stop` along an axis."""
    return slice(x, starts=(*[None] * axis, start), stops=(*[None] * axis, stop))


def _refuse_unjoinable(name: str, x: TensorMeta, other: TensorMeta, place: int) -> None:
    if other.ndim != x.ndim or any(axis != place and size != x.shape[axis] for axis, size in enumerate(other.shape)):
        raise ShapeError(
            f"diff: {name} can't be joined to x along axis {place}",
            where=f"diff, operand {name!r}",
            expected=f"the shape of x {x.shape}, but for axis {place}",
            got=f"{other.shape}",
        )


def _cumulated(operation: str, x: TensorMeta, axis: int | None, include_initial: bool) -> TensorMeta:
    if axis is None and x.ndim != 1:
        raise ShapeError(
            f"{operation}: axis is needed where x is not 1-d",
            where=f"{operation}, argument axis",
            expected="an int",
            got=f"None, with x {x}",
        )
    place = normalize_axis(operation, 0 if axis is None else axis, x.ndim)
    size = x.shape[place] + 1 if include_initial else x.shape[place]
    return TensorMeta((*x.shape[:place], size, *x.shape[place + 1 :]), x.dtype, x.device)
