"""`x[key]` against NumPy: eagerly, and in operations as a tape or tracer sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail_tensors as dt
from dovetail_protocols.errors import IndexRangeError, TraceError
from dovetail_protocols.tracing import trace
from dovetail_tensors.indexing import _Selection

SHAPE = (4, 3, 5, 2)
VALUES = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.float32)
MASK = np.array([[True, False, True], [False, False, True], [True, True, True], [False, False, False]])

ENTRIES = [
    *(0, -1, 2, np.int64(1)),
    *(
        slice(None),
        slice(1, 3),
        slice(None, None, -1),
        slice(-1, 0, -2),
        slice(2, 2),
        slice(5, -9, -1),
        slice(None, 99),
    ),
    *(None, Ellipsis, True, False),
    *([0, 1], [[0, 1], [-1, 0]], np.array([1]), np.array(1), [], np.array([0, 1], np.uint8)),
    *(MASK, MASK[0], np.zeros(3, bool)),
]


def routes(key: Any) -> list[Any]:
    """The part of VALUES that the key names, by `x[key]` and by operations alone."""
    x = dt.constant(VALUES)
    return [x[key], _Selection(x, key if type(key) is tuple else (key,)).result()]


@given(key=st.lists(st.sampled_from(ENTRIES), max_size=5).map(tuple))
def test_any_key_gives_what_numpy_gives(key: tuple[Any, ...]) -> None:
    try:
        expected = VALUES[key]
    except IndexError:
        # NumPy looks at indices even where an empty axis leaves nothing to take.
        if VALUES.size and not any(isinstance(entry, slice) and VALUES[:, :, :, 0][entry].size == 0 for entry in key):
            with pytest.raises(IndexError):
                routes(key)
        return
    for result in routes(key):
        assert result.shape == expected.shape
        np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize(
    "key",
    [
        0,
        (slice(None), 0),
        (0, slice(None), [1, 2]),
        ([0, 1], slice(None), [1, 2]),
        (slice(None), [0, 1], [1, 2]),
        (slice(None), MASK.T[:, 0], 0),
        MASK,
        (MASK, 0),
        (..., [1, 0]),
        (None, [[0], [1]], ..., None),
        ([[0], [1]], [0, 2], ..., 1),
        (np.array(1), ..., [0], 0),
    ],
    ids=repr,
)
def test_chosen_keys(key: Any) -> None:
    for result in routes(key):
        np.testing.assert_array_equal(result.numpy(), VALUES[key])


def test_tensors_and_variables_are_indices() -> None:
    x = dt.constant(VALUES)
    assert (x[dt.constant([1, 0])].numpy() == VALUES[[1, 0]]).all()
    assert (x[dt.Variable(1)].numpy() == VALUES[1]).all()
    assert (x[dt.constant(MASK)].numpy() == VALUES[MASK]).all()
    assert (x[dt.constant(1) : dt.constant(3)].numpy() == VALUES[1:3]).all()
    assert (dt.constant([3.0, -1.0])[dt.constant([3.0, -1.0]) > 0].tolist()) == [3]


def test_basic_indexing_is_a_view() -> None:
    x = dt.constant(VALUES)
    assert np.shares_memory(x[1:, ::-1].payload, x.payload)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (4, "index 4 is out of range for axis 0 of size 4"),
        ((0, -4), "index -4 is out of range for axis 1 of size 3"),
        ((0, 0, 0, 0, 0), "too many indices"),
        ((..., ...), r"more than one \.\.\."),
        (np.zeros((4, 2), bool), "mask doesn't cover"),
        (1.0, "indexed by ints"),
        (dt.constant([1.0]), "indexed by ints"),
        (([0, 1], [0, 1, 2]), "do not broadcast"),
        ([4], "4"),
    ],
    ids=repr,
)
def test_bad_keys_raise_index_errors_that_say_why(key: Any, message: str) -> None:
    with pytest.raises(IndexRangeError, match=message):
        dt.constant(VALUES)[key]


def test_slice_with_step_zero() -> None:
    with pytest.raises(ValueError, match="step 0"):
        dt.constant(VALUES)[::0]


def test_indexing_can_be_traced() -> None:
    traced = trace(lambda x: [x[1, ::-1, [0, 2], None], x[..., 0], x[dt.constant(MASK)]], [dt.constant(VALUES).meta])
    assert [value.meta.shape for value in traced.graph.outputs] == [
        VALUES[1, ::-1, [0, 2], None].shape,
        VALUES[..., 0].shape,
        VALUES[MASK].shape,
    ]


def test_a_traced_index_gathers() -> None:
    x = dt.constant(VALUES)
    traced = trace(lambda x, place: [x[place], x[:, place]], [x.meta, dt.constant(1).meta])
    assert [value.meta.shape for value in traced.graph.outputs] == [SHAPE[1:], (4, 5, 2)]


def test_a_traced_mask_is_refused() -> None:
    with pytest.raises(TraceError, match="depends on the values"):
        trace(lambda x: [x[x > 0]], [dt.constant(VALUES).meta])


def test_empty_and_0d() -> None:
    assert dt.constant(5)[()].item() == 5
    assert dt.constant(5)[None].shape == (1,)
    assert dt.constant(5)[...].shape == ()
    assert dt.zeros((0, 3))[:, 1].shape == (0,)
    with pytest.raises(IndexError):
        dt.zeros((0, 3))[0]
