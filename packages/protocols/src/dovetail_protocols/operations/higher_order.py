"""Operations that carry a computation as an attribute: a Graph, or while everything is eager a Python callable.

A graph is applied to operands by `graph.evaluate`, so that tapes, batchers and tracers see the operations inside.
"""

from __future__ import annotations

from ..graph import evaluate
from ..operation import composite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..graph import Graph
    from ..metas import TensorMeta
    from .annotations import EachDType


def _infer_custom_call(
    *operands: TensorMeta, backward: Graph | Callable[..., Any], result_count: int, argument_count: int
) -> tuple[TensorMeta, ...]:
    return operands[:result_count]


@composite(version=1, infer=_infer_custom_call)
def custom_call(
    *operands: EachDType, backward: Graph | Callable[..., Any], result_count: int, argument_count: int
) -> tuple[EachDType, ...]:
    """Results that were computed already, with a gradient of the caller's own: the first `result_count` operands.

    The next `argument_count` operands are what the results count as a function of; the rest are inputs of the backward
    pass. `backward(*cotangents of the results, *rest)` gives one cotangent for each argument (or None, where it
    is a callable). No gradient flows to the results' own computation, nor to the rest.

    Source: TensorFlow, tf.custom_gradient.
    """
    return operands[:result_count]


def _infer_rematerialised_call(*operands: TensorMeta, body: Graph) -> tuple[TensorMeta, ...]:
    return tuple(value.meta for value in body.outputs)


@composite(version=1, infer=_infer_rematerialised_call)
def rematerialised_call(*operands: EachDType, body: Graph) -> tuple[EachDType, ...]:
    """The outputs of a graph, computed a second time in the backward pass rather than kept for it.

    Source: A. Griewank and A. Walther, "Algorithm 799: revolve", 2000; TensorFlow, tf.recompute_grad.
    """
    return evaluate(body, operands)
