"""Activation functions and the softmax family."""

from __future__ import annotations

from ..operation import composite
from .reductions import sum
from .shape_rules import like_first, normalize_axis

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import Floating
