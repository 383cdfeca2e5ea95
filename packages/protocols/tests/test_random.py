"""What the random operations accept, and the metas they give."""

from __future__ import annotations

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError
from dovetail_protocols.metas import TensorMeta

STATE = TensorMeta((3,), dt.uint64)


def test_random_bits_draws_the_asked_shape_for_each_state_of_a_batch() -> None:
    attributes = {"shape": (4, 2), "dtype": dt.uint32}
    assert ops.random_bits.infer((STATE,), attributes) == TensorMeta((4, 2), dt.uint32)
    batch = TensorMeta((5, 3), dt.uint64)
    assert ops.random_bits.infer((batch,), attributes) == TensorMeta((5, 4, 2), dt.uint32)


@pytest.mark.parametrize("shape", [(), (2,), (3, 2)])
def test_random_bits_rejects_what_is_no_state(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="counter low, counter high, key"):
        ops.random_bits.infer((TensorMeta(shape, dt.uint64),), {"shape": (4,), "dtype": dt.uint32})


def test_random_bits_rejects_other_dtypes() -> None:
    with pytest.raises(DTypeError, match="uint8, uint16, uint32, uint64"):
        ops.random_bits.infer((STATE,), {"shape": (4,), "dtype": dt.int32})
    with pytest.raises(DTypeError, match="uint64"):
        ops.random_bits.infer((TensorMeta((3,), dt.uint32),), {"shape": (4,), "dtype": dt.uint32})


def test_random_bits_rejects_a_negative_size_and_what_is_no_shape() -> None:
    with pytest.raises(AttributeValueError, match="at least 0"):
        ops.random_bits.infer((STATE,), {"shape": (4, -1), "dtype": dt.uint32})
    with pytest.raises(AttributeValueError, match="an int"):
        ops.random_bits.infer((STATE,), {"shape": (4.0,), "dtype": dt.uint32})


def test_random_advance_keeps_the_meta_and_wants_an_int() -> None:
    assert ops.random_advance.infer((STATE,), {"blocks": -7}) == STATE
    with pytest.raises(AttributeValueError, match="blocks"):
        ops.random_advance.infer((STATE,), {"blocks": 1.5})


def test_random_split_adds_an_axis_of_children() -> None:
    assert ops.random_split.infer((TensorMeta((2, 3), dt.uint64),), {"count": 4}) == TensorMeta((2, 4, 3), dt.uint64)
    with pytest.raises(AttributeValueError, match="count"):
        ops.random_split.infer((STATE,), {"count": -1})


def test_random_fold_in_broadcasts_states_and_numbers() -> None:
    states, numbers = TensorMeta((4, 1, 3), dt.uint64), TensorMeta((5,), dt.int32)
    assert ops.random_fold_in.infer((states, numbers), {}) == TensorMeta((4, 5, 3), dt.uint64)
    with pytest.raises(ShapeError, match="broadcast"):
        ops.random_fold_in.infer((TensorMeta((4, 3), dt.uint64), numbers), {})
