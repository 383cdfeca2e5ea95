"""What a gradient sees of an array."""

from __future__ import annotations

from ..operation import primitive
from .shape_rules import elementwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import AnyDType


@primitive(version=1)
def stop_gradient(x: AnyDType, /) -> AnyDType:
    """x, as a constant to every derivative taken through here.

    Source: TensorFlow, tf.stop_gradient.
    """
    return elementwise("stop_gradient", x)
