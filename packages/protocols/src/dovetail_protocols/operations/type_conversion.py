"""Conversion of dtypes."""

from __future__ import annotations

from ..dtypes import dtype as find_dtype
from ..metas import TensorMeta
from ..operation import primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..dtypes import DType
    from .annotations import AnyDType


@primitive(version=1)
def cast(x: AnyDType, /, *, dtype: DType) -> AnyDType:
    """The elements converted to another dtype: floats to integers truncate toward zero.

    Source: array API 2024.12, astype.
    """
    return TensorMeta(x.shape, find_dtype(dtype), x.device)
