"""Products of matrices, einsum and norms against NumPy's reference loops."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dovetail_protocols import operations as ops
from dovetail_protocols.operations.einsum import einsum_plan


def integers(shape: tuple[int, ...], seed: int = 0) -> Any:
    """Small whole numbers, whose products float64 holds exactly, so that the order of additions can't show."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float64)


@given(shapes=hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3))
def test_matmul(compute, shapes):
    x1, x2 = (integers(shape, seed) for seed, shape in enumerate(shapes.input_shapes))
    np.testing.assert_array_equal(compute(ops.matmul, x1, x2), np.einsum(*_as_einsum(x1, x2), optimize=False))


def _as_einsum(x1: Any, x2: Any) -> tuple[Any, ...]:
    rows = "i" if x1.ndim > 1 else ""
    columns = "k" if x2.ndim > 1 else ""
    return f"...{rows}j,...j{columns}->...{rows}{columns}", x1, x2


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_products_of_narrow_floats_are_rounded_once(compute, dtype):
    x1, x2 = np.ones((1, 4000), dtype), np.ones((4000, 1), dtype)
    expected = np.asarray(4000, dtype)
    assert compute(ops.matmul, x1, x2) == expected
    assert compute(ops.einsum, x1, x2, subscripts="ij,jk->ik") == expected
    assert compute(ops.tensordot, x1, x2, axes=1) == expected
    assert compute(ops.vecdot, x1[0], x2[:, 0]) == expected


@st.composite
def einsums(draw: Any) -> tuple[str, list[Any]]:
    """Subscripts with repeated, lone and shared letters and ellipses, and operands that fit."""
    sizes = {letter: draw(st.integers(0, 3)) for letter in "abcd"}
    spread = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=2, min_side=1, max_side=3))
    groups, operands = [], []
    for number in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from("abcd"), max_size=3))
        has_ellipsis = draw(st.booleans())
        cut = draw(st.integers(0, len(letters)))
        before, after = "".join(letters[:cut]), "".join(letters[cut:])
        groups.append(f"{before}...{after}" if has_ellipsis else before + after)
        middle = spread.input_shapes[number] if has_ellipsis else ()
        shape = (*(sizes[k] for k in before), *middle, *(sizes[k] for k in after))
        operands.append(integers(shape, number))
    used = sorted({letter for group in groups for letter in group if letter.isalpha()})
    output = draw(st.permutations(used))[: draw(st.integers(0, len(used)))]
    arrow = "->" + "..." * any("..." in group for group in groups) + "".join(output)
    return ",".join(groups) + draw(st.sampled_from(["", arrow])), operands


@given(case=einsums())
def test_einsum(compute, decomposed, case):
    subscripts, operands = case
    expected = np.einsum(subscripts, *operands, optimize=False)
    for way in (compute, decomposed):
        found = way(ops.einsum, *operands, subscripts=subscripts)
        assert found.shape == expected.shape
        np.testing.assert_array_equal(found, expected)


def test_einsum_keeps_the_dtype_of_integers(compute):
    x = np.full((2, 3), 100, np.int8)
    assert compute(ops.einsum, x, subscripts="ij->i").dtype == np.int8


def test_einsum_multiplies_as_matrices_where_a_label_is_summed():
    plan = einsum_plan("bhqd,bhkd->bhqk", [(2, 3, 5, 4), (2, 3, 6, 4)])
    assert [pairing.is_matmul for pairing in plan.pairings] == [True]
    assert plan.pairings[0].left_shape == (2, 3, 5, 4)
    assert plan.pairings[0].right_shape == (2, 3, 4, 6)


def test_einsum_keeps_intermediate_results_small():
    plan = einsum_plan("ij,jk,k->i", [(50, 60), (60, 70), (70,)])
    assert (plan.pairings[0].left, plan.pairings[0].right) == (1, 2)
    assert plan.pairings[0].shape == (60,)


@pytest.mark.parametrize("axes", [0, 1, 2, ((0,), (2,)), ((-1, 0), (1, 2)), ((), ())], ids=str)
def test_tensordot(compute, decomposed, axes):
    x1, x2 = integers((2, 3, 3)), integers((3, 3, 2), 1)
    for way in (compute, decomposed):
        np.testing.assert_array_equal(way(ops.tensordot, x1, x2, axes=axes), np.tensordot(x1, x2, axes))


@given(shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=0, max_side=3))
def test_products_of_vectors(compute, decomposed, shapes):
    x1, x2 = (integers((*shape, 3), seed) * (1 + 2j) ** seed for seed, shape in enumerate(shapes.input_shapes))
    for way in (compute, decomposed):
        np.testing.assert_array_equal(way(ops.vecdot, x1.conj(), x2), (x1 * x2).sum(-1))
    np.testing.assert_array_equal(decomposed(ops.cross, x1, x2), np.cross(x1, x2))


def test_vecdot_and_cross_along_other_axes(compute, decomposed):
    x1, x2 = integers((3, 2)), integers((3, 2), 1)
    for way in (compute, decomposed):
        np.testing.assert_array_equal(way(ops.vecdot, x1, x2, axis=0), (x1 * x2).sum(0))
    np.testing.assert_array_equal(decomposed(ops.cross, x1, x2, axis=-2), np.cross(x1, x2, axis=0))
    for way in (compute, decomposed):
        np.testing.assert_array_equal(way(ops.outer, x1[:, 0], x2[:2, 0]), np.outer(x1[:, 0], x2[:2, 0]))


@given(shape=hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4), offset=st.integers(-5, 5))
def test_diagonals(compute, decomposed, shape, offset):
    x = integers(shape)
    expected = np.diagonal(x, offset, -2, -1)
    for way in (compute, decomposed):
        np.testing.assert_array_equal(way(ops.diagonal, x, offset=offset), expected)
    np.testing.assert_array_equal(decomposed(ops.trace, x, offset=offset), expected.sum(-1))


@pytest.mark.parametrize("ord", [0, 1, 2, 3, 0.5, -1, -2.5, math.inf, -math.inf])
@pytest.mark.parametrize("factor", [1.0, 1 + 1j])
def test_vector_norm(decomposed, ord, factor):
    x = (integers((2, 3, 4)) + 0.5) * factor
    flat = x.transpose(1, 0, 2).reshape(3, 8)
    found = decomposed(ops.vector_norm, x, axis=(0, 2), ord=ord)
    # 8 terms and two powers: some 20 roundings of 2^-53
    np.testing.assert_allclose(found, np.linalg.norm(flat, ord, axis=1), rtol=20 * 2.0**-53)
    assert found.dtype == np.float64
    assert decomposed(ops.vector_norm, x, keepdims=True, ord=ord).shape == (1, 1, 1)
