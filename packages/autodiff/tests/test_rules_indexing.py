"""Derivatives of manipulation, slicing, joining, indexing and sorting against central differences in float64."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider


def float64(values: Any) -> Any:
    return provider().convert(np.asarray(values, dtype=np.float64))


def some(*shape: int, seed: int = 1) -> Any:
    """Numbers that are well apart, so that differences don't change their order."""
    size = int(np.prod(shape))
    return float64(np.random.default_rng(seed).permutation(np.linspace(-1.5, 1.7, size)).reshape(shape))


def integers(values: Any) -> Any:
    return provider().convert(np.asarray(values, dtype=np.int32))


UNARY = {
    "reshape": (ops.reshape, {"shape": (4, -1)}),
    "flatten": (ops.flatten, {"start_axis": 1}),
    "broadcast_to": (ops.broadcast_to, {"shape": (2, 2, 3, 4)}),
    "expand_dims": (ops.expand_dims, {"axis": (0, -1)}),
    "permute_dims": (ops.permute_dims, {"axes": (2, 0, 1)}),
    "permute_dims_negative": (ops.permute_dims, {"axes": (-1, 0, 1)}),
    "permute_dims_reversed": (ops.permute_dims, {}),
    "matrix_transpose": (ops.matrix_transpose, {}),
    "moveaxis": (ops.moveaxis, {"source": (0, 1), "destination": (-1, 0)}),
    "swapaxes": (ops.swapaxes, {"axis1": 0, "axis2": -1}),
    "flip": (ops.flip, {"axis": (0, 2)}),
    "roll": (ops.roll, {"shift": (1, -2), "axis": (0, 2)}),
    "roll_flat": (ops.roll, {"shift": 5}),
    "slice": (ops.slice, {"starts": (1, None), "stops": (None, 2)}),
    "slice_strided": (ops.slice, {"starts": (None, -1, 3), "stops": (1, None, None), "strides": (1, -2, -3)}),
    "scatter_slice": (
        ops.scatter_slice,
        {"shape": (2, 5, 4), "starts": (0, 4, 0), "stops": (2, None, 4), "strides": (1, -2, 1)},
    ),
    "strided_slice": (ops.strided_slice, {"begin": (0, 1), "end": (0, 3), "ellipsis_mask": 1, "shrink_axis_mask": 2}),
    "repeat": (ops.repeat, {"repeats": 2, "axis": 1}),
    "repeat_flat": (ops.repeat, {"repeats": 3}),
    "tile": (ops.tile, {"repetitions": (2, 1, 1, 3)}),
    "pad_constant": (ops.pad, {"padding": ((1, 0), (2, 1), (0, 0)), "value": 7.0}),
    "pad_edge": (ops.pad, {"padding": ((1, 0), (2, 1), (0, 0)), "mode": "edge"}),
    "pad_reflect": (ops.pad, {"padding": ((1, 0), (2, 1), (0, 3)), "mode": "reflect"}),
    "pad_symmetric": (ops.pad, {"padding": 2, "mode": "symmetric"}),
    "pad_wrap": (ops.pad, {"padding": (1, 2), "mode": "wrap"}),
    "sort": (ops.sort, {"axis": 1}),
    "sort_descending": (ops.sort, {"descending": True}),
    "unstack": (ops.unstack, {"axis": 1}),
    "split": (ops.split, {"sections": (1, -1, 0), "axis": 2}),
    "top_k": (ops.top_k, {"k": 2, "axis": -1}),
}


@pytest.mark.parametrize("case", UNARY)
def test_operations_of_one_array_agree_with_differences(case):
    operation, attributes = UNARY[case]
    check_gradients(partial(operation, **attributes), some(2, 3, 4))


def test_squeeze_agrees_with_differences():
    check_gradients(partial(ops.squeeze, axis=(0, 2)), some(1, 3, 1))
    check_gradients(ops.squeeze, some(1, 3, 1))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_concat_agrees_with_differences(axis):
    check_gradients(partial(ops.concat, axis=axis), some(2, 3), some(2, 3, seed=2), some(2, 3, seed=3))


def test_stack_agrees_with_differences():
    check_gradients(partial(ops.stack, axis=1), some(2, 3), some(2, 3, seed=2))


def test_concat_of_an_array_with_itself_adds_both_parts():
    gradient = grad(lambda x: ops.sum(ops.multiply(ops.concat(x, x), float64([1.0, 2.0, 3.0, 4.0]))))(some(2))
    np.testing.assert_array_equal(gradient.numpy(), [4.0, 6.0])


