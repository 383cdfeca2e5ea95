"""Data types, and promotion as algebra."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail_protocols import dtypes as dt
from dovetail_protocols.errors import DTypeError

KNOWN = st.sampled_from(dt.ALL)
NUMBERS = st.one_of(st.booleans(), st.integers(), st.floats(), st.complex_numbers())

# Array API standard 2024.12, Type Promotion Rules, typed off the tables there: rows and columns in the same order.
_SIGNED = """
i1: i1 i2 i4 i8
i2: i2 i2 i4 i8
i4: i4 i4 i4 i8
i8: i8 i8 i8 i8
"""
_UNSIGNED = """
u1: u1 u2 u4 u8
u2: u2 u2 u4 u8
u4: u4 u4 u4 u8
u8: u8 u8 u8 u8
"""
_MIXED = """
i1: i2 i4 i8
i2: i2 i4 i8
i4: i4 i4 i8
i8: i8 i8 i8
"""
_FLOATING = """
f4: f4 f8 c8 c16
f8: f8 f8 c16 c16
c8: c8 c16 c8 c16
c16: c16 c16 c16 c16
"""
_NAMES = {
    **{f"i{size}": f"int{8 * size}" for size in (1, 2, 4, 8)},
    **{f"u{size}": f"uint{8 * size}" for size in (1, 2, 4, 8)},
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}


def standard_table() -> dict[tuple[str, str], str]:
    """The standard's tables: pair of names → name."""
    entries = {("bool", "bool"): "bool"}
    tables = ((_SIGNED, "i1 i2 i4 i8"), (_UNSIGNED, "u1 u2 u4 u8"), (_MIXED, "u1 u2 u4"), (_FLOATING, "f4 f8 c8 c16"))
    for text, columns in tables:
        for line in text.strip().splitlines():
            row, _, cells = line.partition(":")
            for column, cell in zip(columns.split(), cells.split(), strict=True):
                entries[_NAMES[row], _NAMES[column]] = entries[_NAMES[column], _NAMES[row]] = _NAMES[cell]
    return entries


def promoted(first: dt.DType | None, second: dt.DType | None) -> dt.DType | None:
    """The common dtype, or None."""
    if first is None or second is None:
        return None
    try:
        return dt.promote(first, second)
    except DTypeError:
        return None


def test_the_standards_table_holds_entry_by_entry() -> None:
    table = standard_table()
    assert len(table) == 1 + 16 + 16 + 24 + 16
    for (first, second), expected in table.items():
        assert dt.promote(dt.dtype(first), dt.dtype(second)) is dt.dtype(expected), (first, second)


@given(KNOWN)
def test_promotion_is_idempotent(one: dt.DType) -> None:
    assert dt.promote(one, one) is one


@given(KNOWN, KNOWN)
def test_promotion_is_commutative(one: dt.DType, other: dt.DType) -> None:
    assert promoted(one, other) is promoted(other, one)


@given(KNOWN, KNOWN, KNOWN)
def test_promotion_is_associative_where_defined(a: dt.DType, b: dt.DType, c: dt.DType) -> None:
    left, right = promoted(promoted(a, b), c), promoted(a, promoted(b, c))
    # An integer takes the width of any floating dtype, so what it meets first makes no difference; bfloat16 and float16
    # meet in float32 whoever is beside them.
    if left is not None and right is not None:
        assert left is right


@given(KNOWN, KNOWN)
def test_promotion_never_narrows_within_a_kind_nor_drops_a_kind(one: dt.DType, other: dt.DType) -> None:
    common = promoted(one, other)
    order = (dt.BOOLEAN, dt.UNSIGNED, dt.SIGNED, dt.FLOATING, dt.COMPLEX)
    if common is not None:
        for given_dtype in (one, other):
            assert order.index(common.kind) >= order.index(given_dtype.kind)
            if common.kind == given_dtype.kind:
                assert common.size_bytes >= given_dtype.size_bytes


