"""Conversion of dtypes, and half precision in memory, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from elementwise_kernels import IN_MEMORY, Call, bfloat16_bits, compute, spread, whole, wide

from dovetail_kernels_llvm.codegen.types import FLOATING, SIGNED, STORED, UNSIGNED

INTEGERS = sorted(SIGNED | UNSIGNED)


def as_stored(values, dtype):
    """NumPy's conversion; to bfloat16 by way of single precision, as ml_dtypes does it."""
    with np.errstate(all="ignore"):
        return bfloat16_bits(values.astype(np.float32)) if dtype == "bfloat16" else values.astype(dtype)


def check(source, values, targets):
    results = compute([Call("cast", (source,), target) for target in targets], [values])
    for target, got in zip(targets, results, strict=True):
        expected = as_stored(wide(source, values), target)
        np.testing.assert_array_equal(wide(target, got), wide(target, expected), err_msg=f"{source} to {target}")


@pytest.mark.parametrize("source", INTEGERS)
def test_integers_become_every_dtype(source):
    check(source, whole(source)[0][:6000], list(STORED))


def test_bools_become_every_dtype():
    check("bool", np.array([False, True] * 10), list(STORED))


@pytest.mark.parametrize("source", ["float16", "bfloat16"])
def test_all_halves_become_every_floating_dtype_and_bool(source):
    check(source, np.arange(1 << 16, dtype=np.uint16).view(IN_MEMORY[source]), [*sorted(FLOATING), "bool"])


@pytest.mark.parametrize("source", ["float32", "float64"])
def test_floats_become_every_floating_dtype_and_bool(source):
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    halves = halves[np.isfinite(halves)]
    middles = (halves[1:] + halves[:-1]) / 2  # ties of float16
    near = np.concatenate(
        [middles, np.nextafter(middles, np.inf), np.nextafter(middles, -np.inf), middles * (1 + 1e-9)]
    )
    check(source, np.concatenate([spread(source), near.astype(source)]), [*sorted(FLOATING), "bool"])


@pytest.mark.parametrize("source", sorted(FLOATING))
@pytest.mark.parametrize("target", INTEGERS)
def test_floats_in_range_are_truncated(source, target):
    info = np.iinfo(target)
    numbers = np.concatenate([spread("float64", per_exponent=2), np.linspace(-300, 300, 2401), [info.max, info.min]])
    values = as_stored(numbers, source)
    with np.errstate(invalid="ignore"):
        exact = np.trunc(wide(source, values).astype(np.float64))
    values = values[(exact >= float(info.min)) & (exact < float(info.max))]
    (got,) = compute([Call("cast", (source,), target)], [values])
    np.testing.assert_array_equal(got, wide(source, values).astype(target))


@pytest.mark.parametrize("source", ["float32", "float64"])
def test_floats_out_of_range_are_what_x86_makes_of_them(source):
    values = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 2.0**31, -(2.0**32)], source)
    targets = ("int32", "int64", "int8", "uint16", "uint32", "uint64")
    got = compute([Call("cast", (source,), target) for target in targets], [values])
    results = {target: one.tolist() for target, one in zip(targets, got, strict=True)}
    least, longest = -(2**31), -(2**63)
    assert results["int32"] == [least] * 7
    assert results["int64"] == [*[longest] * 5, 2**31, -(2**32)]
    assert results["int8"] == results["uint16"] == [0] * 7
    assert results["uint32"] == [0, 0, 2**31, 0, 2**31, 2**31, 2**31]
    assert results["uint64"] == [0, 0, 2**63, 0, 2**63, 2**31, 2**64 - 2**32]
