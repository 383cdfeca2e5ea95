"""At least one call for every operation of the standard, with operands at which it is smooth.

An operation that isn't named in CASES is called with one array of (2, 3) numbers between 0.2 and 0.9 for each operand
that isn't optional.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dovetail_protocols.dtypes import float64
from dovetail_protocols.graph import Graph
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.tracing import trace
from dovetail_tensors import constant

Case = tuple[tuple[Any, ...], dict[str, Any]]
RNG = np.random.default_rng(20240501)


def floats(*shape: int, low: float = 0.2, high: float = 0.9) -> Any:
    """Numbers between bounds, no two closer than a finite difference would notice, in one array or in two."""
    count = int(np.prod(shape))
    places = (RNG.permutation(count) + RNG.uniform(0.1, 0.9)) / count
    return constant((low + (high - low) * places).reshape(shape))


def signed(*shape: int) -> Any:
    """Numbers between -2 and 2, none near 0."""
    return constant(floats(*shape, low=0.3, high=2.0).numpy() * RNG.choice([-1.0, 1.0], shape))


def integers(*values: Any) -> Any:
    return constant(np.array(values, np.int32))


def booleans(*values: Any) -> Any:
    return constant(np.array(values, np.bool_))


def state(*shape: int) -> Any:
    """A random state."""
    return constant(np.arange(1, int(np.prod(shape)) * 3 + 1, dtype=np.uint64).reshape(*shape, 3))


def body(function: Callable[..., Sequence[Any]], *shapes: tuple[int, ...]) -> Graph:
    """A graph without captures: the function must use no constants."""
    return trace(function, [TensorMeta(shape, float64) for shape in shapes], name="body").graph


def call(*operands: Any, **attributes: Any) -> Case:
    return operands, attributes


LOOP = {
    "condition": body(lambda x, limit: [(x * x).__lt__(limit * limit)], (), ()),
    "body": body(lambda x, limit: [x * x], (), ()),
    "carry_count": 1,
    "maximum_iterations": 5,
}
SCAN = {
    "body": body(lambda carry, x, w: [carry * w + x, carry * x], (2,), (2,), (2,)),
    "carry_count": 1,
    "sequence_count": 1,
}
BRANCHES = {
    "true_branch": body(lambda x, y: [x * y], (3,), (3,)),
    "false_branch": body(lambda x, y: [x + y], (3,), (3,)),
}
IMAGE = {"window": 2, "strides": 2, "padding": "same"}

CASES: dict[str, list[Case]] = {
    # creation
    "arange": [call(start=1, stop=9, step=3), call(start=4)],
    "eye": [call(n_rows=2, n_cols=3, k=1)],
    "full": [call(shape=(2, 3), fill_value=1.5)],
    "linspace": [call(start=0.0, stop=1.0, num=5)],
    # elementwise
    "acosh": [call(floats(2, 3, low=1.2, high=2.0))],
    "abs": [call(signed(2, 3))],
    "sign": [call(signed(2, 3))],
    "clip": [call(signed(2, 3), constant(-1.0, dtype="float64"), constant(1.0, dtype="float64")), call(signed(2, 3))],
    "floor_divide": [call(floats(2, 3), floats(3))],
    "remainder": [call(floats(2, 3, low=1.0, high=2.9), floats(3, low=3.1, high=4.0))],
    "pow": [call(floats(2, 3), floats(3))],
    "add": [call(signed(2, 3), signed(3))],
    "subtract": [call(signed(2, 3), signed(2, 1))],
    "multiply": [call(signed(2, 3), signed(3)), call(constant([1 + 2j, 2 - 1j]), constant([1j, 2 + 1j]))],
    "divide": [call(signed(2, 3), signed(3))],
    "copysign": [call(signed(2, 3), signed(2, 3))],
    "conj": [call(constant(np.array([1 + 2j, 2 - 1j])))],
    "imag": [call(constant(np.array([1 + 2j, 2 - 1j])))],
    "real": [call(constant(np.array([1 + 2j, 2 - 1j]))), call(floats(3))],
    "cast": [call(floats(2, 3), dtype="float64"), call(integers(1, 2), dtype="float64")],
    **{
        name: [call(signed(2, 3))]
        for name in (
            *("celu", "elu", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "log_sigmoid", "mish", "relu", "relu6"),
            *("selu", "sigmoid", "silu", "softplus", "softsign", "erf", "square", "negative", "positive", "reciprocal"),
        )
    },
    # integers and booleans
    **{name: [call(integers([1, 2], [5, 7]), integers(3, 1))] for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{name: [call(integers(1, 2, 5), integers(1, 0, 2))] for name in ("bitwise_left_shift", "bitwise_right_shift")},
    "bitwise_invert": [call(integers(1, -2, 5))],
    **{
        name: [call(booleans([True, False], [True, True]), booleans(True, False))]
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": [call(booleans(True, False))],
    # reductions
    **{
        name: [call(floats(2, 3)), call(floats(2, 3), axis=1, keepdims=True), call(floats(2, 3), axis=-2)]
        for name in ("sum", "mean", "prod", "max", "min", "var", "std", "logsumexp", "all", "any", "count_nonzero")
    },
    "argmax": [call(floats(2, 3)), call(floats(2, 3), axis=0)],
    "argmin": [call(floats(2, 3), axis=1, keepdims=True)],
    "vector_norm": [call(floats(2, 3)), call(signed(2, 3), axis=1, ord=3), call(signed(2, 3), ord=float("inf"))],
    "cumulative_sum": [call(floats(2, 3), axis=1), call(floats(3), include_initial=True)],
    "cumulative_prod": [call(floats(2, 3), axis=0)],
    "diff": [call(floats(2, 4)), call(floats(2, 4), floats(2, 1), floats(2, 1), n=2)],
    "softmax": [call(signed(2, 3)), call(signed(2, 3), axis=0)],
    "log_softmax": [call(signed(2, 3)), call(signed(2, 3), axis=0)],
    # shape
    "reshape": [call(floats(2, 3), shape=(3, -1))],
    "flatten": [call(floats(2, 3, 2), start_axis=1)],
    "broadcast_to": [call(floats(3, 1), shape=(2, 3, 4))],
    "broadcast_arrays": [call(floats(3, 1), floats(2))],
    "expand_dims": [call(floats(2, 3), axis=(0, -1))],
    "squeeze": [call(floats(2, 1, 3), axis=1)],
    "permute_dims": [call(floats(2, 3, 4), axes=(2, 0, 1)), call(floats(2, 3))],
    "moveaxis": [call(floats(2, 3, 4), source=0, destination=-1)],
    "swapaxes": [call(floats(2, 3, 4), axis1=0, axis2=2)],
    "flip": [call(floats(2, 3)), call(floats(2, 3), axis=1)],
    "roll": [call(floats(2, 3), shift=1, axis=1), call(floats(2, 3), shift=2)],
    "concat": [call(floats(2, 3), floats(1, 3)), call(floats(2), floats(3), axis=None)],
    "stack": [call(floats(2, 3), floats(2, 3), axis=1)],
    "split": [call(floats(4, 3), sections=2), call(floats(4, 3), sections=(1, 3))],
    "unstack": [call(floats(2, 3), axis=1)],
    "tile": [call(floats(2, 3), repetitions=(2, 1))],
    "repeat": [call(floats(2, 3), repeats=2, axis=1)],
    "repeat_each": [call(floats(3), integers(2, 0, 1))],
    "repeat_indices": [call(integers(2, 0, 1))],
    "pad": [call(floats(2, 3), padding=1), call(floats(2, 3), padding=((0, 1), (1, 1)), mode="reflect")],
    "pad_constant": [call(floats(2, 3), padding=((0, 1), (1, 0)), value=2)],
    "tril": [call(floats(3, 3), k=-1)],
    "triu": [call(floats(3, 3))],
    # indexing
    "slice": [call(floats(4, 3), starts=(1, None), stops=(None, None), strides=(2, -1))],
    "scatter_slice": [call(floats(2, 3), shape=(4, 3), starts=(1,), stops=(3,))],
    "strided_slice": [call(floats(4, 3), begin=(0, 1), end=(4, 2), strides=(2, 1), shrink_axis_mask=2)],
    "dynamic_slice": [call(floats(4, 3), constant(1), constant(0), sizes=(2, 2))],
    "dynamic_update_slice": [call(floats(4, 3), floats(2, 2), constant(1), constant(0))],
    "where": [call(booleans(True, False, True), floats(2, 3), floats(3))],
    "take": [call(floats(4, 3), integers(2, 0, 2), axis=0), call(floats(4), integers([1], [3]))],
    "take_along_axis": [call(floats(2, 3), integers([2, 0], [1, 1]), axis=1)],
    "put_along_axis": [
        call(floats(2, 3), integers([2, 0], [1, 0]), floats(2, 2), axis=1),
        call(floats(2, 3), integers([2, 2], [1, 0]), floats(2, 2), axis=1, mode="add"),
    ],
    "gather": [call(floats(4, 3), integers(2, 0), axis=0)],
    "gather_nd": [call(floats(4, 3), integers([2, 0], [1, 1]))],
    "scatter": [call(floats(4, 3), integers([2], [0]), floats(2, 3), mode=mode) for mode in ("update", "add")],
    "scatter_nd": [call(integers([2], [0]), floats(2, 3), shape=(4, 3))],
    **{
        f"tensor_scatter_nd_{how}": [call(floats(4, 3), integers([2], [0]), floats(2, 3))]
        for how in ("update", "add", "sub", "min", "max")
    },
    "one_hot": [call(integers(2, 0, 1), depth=3)],
    "nonzero": [call(constant([[0.0, 1.0], [2.0, 0.0]]))],
    "boolean_mask": [call(floats(3, 2), booleans(True, False, True))],
    **{f"unique_{what}": [call(integers(3, 1, 3))] for what in ("all", "counts", "inverse", "values")},
    "sort": [call(floats(2, 3)), call(floats(2, 3), axis=0, descending=True)],
    "argsort": [call(floats(2, 3))],
    "top_k": [call(floats(2, 4), k=2)],
    "searchsorted": [call(constant([1.0, 2.0, 3.0]), constant([0.5, 2.5]))],
    # products
    "matmul": [
        *(call(floats(2, 3), floats(3, 4)), call(floats(3), floats(3, 2)), call(floats(2, 3), floats(3))),
        *(call(floats(3), floats(3)), call(floats(4, 2, 3), floats(3, 2)), call(floats(2, 1, 2, 3), floats(3, 3, 2))),
    ],
    "tensordot": [call(floats(2, 3, 4), floats(3, 4, 2)), call(floats(2, 3), floats(4, 3), axes=((1,), (1,)))],
    "vecdot": [call(floats(2, 3), floats(3))],
    "outer": [call(floats(2), floats(3))],
    "cross": [call(floats(2, 3), floats(2, 3))],
    "trace": [call(floats(3, 3)), call(floats(2, 3, 4), offset=1)],
    "diagonal": [call(floats(3, 4), offset=1)],
    "matrix_transpose": [call(floats(2, 3, 4))],
    "einsum": [call(floats(2, 3), floats(3, 4), subscripts="ij,jk->ik"), call(floats(3, 3), subscripts="ii->i")],
    # neural networks
    "conv": [
        call(floats(2, 5, 3), floats(2, 3, 4), strides=2, padding="same"),
        call(floats(1, 4, 4, 2), floats(2, 2, 1, 4), groups=2),
    ],
    "conv_input_gradient": [call(floats(2, 4, 4), floats(2, 3, 4), spatial_shape=(5,))],
    "conv_filter_gradient": [call(floats(2, 5, 3), floats(2, 4, 4), window=(2,))],
    "conv_transpose": [call(floats(2, 3, 4), floats(2, 3, 4), strides=2)],
    "max_pool": [call(floats(1, 5, 4, 2), **IMAGE)],
    "max_pool_gradient": [call(floats(1, 3, 2, 2), floats(1, 5, 4, 2), **IMAGE)],
    "max_pool_select": [call(floats(1, 5, 4, 2), floats(1, 5, 4, 2), **IMAGE)],
    "average_pool": [call(floats(1, 5, 4, 2), **IMAGE)],
    "average_pool_gradient": [call(floats(1, 3, 2, 2), spatial_shape=(5, 4), **IMAGE)],
    "batch_normalization": [
        call(signed(4, 3), floats(3), floats(3), floats(3), floats(3)),
        call(signed(4, 3), floats(3), floats(3)),
    ],
    "batch_normalization_training": [call(signed(4, 3), floats(3), floats(3)), call(signed(4, 3))],
    "batch_normalization_gradient": [call(signed(4, 3), floats(3), floats(3), signed(4, 3), floats(3))],
    "layer_normalization": [call(signed(4, 3), floats(3), floats(3)), call(signed(4, 3))],
    "layer_normalization_gradient": [call(signed(4, 3), signed(4, 3), floats(3))],
    "rms_normalization": [call(signed(4, 3), floats(3))],
    "group_normalization": [call(signed(2, 3, 4), floats(4), floats(4), groups=2)],
    "embedding": [call(floats(4, 3), integers([2, 0], [2, 1]))],
    "embedding_gradient": [call(floats(2, 3), integers(2, 0), size=4)],
    "scaled_dot_product_attention": [
        call(floats(2, 3, 4), floats(2, 5, 4), floats(2, 5, 2)),
        call(floats(3, 4), floats(3, 4), floats(3, 2), is_causal=True),
        call(floats(2, 4), floats(3, 4), floats(3, 2), booleans([True, False, True], [False, True, True])),
    ],
    "dropout": [call(floats(3, 4), state(), rate=0.5)],
    "softmax_cross_entropy": [call(floats(2, 3), signed(2, 3))],
    "softmax_cross_entropy_gradient": [call(floats(2), floats(2, 3), signed(2, 3))],
    "sparse_softmax_cross_entropy": [call(integers(2, 0), signed(2, 3))],
    "sparse_softmax_cross_entropy_gradient": [call(floats(2), integers(2, 0), signed(2, 3))],
    "sigmoid_cross_entropy": [call(floats(2, 3), signed(2, 3))],
    "sigmoid_cross_entropy_gradient": [call(floats(2, 3), floats(2, 3), signed(2, 3))],
    "huber": [call(floats(2, 3), signed(2, 3), delta=0.7)],
    "absolute_error": [call(floats(2, 3), signed(2, 3))],
    # optimizers
    "sgd_update": [call(signed(3), signed(3), floats(), weight_decay=0.1)],
    "momentum_update": [call(signed(3), signed(3), signed(3), floats(), nesterov=True)],
    "adagrad_update": [call(signed(3), signed(3), floats(3), floats())],
    "rmsprop_update": [
        call(signed(3), signed(3), floats(3), floats(), floats(3), floats(3, low=0.01, high=0.1), momentum=0.9)
    ],
    "adam_update": [call(signed(3), signed(3), floats(3), floats(3), constant(2), floats(), weight_decay=0.1)],
    "lion_update": [call(signed(3), signed(3), signed(3), floats())],
    # random
    "random_bits": [call(state(), shape=(2, 3))],
    "random_advance": [call(state(), blocks=3)],
    "random_split": [call(state(), count=2)],
    "random_fold_in": [call(state(), constant(3))],
    "random_permutation": [call(state(), count=5)],
    "random_shuffle": [call(state(), floats(4, 2))],
    "random_categorical": [call(state(), signed(2, 3), num_samples=2)],
    "random_integers": [call(state(), shape=(2, 3), maximum=7)],
    **{
        f"random_{name}": [call(state(), shape=(2, 3))]
        for name in ("bernoulli", "exponential", "gumbel", "normal", "truncated_normal", "uniform")
    },
    # computations as attributes
    "cond": [call(constant(truth), signed(3), signed(3), **BRANCHES) for truth in (True, False)],
    "while_loop": [call(floats(low=1.2, high=1.4), constant(9.0, dtype="float64"), **LOOP)],
    "scan": [
        call(signed(2), signed(4, 2), signed(2), **SCAN),
        call(signed(2), signed(4, 2), signed(2), **SCAN, reverse=True),
    ],
    "custom_call": [
        call(floats(3), floats(3), backward=body(lambda u: [u * u.__neg__()], (3,)), result_count=1, argument_count=1)
    ],
    "rematerialised_call": [call(signed(3), signed(3), body=body(lambda x, y: [x * y, x + y], (3,), (3,)))],
}


def cases_of(operation: Operation) -> list[Case]:
    """The calls by which an operation is tried."""
    given = CASES.get(operation.short_name)
    if given is not None:
        return given
    return [call(*(floats(2, 3) for operand in operation.operands if not operand.optional))]
