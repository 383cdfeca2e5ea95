"""vmap of elementwise operations and of operations along axes, against a loop over the examples."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import grad, vmap
from dovetail_autodiff.batching.elementwise import SEVERAL, UNARY
from dovetail_autodiff.batching.reductions import REDUCTIONS
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import ShapeError

BATCH = 3


def array_for(operation: Any, shape: tuple[int, ...], seed: int) -> Any:
    """Numbers of a dtype that the operation takes, within the domains of all of them."""
    taken = operation.operands[0].dtypes
    values = np.random.default_rng(seed).uniform(0.1, 0.9, shape)
    if "float64" in taken:
        return provider().convert(values + 1 if operation is ops.acosh else values)
    if "int32" in taken:
        return provider().convert((values * 5).astype(np.int32))
    return provider().convert(values > 0.5)


def looped(function: Any, in_axes: tuple[int | None, ...], arrays: list[Any]) -> Any:
    """The oracle: the function on each example, with NumPy taking the batch apart and putting it together."""
    parts = [
        [array.numpy()] * BATCH if axis is None else array.numpy() for array, axis in zip(arrays, in_axes, strict=True)
    ]
    return np.stack([function(*map(provider().convert, example)).numpy() for example in zip(*parts, strict=True)])


@pytest.mark.parametrize("operation", UNARY, ids=lambda op: op.short_name)
def test_unary_operations(operation):
    function = partial(ops.cast, dtype=dt.float32) if operation is ops.cast else operation
    x = array_for(operation, (BATCH, 2), 0)
    np.testing.assert_array_equal(vmap(function)(x).numpy(), looped(function, (0,), [x]))


@pytest.mark.parametrize("operation", SEVERAL, ids=lambda op: op.short_name)
@pytest.mark.parametrize(
    ("in_axes", "shapes"),
    [
        ((0, 0), ((BATCH, 2), (BATCH, 4, 2))),
        ((0, 0), ((BATCH,), (BATCH, 2))),
        ((0, None), ((BATCH, 2), (4, 1))),
        ((0, None), ((BATCH,), (BATCH,))),
        ((None, 0), ((2,), (BATCH,))),
        ((None, 0), ((BATCH, 2), (BATCH, 2))),
    ],
    ids=str,
)
def test_operations_of_two_broadcast_within_examples(operation, in_axes, shapes):
    arrays = [array_for(operation, shape, seed) for seed, shape in enumerate(shapes)]
    np.testing.assert_array_equal(vmap(operation, in_axes=in_axes)(*arrays).numpy(), looped(operation, in_axes, arrays))


def test_optional_operands_may_be_left_out():
    x, high = array_for(ops.clip, (BATCH, 2), 0), array_for(ops.clip, (BATCH,), 1)
    function = lambda x, high: ops.clip(x, None, high)  # noqa: E731 - the same function twice
    np.testing.assert_array_equal(vmap(function)(x, high).numpy(), looped(function, (0, 0), [x, high]))


@pytest.mark.parametrize(
    "attributes", [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (1, 0)}, {"axis": ()}], ids=str
)
@pytest.mark.parametrize("operation", REDUCTIONS, ids=lambda op: op.short_name)
def test_reductions(operation, attributes):
    function, x = partial(operation, **attributes), array_for(operation, (BATCH, 2, 4), 0)
    np.testing.assert_allclose(vmap(function)(x).numpy(), looped(function, (0,), [x]), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        partial(ops.softmax, axis=-1),
        partial(ops.softmax, axis=0),
        partial(ops.log_softmax, axis=1),
        partial(ops.cumulative_sum, axis=0),
        partial(ops.cumulative_prod, axis=-1, include_initial=True),
        partial(ops.tril, k=1),
        ops.triu,
        partial(ops.diff, axis=0),
    ],
    ids=lambda function: str(getattr(function, "func", function)),
)
def test_operations_along_axes(function):
    x = array_for(ops.softmax, (BATCH, 2, 4), 0)
    np.testing.assert_allclose(vmap(function)(x).numpy(), looped(function, (0,), [x]), rtol=1e-14)


def test_a_running_sum_without_axis_is_along_the_example():
    x = array_for(ops.cumulative_sum, (BATCH, 4), 0)
    np.testing.assert_allclose(vmap(ops.cumulative_sum)(x).numpy(), np.cumsum(x.numpy(), axis=1))


@pytest.mark.parametrize(
    "function",
    [
        partial(ops.sum, axis=-2),
        partial(ops.softmax, axis=-2),
        partial(ops.cumulative_sum, axis=-2),
        ops.tril,
    ],
    ids=lambda function: str(getattr(function, "func", function)),
)
def test_the_batch_is_no_axis_of_an_example(function):
    with pytest.raises(ShapeError):
        vmap(function)(array_for(ops.sum, (BATCH, 4), 0))


def test_vmap_of_grad_gives_the_gradient_of_each_example():
    x = array_for(ops.softmax, (BATCH, 4), 0)
    function = grad(lambda x: ops.sum(ops.log_softmax(x) * ops.tanh(x)))
    np.testing.assert_allclose(vmap(function)(x).numpy(), looped(function, (0,), [x]), rtol=1e-13)
