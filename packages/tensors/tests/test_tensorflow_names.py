"""Section 2 of the checklist, Tensor and Slicing: each line a test."""

from __future__ import annotations

import numpy as np
import pytest

import dovetail_tensors as tf
from dovetail_protocols.errors import DTypeError, ShapeError

X = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_shape_is_static_and_tf_shape_is_a_tensor() -> None:
    assert X.shape == (2, 3)
    assert isinstance(tf.shape(X), tf.Tensor)
    assert tf.shape(X).tolist() == [2, 3]
    assert tf.shape(X, out_type="int64").dtype is tf.int64
    assert (tf.size(X).item(), tf.rank(X).item()) == (6, 2)
    assert tf.shape(tf.constant(1)).shape == (0,)


def test_no_implicit_casting_on_assignment_and_explicit_cast() -> None:
    assert tf.cast([1.9], tf.int32).tolist() == [1]
    with pytest.raises(DTypeError):
        tf.Variable(1.0).assign(tf.constant(1))


def test_reshape_is_row_major_and_is_no_transpose() -> None:
    assert tf.reshape(X, [3, -1]).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert tf.transpose(X).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert tf.transpose(X, perm=[0, 1]).tolist() == X.tolist()
    with pytest.raises(ShapeError, match="do not fill"):
        tf.reshape(X, [7, -1])


def test_scalar_index_drops_the_axis_and_slice_keeps_it() -> None:
    assert X[0].shape == (3,)
    assert X[0:1].shape == (1, 3)
    assert X[0, ::-1].tolist() == [3, 2, 1]


def test_operations_accept_convertibles() -> None:
    assert tf.add([1, 2], [3, 4]).tolist() == [4, 6]
    assert tf.matmul([[1.0]], np.ones((1, 1), np.float32)).tolist() == [[1]]
    assert tf.convert_to_tensor([1, 2]).dtype is tf.int32
    assert tf.convert_to_tensor(1, dtype_hint="float64").dtype is tf.float64
    assert tf.convert_to_tensor(X, dtype_hint="float64") is X


def test_reductions() -> None:
    assert tf.reduce_sum(X).item() == 21
    assert tf.reduce_sum(tf.constant([1], "int8")).dtype is tf.int8
    assert tf.sum(tf.constant([1], "int8")).dtype is tf.int32
    assert tf.reduce_mean(X, axis=0).tolist() == [2.5, 3.5, 4.5]
    assert tf.reduce_max(X, axis=[0, 1]).item() == 6
    assert tf.reduce_min(X).item() == 1
    assert tf.reduce_prod(X, axis=1, keepdims=True).tolist() == [[6], [120]]
    assert tf.reduce_all(X > 0).item()
    assert tf.reduce_any(X > 5).item()
    assert tf.reduce_std(X).item() == pytest.approx(np.std(X.numpy()))
    assert tf.reduce_variance(X).item() == pytest.approx(np.var(X.numpy()))
    assert tf.reduce_logsumexp(X).item() == pytest.approx(np.log(np.exp(X.numpy()).sum()), rel=1e-6)


def test_slice_and_strided_slice() -> None:
    assert tf.slice(X, [0, 1], [2, -1]).tolist() == [[2, 3], [5, 6]]
    assert tf.slice(X, begin=tf.constant([1, 0]), size=[1, 2]).tolist() == [[4, 5]]
    assert tf.strided_slice(X, [0, 0], [2, 3], [1, 2]).tolist() == [[1, 3], [4, 6]]
    assert tf.strided_slice(X, [0, 0], [2, 3], shrink_axis_mask=1).tolist() == [1, 2, 3]


def test_gather_and_scatter() -> None:
    assert tf.gather(X, [2, 0], axis=1).tolist() == [[3, 1], [6, 4]]
    assert tf.gather(X, [[0], [2]], batch_dims=1).tolist() == [[1], [6]]
    assert tf.gather_nd(X, [[0, 0], [1, 2]]).tolist() == [1, 6]
    assert tf.scatter_nd([[1], [1]], [2.0, 3.0], [3]).tolist() == [0, 5, 0]
    assert tf.tensor_scatter_nd_add(X, [[0, 0]], [10.0])[0, 0].item() == 11
    assert tf.tensor_scatter_nd_sub(X, [[0, 0]], [10.0])[0, 0].item() == -9
    assert tf.tensor_scatter_nd_update(X, [[0, 0]], [10.0])[0, 0].item() == 10
    assert tf.tensor_scatter_nd_max(X, [[0, 0]], [-1.0])[0, 0].item() == 1
    assert tf.tensor_scatter_nd_min(X, [[0, 0]], [-1.0])[0, 0].item() == -1


