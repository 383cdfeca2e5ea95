"""TensorArray: functional writes, stacking, traced indices."""

from __future__ import annotations

import pytest

import dovetail_tensors as dt
from dovetail_protocols.errors import UninitializedError
from dovetail_protocols.tracing import trace


def test_write_returns_the_array_and_leaves_the_old_one() -> None:
    empty = dt.TensorArray("float32", size=3, element_shape=(2,))
    written = empty.write(1, [1.0, 2.0]).write(dt.constant(2), dt.constant([3.0, 4.0]))
    assert empty.stack().tolist() == [[0, 0], [0, 0], [0, 0]]
    assert written.stack().tolist() == [[0, 0], [1, 2], [3, 4]]
    assert written.read(2).tolist() == [3, 4]
    assert (len(written), written.size().item(), written.element_shape) == (3, 3, (2,))


def test_shape_comes_from_the_first_write() -> None:
    array = dt.TensorArray(dt.int32, size=2)
    with pytest.raises(UninitializedError, match="element_shape"):
        array.stack()
    assert array.write(0, 5).stack().tolist() == [5, 0]


def test_dynamic_size_grows_and_fixed_size_refuses() -> None:
    assert dt.TensorArray("int32", dynamic_size=True).write(0, 1).write(3, 2).stack().tolist() == [1, 0, 0, 2]
    with pytest.raises(IndexError, match="dynamic_size"):
        dt.TensorArray("int32", size=1).write(1, 1)
    with pytest.raises(IndexError, match="-1"):
        dt.TensorArray("int32", size=1).write(-1, 1)


def test_unstack_gather_scatter_concat() -> None:
    array = dt.TensorArray("float32").unstack([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert array.gather([2, 0]).tolist() == [[5, 6], [1, 2]]
    assert array.scatter([0], [[9.0, 9.0]]).stack().tolist()[0] == [9, 9]
    assert array.concat().tolist() == [1, 2, 3, 4, 5, 6]
    assert repr(array) == "TensorArray(float32, size=3, element_shape=(2,))"


def test_traced_index() -> None:
    def step(place: dt.Tensor) -> list[dt.Tensor]:
        return [dt.TensorArray("float32", size=4, element_shape=(2,)).write(place, [1.0, 2.0]).stack()]

    traced = trace(step, [dt.constant(1).meta])
    assert traced.graph.outputs[0].meta.shape == (4, 2)
