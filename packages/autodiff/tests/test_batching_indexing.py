"""vmap of manipulation, indexing, searching, sorting and products of matrices, against a loop over the examples."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import grad, vmap
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import ShapeError, TraceError

BATCH = 3


def array(*shape: int, seed: int = 0) -> Any:
    return provider().convert(
        np.random.default_rng(seed).permutation(np.linspace(-1, 1, int(np.prod(shape)))).reshape(shape)
    )


def places(high: int, *shape: int, seed: int = 0) -> Any:
    return provider().convert(np.random.default_rng(seed).integers(-high, high, shape).astype(np.int32))


def check(function: Any, in_axes: tuple[int | None, ...], *arrays: Any) -> None:
    """vmap gives what the function gives for each example, with NumPy taking the batch apart."""
    parts = [[a.numpy()] * BATCH if axis is None else a.numpy() for a, axis in zip(arrays, in_axes, strict=True)]
    looped = [function(*map(provider().convert, example)) for example in zip(*parts, strict=True)]
    batched = vmap(function, in_axes=in_axes)(*arrays)
    if not isinstance(batched, tuple):
        batched, looped = (batched,), [(one,) for one in looped]
    for place, result in enumerate(batched):
        expected = np.stack([one[place].numpy() for one in looped])
        assert result.dtype.name == expected.dtype.name
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-14)


UNARY = [
    partial(ops.reshape, shape=(4, -1)),
    partial(ops.reshape, shape=(-1,)),
    partial(ops.flatten, start_axis=1),
    partial(ops.broadcast_to, shape=(5, 2, 3, 4)),
    partial(ops.expand_dims, axis=(0, -1)),
    partial(ops.permute_dims, axes=(2, 0, -2)),
    ops.permute_dims,
    ops.matrix_transpose,
    partial(ops.moveaxis, source=0, destination=-1),
    ops.flip,
    partial(ops.roll, shift=1),
    partial(ops.roll, shift=(1, -1), axis=(0, 2)),
    partial(ops.unstack, axis=1),
    partial(ops.split, sections=(1, -1), axis=-1),
    partial(ops.slice, starts=(None, 2), stops=(1, None), strides=(1, -1)),
    partial(ops.scatter_slice, shape=(2, 3, 9), starts=(None, None, 1), stops=(None, None, None), strides=(1, 1, 2)),
    partial(ops.repeat, repeats=2),
    partial(ops.repeat, repeats=2, axis=-1),
    partial(ops.tile, repetitions=(2, 2)),
    partial(ops.pad, padding=((1, 0), (0, 0), (0, 2)), value=3.0),
    partial(ops.pad, padding=1, mode="reflect"),
    partial(ops.sort, axis=0, descending=True),
    ops.argsort,
    ops.argmax,
    partial(ops.argmax, keepdims=True),
    partial(ops.argmin, axis=-1, keepdims=True),
    partial(ops.top_k, k=2, axis=0),
    partial(ops.einsum, subscripts="ijk->ki"),
    partial(ops.trace, offset=1),
    partial(ops.vector_norm, axis=1, ord=3),
]


@pytest.mark.parametrize("function", UNARY, ids=str)
def test_operations_of_one_array(function):
    check(function, (0,), array(BATCH, 2, 3, 4))


def test_vmap_of_vmap():
    nested = vmap(vmap(partial(ops.reshape, shape=(-1,))))(array(2, BATCH, 2, 2))
    np.testing.assert_array_equal(nested.numpy(), array(2, BATCH, 2, 2).numpy().reshape(2, BATCH, 4))


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)], ids=str)
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_concat_and_stack(in_axes, axis):
    x, y = (array(*((BATCH,) if a == 0 else ()), 2, 3, seed=s) for s, a in enumerate(in_axes))
    check(partial(ops.concat, axis=axis), in_axes, x, y)
    check(partial(ops.stack, axis=axis or 0), in_axes, x, y)


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)], ids=str)
def test_gathering(in_axes):
    x = array(*((BATCH,) if in_axes[0] == 0 else ()), 2, 4, 2)
    batch = (BATCH,) if in_axes[1] == 0 else ()
    check(partial(ops.take, axis=1), in_axes, x, places(4, *batch, 5))
    check(partial(ops.take, axis=-2), in_axes, x, places(4, *batch))
    check(partial(ops.take, axis=0), in_axes, x, places(2, *batch, 2, 2))
    check(partial(ops.take_along_axis, axis=1), in_axes, x, places(4, *batch, 2, 3, 2))
    check(partial(ops.take_along_axis, axis=-1), in_axes, x, places(2, *batch, 1, 4, 1))
    check(ops.gather_nd, in_axes, x, places(2, *batch, 3, 2))
    check(partial(ops.gather_nd, batch_dims=1), in_axes, x, places(4, *batch, 2, 3, 1))


@pytest.mark.parametrize(
    "in_axes", [(0, 0, 0), (0, None, None), (None, 0, 0), (None, 0, None), (None, None, 0)], ids=str
)
def test_scattering(in_axes):
    batches = [(BATCH,) if axis == 0 else () for axis in in_axes]
    x, updates = array(*batches[0], 4, 2), array(*batches[2], 3, 2, seed=1)
    vectors = places(4, *batches[1], 3, 1)
    for mode in ("update", "add", "max"):
        check(partial(ops.scatter, mode=mode), in_axes, x, vectors, updates)
    if 0 in in_axes[1:]:
        check(partial(ops.scatter_nd, shape=(4, 2)), in_axes[1:], vectors, updates)
    for mode in ("update", "add"):
        put = partial(ops.put_along_axis, axis=0, mode=mode)
        check(put, in_axes, x, places(4, *batches[1], 3, 2), array(*batches[2], 1, 2))


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)], ids=str)
def test_dynamic_slices(in_axes):
    x = array(*((BATCH,) if in_axes[0] == 0 else ()), 4, 5)
    start = places(6, *((BATCH,) if in_axes[1] == 0 else ()))
    check(lambda x, s: ops.dynamic_slice(x, s, 1, sizes=(2, 3)), in_axes, x, start)
    check(lambda x, s: ops.dynamic_update_slice(x, array(2, 3, seed=4), 1, s), in_axes, x, start)


def test_one_hot():
    check(partial(ops.one_hot, depth=4), (0,), places(4, BATCH, 2))


def test_where_with_a_batched_condition():
    check(ops.where, (0, None, 0), array(BATCH, 2) > 0, array(4, 2), array(BATCH))


def test_searchsorted():
    ascending = provider().convert(np.sort(array(BATCH, 5).numpy(), axis=1))
    check(ops.searchsorted, (0, 0), ascending, array(BATCH, 4))
    check(ops.searchsorted, (0, None), ascending, array(4))
    check(partial(ops.searchsorted, side="right"), (None, 0), array(5) * 0, array(BATCH, 4))


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)], ids=str)
@pytest.mark.parametrize(
    "shapes", [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)), ((3,), (5, 3, 2))]
)
def test_matmul(in_axes, shapes):
    x, y = (
        array(*((BATCH,) if a == 0 else ()), *shape, seed=s)
        for s, (a, shape) in enumerate(zip(in_axes, shapes, strict=True))
    )
    check(ops.matmul, in_axes, x, y)


def test_einsum_and_gradients_inside():
    check(partial(ops.einsum, subscripts="ij,jk->ik"), (0, None), array(BATCH, 2, 3), array(3, 4))
    check(grad(lambda x, i: ops.sum(ops.square(ops.take(x, i, axis=0)))), (0, 0), array(BATCH, 4), places(4, BATCH, 2))


def test_an_invalid_example_is_refused_by_its_own_axes():
    with pytest.raises(ShapeError, match="axes must name every axis"):
        vmap(partial(ops.permute_dims, axes=(0, 1, 2)))(array(BATCH, 2, 2, 2, 2))
    with pytest.raises(ShapeError, match="matmul: the inner axes differ"):
        vmap(ops.matmul)(array(BATCH, 2, 3), array(BATCH, 2, 3))


def test_operations_whose_shape_depends_on_values_are_refused():
    for function in (ops.nonzero, ops.unique_values, lambda x: ops.boolean_mask(x, x > 0)):
        with pytest.raises(TraceError, match="depends on the values"):
            vmap(function)(array(BATCH, 2))