def test_masks_and_places() -> None:
    assert tf.boolean_mask(X, X > 2.5).tolist() == [3, 4, 5, 6]
    assert tf.boolean_mask(X, [True, False, True], axis=1).tolist() == [[1, 3], [4, 6]]
    assert tf.where(X > 4.5).tolist() == [[1, 1], [1, 2]]
    assert tf.where(X > 2, X, 0.0).tolist() == [[0, 0, 3], [4, 5, 6]]
    with pytest.raises(DTypeError, match="both"):
        tf.where(X > 2, X)


def test_joining_and_splitting() -> None:
    assert tf.concat([X, X], axis=0).shape == (4, 3)
    assert tf.concat([X, X], axis=None).shape == (12,)
    assert tf.stack([X, X], axis=1).shape == (2, 2, 3)
    assert [part.shape for part in tf.split(X, 3, axis=1)] == [(2, 1)] * 3
    assert [part.shape for part in tf.split(X, [1, -1], axis=1)] == [(2, 1), (2, 2)]
    assert [part.tolist() for part in tf.unstack(X)] == X.tolist()
    assert tf.tile(X, [1, 2]).shape == (2, 6)
    assert tf.pad(X, [[1, 0], [0, 2]], constant_values=9).tolist()[0] == [9] * 5
    assert tf.expand_dims(X, -1).shape == (2, 3, 1)
    assert tf.squeeze(tf.expand_dims(X, 0)).shape == (2, 3)
    assert tf.broadcast_to([1.0], [2, 2]).tolist() == [[1, 1], [1, 1]]
    assert tf.repeat([1, 2], [2, 1]).tolist() == [1, 1, 2]
    assert tf.repeat([1, 2], 2).tolist() == [1, 1, 2, 2]


def test_making() -> None:
    assert tf.fill([2], 3).tolist() == [3, 3]
    assert tf.range(2, 8, 3).tolist() == [2, 5]
    assert tf.one_hot([0, 2], 3).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert tf.identity(X) is X
    assert tf.add_n([X, X, X]).tolist() == (3 * X).tolist()


def test_linear_algebra_that_the_guides_use() -> None:
    assert tf.einsum("ij,kj->ik", X, X).tolist() == (X.numpy() @ X.numpy().T).tolist()
    assert tf.norm([3.0, 4.0]).item() == 5
    assert tf.linalg.norm(X, axis=[0, 1]).item() == pytest.approx(np.linalg.norm(X.numpy()))
    assert tf.norm([3.0, -4.0], ord=1).item() == 7
    assert tf.diag([1.0, 2.0]).tolist() == [[1, 0], [0, 2]]
    assert tf.linalg.diag([1, 2], k=-1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert tf.linalg.diag([[1, 2], [3, 4]]).tolist() == [[[1, 0], [0, 2]], [[3, 0], [0, 4]]]
    assert tf.linalg.diag_part(tf.diag([1.0, 2.0])).tolist() == [1, 2]
    assert tf.linalg.trace(tf.diag([1.0, 2.0])).item() == 3
    assert tf.tensordot(X, X, axes=[[0, 1], [0, 1]]).item() == 91
    assert tf.top_k([1.0, 3.0, 2.0], k=2)[1].tolist() == [1, 2]


def test_array_api_functions_with_arguments_of_their_own() -> None:
    assert tf.clip(X, 2, 4).tolist() == [[2, 2, 3], [4, 4, 4]]
    assert tf.clip(tf.constant([1, 5]), max=3).tolist() == [1, 3]
    assert tf.cumulative_sum(tf.constant([1, 2, 3])).tolist() == [1, 3, 6]
    assert tf.cumulative_prod(tf.constant([1, 2, 3]), dtype="float32").tolist() == [1, 2, 6]
    assert tf.diff(tf.constant([1, 4, 9])).tolist() == [3, 5]
    assert tf.searchsorted([1.0, 3.0], [2, 4]).tolist() == [1, 2]
    values = tf.unique_all(tf.constant([3, 1, 3]))
    assert (values.values.tolist(), values.inverse_indices.tolist(), values.counts.tolist()) == (
        [1, 3],
        [1, 0, 1],
        [1, 2],
    )
    assert tf.unique_counts([1, 1]).counts.tolist() == [2]
    assert tf.unique_inverse([2, 1]).inverse_indices.tolist() == [1, 0]
    assert tf.take_along_axis(X, [[0], [2]], axis=1).tolist() == [[1], [6]]
    assert tf.roll(X, 1, axis=1).tolist() == [[3, 1, 2], [6, 4, 5]]
    assert tf.moveaxis(tf.zeros((2, 3, 4)), 0, -1).shape == (3, 4, 2)
    assert tf.std(X, correction=1).item() == pytest.approx(np.std(X.numpy(), ddof=1))
