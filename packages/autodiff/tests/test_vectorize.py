"""vmap: axes, rules, decompositions, the loop, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import vmap
from dovetail_autodiff.batcher import Batcher
from dovetail_autodiff.extend import BATCHERS
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import (
    ConcretizationError,
    LeakedTensorError,
    ShapeError,
    SignatureError,
    StructureError,
    TraceError,
)
from dovetail_tensors import Variable, constant

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_each_example_is_seen_without_the_batch_axis() -> None:
    shapes = []

    def function(x: Any) -> Any:
        shapes.append((x.shape, x.dtype.name))
        return ops.sum(x)

    np.testing.assert_allclose(vmap(function)(constant(MATRIX)).numpy(), [3.0, 12.0])
    assert shapes == [((3,), "float32")]


def test_in_axes_for_each_argument() -> None:
    x, y = constant(MATRIX), constant([1.0, 10.0])
    result = vmap(lambda x, y: x * y, in_axes=(1, None))(x, y)
    np.testing.assert_allclose(result.numpy(), MATRIX.T * [1.0, 10.0])


def test_negative_in_axes_and_out_axes() -> None:
    result = vmap(lambda x: x * 2.0, in_axes=-1, out_axes=-1)(constant(MATRIX))
    np.testing.assert_allclose(result.numpy(), MATRIX * 2)


def test_axes_may_be_nested_or_stand_for_whole_branches() -> None:
    arguments = {"x": constant(MATRIX), "rest": [constant([1.0, 2.0, 3.0]), constant(MATRIX.T)]}

    def function(p: Any) -> Any:
        return {"dot": ops.sum(p["x"] * p["rest"][0]), "both": (p["x"] + p["rest"][1], p["rest"][0])}

    in_axes = ({"x": 0, "rest": [None, 1]},)
    result = vmap(function, in_axes=in_axes, out_axes={"dot": 0, "both": (1, None)})(arguments)
    np.testing.assert_allclose(result["dot"].numpy(), MATRIX @ [1, 2, 3])
    np.testing.assert_allclose(result["both"][0].numpy(), (2 * MATRIX).T)
    np.testing.assert_allclose(result["both"][1].numpy(), [1.0, 2.0, 3.0])


def test_a_result_that_does_not_depend_on_the_example_is_repeated() -> None:
    result = vmap(lambda x: constant([1.0, 2.0]))(constant(MATRIX))
    np.testing.assert_allclose(result.numpy(), [[1.0, 2.0], [1.0, 2.0]])


def test_arguments_that_are_no_arrays_pass_with_axis_none() -> None:
    result = vmap(lambda x, how: x * 2.0 if how == "twice" else x, in_axes=(0, None))(constant(MATRIX), "twice")
    np.testing.assert_allclose(result.numpy(), MATRIX * 2)


def test_keywords_are_the_same_for_every_example() -> None:
    result = vmap(lambda x, *, y: x + y)(constant(MATRIX), y=constant([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(result.numpy(), MATRIX + np.array([1, 2, 3]))


def test_vmap_of_vmap() -> None:
    x, y = constant([1.0, 2.0, 3.0]), constant([10.0, 20.0])
    table = vmap(vmap(lambda a, b: a * b, in_axes=(None, 0)), in_axes=(0, None))(x, y)
    np.testing.assert_allclose(table.numpy(), np.outer([1, 2, 3], [10, 20]))


def test_variables_are_read_once_for_all_examples() -> None:
    variable = Variable([1.0, 2.0, 3.0])
    np.testing.assert_allclose(vmap(lambda x: x * variable.read_value())(constant(MATRIX)).numpy(), MATRIX * [1, 2, 3])


def test_a_composite_without_rule_runs_its_decomposition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BATCHERS, ops.softmax, raising=False)
    result = vmap(lambda x: ops.softmax(x, axis=0))(constant(MATRIX)).numpy()
    np.testing.assert_allclose(result, np.exp(MATRIX) / np.exp(MATRIX).sum(1, keepdims=True), rtol=1e-6)


def test_a_primitive_without_rule_runs_once_for_each_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BATCHERS, ops.matmul, raising=False)
    batcher = Batcher(2, None)
    left, right = np.random.default_rng(0).normal(size=(2, 2, 3, 4)).astype(np.float32)
    with interpreting(batcher):
        product = ops.matmul(batcher.wrap(constant(left)), ops.matrix_transpose(batcher.wrap(constant(right))))
    assert ops.matmul in batcher.looped
    np.testing.assert_allclose(batcher.unwrap(product)[0].numpy(), left @ right.swapaxes(1, 2), rtol=1e-5)


def test_a_batch_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BATCHERS, ops.matmul, raising=False)
    result = vmap(lambda x: ops.matmul(x, constant(MATRIX.T)))(constant(np.zeros((0, 3), np.float32)))
    assert result.shape == (0, 2)


def test_errors_speak_of_one_example() -> None:
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        vmap(lambda x: ops.matmul(x, constant([[1.0, 2.0]])))(constant(MATRIX))


# ---------------------------------------------------------------------- refusals


def test_a_leaked_tensor_is_refused() -> None:
    kept: list[Any] = []
    vmap(lambda x: kept.append(x * 2.0) or x)(constant(MATRIX))
    for use in (lambda: kept[0] + 1.0, lambda: kept[0].numpy()):
        with pytest.raises(LeakedTensorError, match="made inside vmap is used outside") as caught:
            use()
        assert "test_vectorize.py" in str(caught.value)


def test_a_tensor_leaked_by_a_body_that_raises_is_refused() -> None:
    kept: list[Any] = []

    def function(x: Any) -> Any:
        kept.append(x)
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        vmap(function)(constant(MATRIX))
    assert current() is None
    with pytest.raises(LeakedTensorError):
        kept[0] * 2.0


def test_the_value_of_an_example_is_not_known() -> None:
    with pytest.raises(ConcretizationError, match="stands for 2 examples at once"):
        vmap(lambda x: x if ops.sum(x) > 0 else -x)(constant(MATRIX))


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError) as caught:
        vmap(lambda x, y: x)(constant(MATRIX), constant([1.0, 2.0, 3.0]))
    assert "argument [0]: 2, argument [1]: 3" in str(caught.value)


def test_axes_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"argument \[0\], in_axes of vmap"):
        vmap(lambda x: x, in_axes=2)(constant(MATRIX))
    with pytest.raises(ShapeError, match="the array is 0-d"):
        vmap(lambda x: x)(constant(1.0))
    with pytest.raises(ShapeError, match="out_axes"):
        vmap(lambda x: x, out_axes=2)(constant(MATRIX))


def test_axes_that_do_not_fit_the_structure_are_refused() -> None:
    with pytest.raises(SignatureError, match="a tuple of 1"):
        vmap(lambda x: x, in_axes=(0, 0))(constant(MATRIX))
    with pytest.raises(StructureError, match="in_axes of vmap"):
        vmap(lambda x: x, in_axes=({"a": 0},))(constant(MATRIX))


def test_nothing_batched_is_refused() -> None:
    with pytest.raises(SignatureError, match="no argument is batched"):
        vmap(lambda x: x, in_axes=None)(constant(MATRIX))


def test_out_axes_none_is_refused_for_a_batched_result() -> None:
    with pytest.raises(ShapeError, match="depends on the example"):
        vmap(lambda x: x, out_axes=None)(constant(MATRIX))


def test_a_variable_cannot_take_a_value_for_each_example() -> None:
    variable = Variable([0.0, 0.0, 0.0], name="running_mean")
    with pytest.raises(TraceError, match="'running_mean', inside vmap"):
        vmap(lambda x: variable.assign(x))(constant(MATRIX))
    np.testing.assert_array_equal(variable.numpy(), [0.0, 0.0, 0.0])


def test_a_result_whose_size_depends_on_values_is_refused() -> None:
    with pytest.raises(TraceError, match="depends on the values"):
        vmap(ops.nonzero)(constant(MATRIX))
