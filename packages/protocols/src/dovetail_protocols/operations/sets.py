"""The distinct elements of an array. How many there are only the values tell, so all are evaluated eagerly only.

NaNs are distinct from each other. Values come in ascending order, complex ones by real, then imaginary part.
"""

from __future__ import annotations

from ..dtypes import DEFAULT_INDEX
from ..metas import UNKNOWN_SIZE, TensorMeta
from ..operation import primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import AnyDType, Index


def _values(x: TensorMeta) -> TensorMeta:
    return TensorMeta((UNKNOWN_SIZE,), x.dtype, x.device)


def _indices(x: TensorMeta) -> TensorMeta:
    return TensorMeta((UNKNOWN_SIZE,), DEFAULT_INDEX, x.device)


def _inverse(x: TensorMeta) -> TensorMeta:
    return TensorMeta(x.shape, DEFAULT_INDEX, x.device)


@primitive(version=1, data_dependent=True)
def unique_values(x: AnyDType, /) -> AnyDType:
    """The distinct elements of x, flattened.

    Raises: TraceError in a trace.
    Source: array API 2024.12, unique_values.
    """
    return _values(x)


@primitive(version=1, data_dependent=True)
def unique_counts(x: AnyDType, /) -> tuple[AnyDType, Index]:
    """(values, counts): the distinct elements, and how often each occurs.

    Raises: TraceError in a trace.
    Source: array API 2024.12, unique_counts.
    """
    return _values(x), _indices(x)


@primitive(version=1, data_dependent=True)
def unique_inverse(x: AnyDType, /) -> tuple[AnyDType, Index]:
    """(values, inverse): the distinct elements, and for each element of x its place among them, in the shape of x.

    Raises: TraceError in a trace.
    Source: array API 2024.12, unique_inverse.
    """
    return _values(x), _inverse(x)


@primitive(version=1, data_dependent=True)
def unique_all(x: AnyDType, /) -> tuple[AnyDType, Index, Index, Index]:
    """(values, indices, inverse, counts): the distinct elements, where each occurs first in the flattened x, for each
    element of x its place among them, and how often each occurs.

    Raises: TraceError in a trace.
    Source: array API 2024.12, unique_all.
    """
    return _values(x), _indices(x), _inverse(x), _indices(x)
