"""Derivatives of products of matrices, einsum and norms against central differences in float64."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import check_gradients, grad
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider


def some(*shape: int, seed: int = 1) -> Any:
    return provider().convert(np.random.default_rng(seed).uniform(0.2, 1.5, shape))


def some_complex(*shape: int, seed: int = 1) -> Any:
    random = np.random.default_rng(seed)
    return provider().convert(random.uniform(0.2, 1.5, shape) + 1j * random.uniform(-1, 1, shape))


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((3,), (2, 3, 4)),
        ((2, 4, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((2, 1, 2, 3), (3, 3, 1)),
        ((1, 2, 3), (4, 3, 2)),
        ((0, 3), (3, 2)),
    ],
    ids=str,
)
def test_matmul_agrees_with_differences(shapes):
    check_gradients(ops.matmul, some(*shapes[0]), some(*shapes[1], seed=2))


def test_matmul_agrees_with_differences_in_second_order():
    check_gradients(ops.matmul, some(2, 2, 2), some(2, 2, seed=2), order=2)


def test_matmul_of_complex_numbers_agrees_with_differences():
    check_gradients(ops.matmul, some_complex(2, 3), some_complex(3, 2, seed=2))


def test_matmul_gives_the_gradient_of_what_is_wanted_only():
    x, w = some(4, 2, 3), some(3, 5, seed=2)
    gradient = grad(lambda w: ops.sum(ops.matmul(x, w)))(w)
    np.testing.assert_allclose(gradient.numpy(), np.einsum("bij->j", x.numpy())[:, None] * np.ones(5), rtol=1e-14)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", ((2, 3), (3, 4))),
        ("bhqd,bhkd->bhqk", ((2, 2, 3, 2), (2, 2, 2, 2))),
        ("...ij,...jk->...ik", ((3, 2, 2), (1, 2, 3))),
        ("ii->i", ((3, 3),)),
        ("ii", ((3, 3),)),
        ("ij->", ((2, 3),)),
        ("i,j,k->kij", ((2,), (3,), (2,))),
        ("ij,jk,kl->il", ((2, 3), (3, 2), (2, 2))),
        ("iij,jk->ik", ((2, 2, 3), (3, 2))),
        ("ij,ij->i", ((1, 3), (2, 3))),
    ],
)
def test_einsum_agrees_with_differences(subscripts, shapes):
    arrays = [some(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    check_gradients(partial(ops.einsum, subscripts=subscripts), *arrays)


@pytest.mark.parametrize("axes", [0, 1, 2, ((0, 2), (2, 1))], ids=str)
def test_tensordot_agrees_with_differences(axes):
    check_gradients(partial(ops.tensordot, axes=axes), some(2, 2, 2), some(2, 2, 2, seed=2))


def test_other_products_agree_with_differences():
    check_gradients(ops.vecdot, some(2, 3), some(3, seed=2))
    check_gradients(ops.vecdot, some_complex(2, 3), some_complex(3, seed=2))
    check_gradients(ops.outer, some(2), some(3, seed=2))
    check_gradients(partial(ops.cross, axis=0), some(3, 2), some(3, 1, seed=2))
    check_gradients(partial(ops.diagonal, offset=-1), some(2, 3, 3))
    check_gradients(partial(ops.trace, offset=1), some(2, 3, 4))


@pytest.mark.parametrize("ord", [0, 1, 2, 3, 0.5, -1, float("inf"), float("-inf")])
@pytest.mark.parametrize("make", [some, some_complex])
def test_vector_norms_agree_with_differences(ord, make):
    check_gradients(partial(ops.vector_norm, axis=(0, 2), ord=ord), make(2, 3, 2))


@pytest.mark.parametrize("ord", [1, 2, 3])
def test_the_gradient_of_a_norm_is_zero_at_zero(ord):
    zeros = provider().convert(np.zeros(3))
    np.testing.assert_array_equal(grad(partial(ops.vector_norm, ord=ord))(zeros).numpy(), np.zeros(3))
