"""What becomes an array where a function takes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import use_provider
from dovetail_protocols.boundary import array_for, is_number_list
from dovetail_protocols.metas import CPU


class Array:
    """What the toy below makes: it remembers what it was asked for."""

    def __init__(self, value: Any, dtype: Any) -> None:
        self.value, self.dtype = value, dtype


class Foreign:
    """An array of somebody else's library."""

    def __array__(self) -> Any: ...


class Toy:
    """A tensor package in so far as these tests need one."""

    def is_array(self, value: Any) -> bool:
        return isinstance(value, Array)

    def convert(self, value: Any, dtype: Any, device: Any) -> Array:
        assert device == CPU
        return Array(value, dtype)


@pytest.fixture(autouse=True)
def _toy() -> Iterator[None]:
    before = use_provider(Toy())  # type: ignore[arg-type] # see there
    yield
    use_provider(before)


@pytest.mark.parametrize(
    ("value", "dtype", "wanted"),
    [
        (1, dt.float32, dt.float32),
        (1.5, dt.float32, dt.float32),
        (True, dt.bool_, dt.bool_),
        ([[1], [2]], dt.int8, dt.int8),
        (1.5, dt.int32, None),
        (True, dt.float32, None),
        ([1, 2.5], dt.int32, None),
        (1j, dt.float32, None),
        (Foreign(), dt.float32, None),
    ],
)
def test_numbers_take_the_dtype_where_no_kind_is_lost_and_others_their_own(value: Any, dtype: Any, wanted: Any) -> None:
    array = array_for(value, dtype, CPU)
    assert array is not None
    assert array.dtype is wanted


def test_an_array_is_itself_and_what_has_none_gives_none() -> None:
    array = Array(1, dt.int32)
    assert array_for(array, dt.float32, CPU) is array
    for value in ("1", None, [], [None], ["1"], (1, 2), {1: 2}, object()):
        assert array_for(value, dt.float32, CPU) is None


def test_lists_of_numbers_are_told_from_other_lists() -> None:
    assert is_number_list([1, [2.0, True]])
    for value in ([], [[]], [1, None], [1, (2,)], (1, 2), 1):
        assert not is_number_list(value)
