"""Dropout: elements set to zero at random, the others made larger in turn."""

from __future__ import annotations

from .. import dtypes as dt
from ..errors import AttributeValueError, ShapeError
from ..operation import composite
from .indexing import where
from .random import random_bits
from .shape_rules import normalize_axes
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import Floating, RandomState

LEVELS = 1 << 16
"""How many values a random number of 16 bits takes: the drop rate is rounded to a multiple of 1 / LEVELS."""


def _infer_dropout(
    x: TensorMeta, random_state: TensorMeta, *, rate: float, shared_axes: int | tuple[int, ...]
) -> TensorMeta:
    if random_state.shape != (3,):
        raise ShapeError(
            "dropout: random_state is not one random state",
            where="dropout, random_state",
            expected="(3,): counter low, counter high, key",
            got=f"{random_state.shape}",
        )
    if not 0.0 <= rate < 1.0:
        raise AttributeValueError("dropout: rate is out of range", expected="0 ≤ rate < 1", got=repr(rate))
    normalize_axes("dropout", shared_axes, x.ndim, argument="shared_axes")
    return x


def dropped_levels(rate: float) -> int:
    """How many of the LEVELS values of a random number stand for dropping: rate · LEVELS, rounded, below LEVELS."""
    return min(round(rate * LEVELS), LEVELS - 1)


@composite(version=1, infer=_infer_dropout)
def dropout(
    x: Floating, random_state: RandomState, /, *, rate: float, shared_axes: int | tuple[int, ...] = ()
) -> Floating:
    """x with about `rate` of its elements zero and the others divided by the share kept, so that the mean stays.

    x: any shape; random_state: (3,), see `random_bits`; the same state drops the same elements, so a caller moves it on
    between calls. Along `shared_axes` all elements share one decision (the spatial axes: whole channels are dropped).
    Element i of those decided one by one, in C order, is zero where the i-th uint16 of `random_bits` is less than
    rate · 65536, rounded. There is no training flag: whoever doesn't train doesn't call.

    Source: Srivastava et al. 2014, Dropout, section 4; scaled while training, as Keras does.
    """
    dropped = dropped_levels(rate)
    shared = normalize_axes("dropout", shared_axes, x.ndim)
    shape = tuple(1 if place in shared else size for place, size in enumerate(x.shape))
    drawn = cast(random_bits(random_state, shape=shape, dtype=dt.uint16), dtype=dt.int32)
    return where(drawn < dropped, 0.0, x * (LEVELS / (LEVELS - dropped)))
