"""What a Tensor is: attributes, conversions, immutability, copies, representation, threads."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_protocols.errors import ImmutableError, ScalarError, ShapeError


def test_attributes() -> None:
    x = dt.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert (x.shape, x.ndim, x.size, x.itemsize, x.nbytes) == ((2, 3), 2, 6, 4, 24)
    assert x.dtype is dt.float32
    assert str(x.device) == "cpu"
    assert len(x) == 2


def test_python_numbers_take_the_default_dtypes() -> None:
    assert dt.constant(1).dtype is dt.int32
    assert dt.constant(1.5).dtype is dt.float32
    assert dt.constant(True).dtype is dt.bool
    assert dt.constant(1j).dtype is dt.complex64
    assert dt.constant([1, 2.5]).dtype is dt.float32
    assert dt.constant([]).dtype is dt.float32
    assert dt.constant([2**40]).dtype is dt.int64
    assert dt.constant(2**63).dtype is dt.uint64


def test_numpy_arrays_keep_their_dtype() -> None:
    assert dt.constant(np.zeros(2)).dtype is dt.float64
    assert dt.constant([np.float64(1)]).dtype is dt.float64
    assert dt.constant(np.arange(3, dtype=">i4")).tolist() == [0, 1, 2]


def test_constant_copies_so_that_a_tensor_never_changes() -> None:
    source = np.zeros(3, np.float32)
    x = dt.constant(source)
    source[0] = 9
    assert x.tolist() == [0, 0, 0]


def test_numpy_gives_a_read_only_view_and_array_a_copy_to_write_to() -> None:
    x = dt.constant([1.0, 2.0])
    view = x.numpy()
    assert np.shares_memory(view, x.payload)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5
    own = np.array(x)
    own[0] = 5
    assert x.tolist() == [1, 2]


def test_asarray_without_copy_shares_memory_or_refuses() -> None:
    source = np.zeros(3, np.float32)
    assert np.shares_memory(dt.asarray(source, copy=False).payload, source)
    with pytest.raises(ValueError, match="needs a copy"):
        dt.asarray(source, dtype="float64", copy=False)
    with pytest.raises(ValueError, match="without a copy"):
        dt.asarray([1, 2], copy=False)


def test_setting_an_element_is_refused_with_a_way_out() -> None:
    x = dt.constant([1.0, 2.0])
    with pytest.raises(ImmutableError, match="tensor_scatter_nd_update"):
        x[0] = 1


def test_hash_is_identity_and_equality_is_elementwise() -> None:
    x, y = dt.constant([1, 2]), dt.constant([1, 3])
    assert (x == y).tolist() == [True, False]
    assert (x != y).tolist() == [False, True]
    assert len({x, y, x}) == 2
    assert (x == None) is False  # noqa: E711 - what NumPy users write


def test_conversions_to_python_numbers() -> None:
    assert float(dt.constant(2.5)) == 2.5
    assert int(dt.constant(3)) == 3
    assert complex(dt.constant(1j)) == 1j
    assert bool(dt.constant([[True]])) is True
    assert [10, 20, 30][dt.constant(1)] == 20
    assert dt.constant([[7]]).item() == 7
    assert dt.constant([[1, 2]]).item(0, 1) == 2
    assert dt.constant([[1, 2]]).tolist() == [[1, 2]]
    assert f"{dt.constant(2.0):.2f}" == "2.00"


@pytest.mark.parametrize("convert", [float, int, complex])
def test_arrays_with_axes_are_no_numbers(convert: type) -> None:
    with pytest.raises(TypeError, match="0-d"):
        convert(dt.constant([1.0]))


def test_truth_of_several_elements_is_ambiguous() -> None:
    with pytest.raises(ShapeError, match="ambiguous"):
        bool(dt.constant([1, 2]))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(dt.constant([]))


def test_a_floating_tensor_is_no_index() -> None:
    with pytest.raises(TypeError, match="no index"):
        [1, 2][dt.constant(1.0)]


def test_zero_d_has_no_length_and_no_items() -> None:
    with pytest.raises(ScalarError, match="len"):
        len(dt.constant(1))
    with pytest.raises(TypeError, match="iterated"):
        iter(dt.constant(1))


def test_iteration_goes_over_the_first_axis() -> None:
    assert [row.tolist() for row in dt.constant([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert 3 in dt.constant([1, 3])
    assert 5 not in dt.constant([1, 3])


def test_repr_shows_values_shape_and_dtype() -> None:
    assert repr(dt.constant([[1.0, 2.0], [3.0, 4.0]])) == (
        "Tensor([[1., 2.],\n        [3., 4.]], shape=(2, 2), dtype=float32)"
    )
    assert repr(dt.constant(3)) == "Tensor(3, shape=(), dtype=int32)"


def test_pickle_and_copies() -> None:
    for x in (dt.constant([1.5, 2.5]), dt.constant(1, "uint8"), dt.cast(dt.constant([1.5]), "bfloat16")):
        restored = pickle.loads(pickle.dumps(x))
        assert restored.dtype is x.dtype
        assert restored.shape == x.shape
        assert restored.tolist() == x.tolist()
        assert copy.copy(x) is x
        assert copy.deepcopy(x) is x
        assert x.copy() is x


def test_constructor_and_subclassing_are_refused() -> None:
    with pytest.raises(TypeError, match="constant"):
        dt.Tensor()
    with pytest.raises(TypeError, match="subclassed"):
        type("Sub", (dt.Tensor,), {})


def test_methods_apply_the_operations_of_their_names() -> None:
    values = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], np.float32)
    x = dt.constant(values)
    pairs = [
        (x.T, values.T),
        (x.mT, values.T),
        (x.sum(), values.sum()),
        (x.sum(axis=0, keepdims=True), values.sum(axis=0, keepdims=True)),
        (x.mean(1), values.mean(1)),
        (x.max(), values.max()),
        (x.min(axis=-1), values.min(axis=-1)),
        (x.prod(), values.prod()),
        (x.var(), values.var()),
        (x.std(0), values.std(0)),
        (x.argmax(axis=1), values.argmax(axis=1)),
        (x.argmin(), values.argmin()),
        ((x > 0).any(axis=0), (values > 0).any(axis=0)),
        ((x > 0).all(), (values > 0).all()),
        (x.reshape(3, 2), values.reshape(3, 2)),
        (x.reshape((-1,)), values.reshape(-1)),
        (x.flatten(), values.flatten()),
        (x.transpose(1, 0), values.transpose(1, 0)),
        (x.transpose(), values.transpose()),
        (x.clip(-1, 2), values.clip(-1, 2)),
        (x.round(), values.round()),
        (x.astype("int32"), values.astype("int32")),
        (x.real, values.real),
        (x.reshape(1, 6).squeeze(), values.reshape(6)),
        (x.repeat(2, axis=0), values.repeat(2, axis=0)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6)


def test_narrow_integers_are_summed_in_the_default_integer() -> None:
    narrow = dt.constant([100, 100], "int8")
    for total in (narrow.sum(), dt.sum(narrow), dt.Variable(narrow).sum()):
        assert (total.item(), total.dtype) == (200, dt.int32)
    assert dt.constant([200, 200], "uint8").sum().dtype is dt.uint32
    assert narrow.prod(dtype="int64").item() == 10_000


def test_transpose_of_other_ranks_needs_mT() -> None:
    with pytest.raises(ShapeError, match="mT"):
        _ = dt.zeros((2, 3, 4)).T


def test_tensors_can_be_used_from_many_threads() -> None:
    x = dt.arange(64, dtype="float32")

    def work(seed: int) -> float:
        total = x
        for _ in range(50):
            total = dt.tanh(total * 0.5 + seed) - x[::-1] / 64
        return float(dt.sum(total))

    alone = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == alone
