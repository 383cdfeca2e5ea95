"""Small graphs of several nodes for compilers, as functions on arrays and variables that are traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail_protocols import arrays, control_flow
from dovetail_protocols import operations as ops

from ..cases import Operand, array, given, positive

Function = Callable[..., Sequence[Any]]


@dataclass(frozen=True, slots=True)
class GraphCase:
    """A graph: what is traced, on which operands, then variables. `smooth`: it is differentiable at these values.
    `since`: the bank's date when it was added, "" for the first bank's."""

    name: str
    function: Function
    operands: tuple[Operand, ...]
    variables: tuple[Operand, ...] = ()
    dtypes: tuple[str, ...] = ("float32", "float64")
    smooth: bool = False
    since: str = ""


def chain(x: Any, y: Any) -> Sequence[Any]:
    return [-ops.exp(ops.tanh(x * y + 1.0) - x)]


def diamond(x: Any) -> Sequence[Any]:
    top = ops.tanh(x)
    return [ops.exp(top) * ops.square(top)]


def fan_out(x: Any) -> Sequence[Any]:
    """One value used thrice, and an output itself."""
    shared = ops.sigmoid(x)
    return [shared * 2.0, shared, ops.sum(shared), shared - x]


def dense(x: Any, weights: Any, bias: Any) -> Sequence[Any]:
    return [ops.tanh(ops.matmul(x, weights) + bias)]


def two_layers(x: Any, first: Any, second: Any) -> Sequence[Any]:
    return [ops.matmul(ops.relu(ops.matmul(x, first)), second)]


def softmax_by_hand(x: Any) -> Sequence[Any]:
    powers = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return [powers / ops.sum(powers, axis=-1, keepdims=True)]


def moments(x: Any) -> Sequence[Any]:
    mean = ops.mean(x, axis=0)
    return [mean, ops.mean(ops.square(x - mean), axis=0), ops.sum(x)]


def normalized(x: Any, scale: Any, offset: Any) -> Sequence[Any]:
    """A composite between elementwise operations."""
    return [ops.gelu(ops.layer_normalization(x * 2.0, scale, offset)) + x]


def decomposed(x: Any) -> Sequence[Any]:
    """Composites as what they are made of."""
    return [ops.gelu.decompose(ops.softmax.decompose(x, axis=-1), approximate=False)]


def loss(targets: Any, logits: Any) -> Sequence[Any]:
    """A composite and a reduction."""
    return [ops.mean(ops.softmax_cross_entropy(targets, logits * 0.5))]


def around_a_sort(x: Any) -> Sequence[Any]:
    """Elementwise operations with a path between them through one that few compilers take."""
    y = ops.exp(x)
    return [y + ops.sort(y, axis=-1)]


def around_two_sorts(x: Any, y: Any) -> Sequence[Any]:
    """Two sets of nodes, each convex, that would wait for one another."""
    one, other = ops.exp(x), ops.tanh(y)
    return [ops.sort(one) * other, ops.sort(other) - one]


def reshaped(x: Any) -> Sequence[Any]:
    turned = ops.permute_dims(x, axes=(1, 0)) * 2.0
    return [ops.reshape(turned, shape=(-1,)) + 1.0, ops.concat(turned, turned, axis=0)]


def several_results(x: Any) -> Sequence[Any]:
    """An operation with several results, one of which nobody uses."""
    one, _, other = ops.split(x * 3.0, sections=3, axis=0)
    return [one - other]


def integers(x: Any, y: Any) -> Sequence[Any]:
    total = x + y
    return [ops.where(total > 2, total * y, x), total > y]


def mixed_dtypes(x: Any) -> Sequence[Any]:
    positive_ones = x > 0.0
    return [ops.sum(ops.cast(positive_ones, dtype="int32")), ops.where(positive_ones, x, 0.0) * 2.0]


def independent(x: Any, y: Any) -> Sequence[Any]:
    return [ops.exp(x) + 1.0, ops.tanh(y) * 2.0]


def output_twice(x: Any, unused: Any) -> Sequence[Any]:
    """An output twice, an input as an output, and an input that nobody uses."""
    result = ops.tanh(x) + x
    return [result, result, x]


def constant_output(x: Any) -> Sequence[Any]:
    fixed = arrays.provider().convert(np.arange(3.0, dtype=np.float32))
    return [fixed, ops.full(shape=(2,), fill_value=0.5) * 2.0, x * x]


def chosen(x: Any, y: Any) -> Sequence[Any]:
    taken = control_flow.cond(ops.sum(x) > 0.0, lambda: (ops.exp(x) * y,), lambda: (x - y,))
    return [ops.add(taken[0], 1.0)]


def repeated(x: Any) -> Sequence[Any]:
    grown = control_flow.while_loop(lambda y: ops.sum(y) < 30.0, lambda y: (ops.exp(y * 0.1) + y,), x)
    return [ops.multiply(grown[0], 2.0)]


def accumulated(x: Any) -> Sequence[Any]:
    """A loop over rows that gives its last state and one result for each row."""
    first = ops.sum(x, axis=0)
    (last,), rows = control_flow.scan(lambda carried, row: ((carried[0] * 0.5 + row[0],), carried), (first,), (x,))
    return [last, *rows]


def updated(x: Any, weights: Any) -> Sequence[Any]:
    """A variable's new value, and a result of the old one that is taken after it."""
    old = ops.read_variable(weights)
    ops.assign_variable(weights, old - ops.tanh(old * x) * 0.1)
    return [ops.sum(ops.square(old), axis=0), ops.read_variable(weights) * 2.0]