def test_an_integer_beside_a_floating_dtype_takes_it_and_never_a_wider_one() -> None:
    for integer in (kind for kind in dt.ALL if kind.is_integer):
        for floating in (dt.bfloat16, dt.float16, dt.float32, dt.float64, dt.complex64):
            assert dt.promote(integer, floating) is floating


def test_bfloat16_and_float16_meet_in_the_least_dtype_that_holds_both() -> None:
    assert dt.promote(dt.bfloat16, dt.float16) is dt.float32


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (dt.bool_, dt.int8),
        (dt.bool_, dt.float32),
        (dt.uint64, dt.int64),
        (dt.uint64, dt.int8),
        (dt.float8_e4m3fn, dt.float8_e5m2),
        (dt.float8_e5m2, dt.float32),
    ],
)
def test_pairs_without_common_dtype_say_both_and_the_way_out(first: dt.DType, second: dt.DType) -> None:
    with pytest.raises(DTypeError, match=rf"no common dtype for {first} and {second}") as caught:
        dt.promote(first, second)
    assert caught.value.fix == "convert one of them with .astype(...)"


@given(st.sampled_from([kind for kind in dt.ALL if kind is not dt.bool_]), NUMBERS)
def test_python_numbers_are_weak(array: dt.DType, number: bool | int | float | complex) -> None:
    common = dt.with_scalar(array, number)
    if dt.takes_scalar(array, number):
        assert common is array
    else:
        assert common in (dt.DEFAULT_FLOATING, dt.DEFAULT_COMPLEX, dt.complex128)
        assert common.kind != array.kind


def test_a_python_number_adds_a_kind_at_the_default_width() -> None:
    assert dt.with_scalar(dt.int64, 2.5) is dt.float32
    assert dt.with_scalar(dt.uint8, -1) is dt.uint8
    assert dt.with_scalar(dt.float16, 1e300) is dt.float16
    assert dt.with_scalar(dt.float16, 1j) is dt.complex64
    assert dt.with_scalar(dt.float64, 1j) is dt.complex128
    assert dt.with_scalar(dt.bool_, True) is dt.bool_
    with pytest.raises(DTypeError, match="a bool array and the Python number 1 have no common dtype"):
        dt.with_scalar(dt.bool_, 1)


def test_a_lone_python_number_has_the_default_dtype_that_holds_it() -> None:
    assert dt.of_scalar(True) is dt.bool_
    assert [dt.of_scalar(n) for n in (2**31 - 1, 2**31, -(2**31), -(2**31) - 1)] == [
        *(dt.int32, dt.int64, dt.int32, dt.int64),
    ]
    assert [dt.of_scalar(n) for n in (2**63 - 1, 2**63)] == [dt.int64, dt.uint64]
    assert (dt.of_scalar(0.5), dt.of_scalar(1j)) == (dt.float32, dt.complex64)


def test_names_are_unique_and_found() -> None:
    assert len({kind.name for kind in dt.ALL}) == len(dt.ALL) == 17
    for kind in dt.ALL:
        assert dt.dtype(kind.name) is kind is dt.dtype(kind)
    with pytest.raises(DTypeError, match="unknown dtype 'float31'") as caught:
        dt.dtype("float31")
    assert "float32" in str(caught.value.expected)


@given(KNOWN)
def test_one_object_for_each_name_even_after_copying(kind: dt.DType) -> None:
    assert pickle.loads(pickle.dumps(kind)) is kind
    assert copy.deepcopy(kind) is kind
    assert copy.copy(kind) is kind


def test_kinds_are_disjoint_but_for_what_can_be_differentiated() -> None:
    for kind in dt.ALL:
        assert [kind is dt.bool_, kind.is_integer, kind.is_floating, kind.is_complex].count(True) == 1
        assert kind.is_differentiable == (kind.is_floating or kind.is_complex)