@pytest.mark.parametrize("starts", [(0, 1), (1, -1), (-5, 9)])
def test_dynamic_slices_agree_with_differences(starts):
    check_gradients(lambda x: ops.dynamic_slice(x, *starts, sizes=(2, 2)), some(3, 4))
    check_gradients(lambda x, u: ops.dynamic_update_slice(x, u, *starts), some(3, 4), some(2, 2, seed=2))


# ---------------------------------------------------------------------- indices


def test_where_agrees_with_differences():
    condition = provider().convert(np.array([[True], [False]]))
    check_gradients(partial(ops.where, condition), some(3), some(2, 1, seed=2))


def test_where_sends_no_gradient_to_the_operand_not_taken():
    x = float64([0.0, 4.0])
    gradient = grad(lambda x: ops.sum(ops.where(x > 0, ops.sqrt(ops.where(x > 0, x, 1.0)), 0.0)))(x)
    np.testing.assert_array_equal(gradient.numpy(), [0.0, 0.25])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("indices", [[1, 1, 0], [[0, -1], [1, 1]], 1, np.zeros((0,))], ids=str)
def test_take_agrees_with_differences(axis, indices):
    check_gradients(lambda x: ops.take(x, integers(indices), axis=axis), some(2, 3, 2))


def test_take_from_one_axis_agrees_with_differences():
    check_gradients(lambda x: ops.take(x, integers([2, 0, 2])), some(3))


def test_along_axis_operations_agree_with_differences():
    indices = integers([[0, 2], [1, 1]])
    check_gradients(lambda x: ops.take_along_axis(x, indices, axis=1), some(2, 3))
    check_gradients(lambda x: ops.take_along_axis(x, integers([[0, 2, 2]]), axis=-1), some(2, 3))
    check_gradients(lambda x: ops.take_along_axis(x, integers([[0, 1], [2, 2]]), axis=-1), some(1, 3))
    for mode in ("update", "add"):
        put = partial(ops.put_along_axis, axis=1, mode=mode)
        check_gradients(lambda x, v, put=put: put(x, indices, v), some(2, 3), some(2, 2, seed=2))
        check_gradients(lambda x, v, put=put: put(x, integers([[2]]), v), some(2, 3), some(1, 1, seed=2))


def test_gather_and_scatter_agree_with_differences():
    vectors = integers([[0, 2], [1, -1], [0, 2]])
    check_gradients(lambda x: ops.gather_nd(x, vectors), some(2, 3, 2))
    check_gradients(lambda x: ops.gather_nd(x, integers([[[2], [0]], [[1], [1]]]), batch_dims=1), some(2, 3, 2))
    check_gradients(lambda x: ops.gather(x, integers([[2, 0], [1, 1]]), axis=2, batch_dims=1), some(2, 2, 3))
    check_gradients(lambda u: ops.scatter_nd(vectors, u, shape=(2, 3, 2)), some(3, 2))


@pytest.mark.parametrize("mode", ["update", "add", "subtract", "min", "max"])
def test_scatter_agrees_with_differences(mode):
    vectors = integers([[0, 2], [1, -1], [0, 2]])
    check_gradients(lambda x, u: ops.scatter(x, vectors, u, mode=mode), some(2, 3, 2), some(3, 2, seed=2))


@pytest.mark.parametrize("mode", ["min", "max"])
def test_equally_extreme_updates_share_the_gradient(mode):
    scatter = partial(ops.scatter, mode=mode)
    by_x, by_updates = grad(lambda x, u: ops.sum(scatter(x, integers([[0], [0]]), u)), argnums=(0, 1))(
        float64([2.0, 5.0]), float64([2.0, 2.0])
    )
    np.testing.assert_allclose(by_x.numpy(), [1 / 3, 1.0])
    np.testing.assert_allclose(by_updates.numpy(), [1 / 3, 1 / 3])


def test_boolean_mask_and_repeat_each_agree_with_differences():
    mask = provider().convert(np.array([[True, False, True], [False, False, True]]))
    check_gradients(lambda x: ops.boolean_mask(x, mask), some(2, 3, 2))
    check_gradients(lambda x: ops.repeat_each(x, integers([2, 0, 1]), axis=1), some(2, 3))


def test_second_derivatives_pass_through_indexing():
    indices = integers([[1, 1], [0, 2]])
    check_gradients(lambda x: ops.square(ops.take(ops.square(x), indices, axis=0)), some(3), order=2)
    check_gradients(lambda x: ops.square(ops.sort(ops.square(x))), some(4), order=2)
    check_gradients(lambda x: ops.prod(ops.pad(x, padding=1, mode="reflect")), some(3), order=2)