def updated_through_product(x: Any, weights: Any, total: Any) -> Sequence[Any]:
    """Two variables; each element of the new value needs every element of a row of the old."""
    ops.assign_variable(weights, ops.matmul(x, ops.read_variable(weights)))
    ops.assign_variable(total, ops.read_variable(total) + ops.sum(ops.read_variable(weights)))
    return [ops.read_variable(total)]


def read_only(x: Any, weights: Any) -> Sequence[Any]:
    return [ops.read_variable(weights) * x + ops.read_variable(weights)]


GRAPHS = (
    GraphCase("chain", chain, (array(2, 3), array(3)), smooth=True),
    GraphCase("chain-long", chain, (array(67), array(67))),
    GraphCase("chain-0d", chain, (array(), array()), smooth=True),
    GraphCase("chain-empty", chain, (array(0, 3), array(3))),
    GraphCase("chain-special-values", chain, (given([0.0, -0.0, float("inf"), float("-inf"), float("nan")]), array(5))),
    GraphCase("diamond", diamond, (array(3, 4),), dtypes=("float32", "float64", "float16", "bfloat16"), smooth=True),
    GraphCase("fan-out", fan_out, (array(2, 5),), smooth=True),
    GraphCase(
        "dense", dense, (array(4, 3), array(3, 5), array(5)), dtypes=("float32", "float64", "bfloat16"), smooth=True
    ),
    GraphCase("dense-empty", dense, (array(0, 3), array(3, 5), array(5))),
    GraphCase("two-layers", two_layers, (array(4, 3), array(3, 5), array(5, 2))),
    GraphCase("softmax-by-hand", softmax_by_hand, (array(3, 5),)),
    GraphCase("moments", moments, (array(7, 3),), smooth=True),
    GraphCase("normalized", normalized, (array(4, 6), positive(6), positive(6)), smooth=True),
    GraphCase("decomposed", decomposed, (array(3, 5),), smooth=True),
    GraphCase("loss", loss, (positive(4, 3), array(4, 3)), smooth=True),
    GraphCase("around-a-sort", around_a_sort, (array(3, 5),)),
    GraphCase("around-two-sorts", around_two_sorts, (array(7), array(7))),
    GraphCase("reshaped", reshaped, (array(3, 4),), smooth=True),
    GraphCase("several-results", several_results, (array(6, 2),)),
    GraphCase("integers", integers, (array(2, 5, low=-4, high=4), array(5, low=0, high=6)), dtypes=("int32", "uint8")),
    GraphCase("mixed-dtypes", mixed_dtypes, (array(3, 4),)),
    GraphCase("independent", independent, (array(3), array(2, 2))),
    GraphCase("output-twice", output_twice, (array(2, 3), array(2))),
    GraphCase("constant-output", constant_output, (array(3),)),
    GraphCase("chosen", chosen, (positive(2, 3), array(3)), smooth=True),
    GraphCase("chosen-other", chosen, (array(2, 3, low=-0.9, high=-0.2), array(3))),
    GraphCase("accumulated", accumulated, (array(5, 3),), smooth=True),
    GraphCase("repeated", repeated, (positive(2, 3),)),
    GraphCase("updated", updated, (array(3, 4),), (array(3, 4),)),
    GraphCase("updated-through-product", updated_through_product, (array(3, 3),), (array(3, 3), array())),
    GraphCase("read-only", read_only, (array(2, 3),), (array(3),)),
)
