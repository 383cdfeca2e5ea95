"""Parts of tensors: what NumPy would pick, whatever the chunks that are read for it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_checkpointing import Reader, open, save
from dovetail_protocols.errors import IndexRangeError

SHAPES = [(), (0,), (7,), (5, 4), (3, 0, 2), (4, 3, 5), (2, 3, 2, 4)]
VALUES = {f"x{rank}": np.arange(np.prod(shape), dtype=np.int32).reshape(shape) for rank, shape in enumerate(SHAPES)}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A checkpoint in chunks of 64 bytes, so that small tensors have several."""
    path = tmp_path_factory.mktemp("reading") / "c"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("manifest", "manifest_reader", "extents", "reading", "writing", "file_damage"):
            module = import_module(f"dovetail_checkpointing.{name}")
            if hasattr(module, "CHUNK_BYTES"):
                patch.setattr(module, "CHUNK_BYTES", 64)
        save(path, VALUES)
        with open(path) as opened:
            yield opened


def one_index(size: int) -> st.SearchStrategy[Any]:
    bounds = st.none() | st.integers(-size - 2, size + 2)
    part = st.builds(slice, bounds, bounds, st.none() | st.integers(1, 4))
    return part | st.integers(-size, size - 1) if size else part


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_part_is_what_numpy_picks(reader: Reader, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(VALUES)))
    array = VALUES[name]
    index = [data.draw(one_index(size)) for size in array.shape[: data.draw(st.integers(0, array.ndim))]]
    if data.draw(st.booleans()):
        index.insert(data.draw(st.integers(0, len(index))), Ellipsis)
        index = index if len(index) <= array.ndim else index[: array.ndim]
    wanted = tuple(index)
    try:
        expected = array[wanted]
    except IndexError:
        with pytest.raises(IndexRangeError):
            reader.read(name, wanted)
        return
    got = reader.read(name, wanted)
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (9, "out of range"),
        ((0, 0, 0), "too many indices"),
        ((..., ...), "too many indices"),
        (slice(None, None, -1), "backwards"),
        ("a", "no index"),
        (None, "no index"),
        (True, "no index"),
    ],
)
def test_what_is_no_index_is_refused(reader: Reader, index: Any, text: str) -> None:
    with pytest.raises(IndexRangeError, match=text):
        reader.read("x3", index)
