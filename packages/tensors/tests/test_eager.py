"""Eager evaluation: binding once, errors, layouts, debug mode, tables that are emptied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import selection
from dovetail_protocols.errors import KernelError, LeakedTensorError, ShapeError
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.selection import Candidate, Decision, Selection
from dovetail_protocols.tracing import trace
from dovetail_tensors import bound_calls, eager, operators

X = dt.constant([1.0, 2.0, 3.0])


@pytest.fixture
def replace(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`replace(kernel, binding=…, layouts=…)`: lets a kernel stand in for `negative`, counting its bindings."""

    def put(kernel: Any, **declared: Any) -> list[Any]:
        bound: list[Any] = []
        spec = KernelSpec(id="negative", operation="dovetail::negative", implementation="none:none", **declared)
        chosen = Candidate("acme", "acme-kernels", spec)
        real = selection.select

        def select(operation: Any, metas: Any, attributes: Any) -> Selection:
            if operation is not ops.negative:
                return real(operation, metas, attributes)
            operation.infer(metas, attributes)
            bound.append(metas)
            return Selection(kernel, chosen, (Decision(chosen, None),))

        monkeypatch.setattr(selection, "select", select)
        eager.forget()
        return bound

    yield put
    eager.forget()


def test_a_per_dtype_kernel_is_bound_once_for_all_shapes(replace: Any) -> None:
    bound = replace(np.negative, binding="per_dtype")
    for shape in ((3,), (2, 2), ()):
        assert (-dt.ones(shape)).shape == shape
        assert ops.negative(dt.ones(shape)).shape == shape
    assert len(bound) == 1


def test_a_per_shape_kernel_is_bound_for_each_shape(replace: Any) -> None:
    bound = replace(np.negative)
    for shape in ((3,), (3,), (2, 2), (3,)):
        assert (-dt.ones(shape)).tolist() == (-np.ones(shape)).tolist()
    assert [metas[0].shape for metas in bound] == [(3,), (3,), (2, 2)]  # once to learn of the binding


def test_forgetting_selections_empties_every_table(replace: Any) -> None:
    bound = replace(np.negative, binding="per_dtype")
    _ = -X
    selection.forget()
    _ = -X
    assert len(bound) == 2


def test_a_kernel_of_contiguous_layout_gets_contiguous_buffers(replace: Any) -> None:
    seen: list[bool] = []

    def kernel(x: Any) -> Any:
        seen.append(x.flags.c_contiguous)
        return np.negative(x)

    replace(kernel, binding="per_dtype", layouts=frozenset({"contiguous"}))
    x = dt.reshape(dt.arange(6.0), (2, 3))
    assert (-x.T).tolist() == (-x.numpy().T).tolist()
    assert (-x[:, ::2]).tolist() == (-x.numpy()[:, ::2]).tolist()
    assert seen == [True, True]


def test_a_kernel_that_fails_is_named_with_its_cause(replace: Any) -> None:
    def kernel(x: Any) -> Any:
        raise RuntimeError("boom")

    replace(kernel, binding="per_dtype")
    with pytest.raises(KernelError, match=r"acme/negative failed for negative\(float32\[3\]\)[\s\S]*boom"):
        _ = -X


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: np.negative(x)[:2], r"declared \(3,\) float32[\s\S]*gave \(2,\) float32"),
        (lambda x: np.negative(x).astype(np.float64), r"declared \(3,\) float32[\s\S]*gave \(3,\) float64"),
    ],
)
def test_debug_mode_compares_results_with_what_is_declared(
    replace: Any, monkeypatch: pytest.MonkeyPatch, wrong: Any, message: str
) -> None:
    replace(wrong, binding="per_dtype")
    monkeypatch.setenv("DOVETAIL_DEBUG", "1")
    with pytest.raises(KernelError, match=rf"acme/negative[\s\S]*{message}"):
        _ = -X


def test_debug_mode_lets_right_results_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    eager.forget()
    monkeypatch.setenv("DOVETAIL_DEBUG", "1")
    try:
        assert dt.nonzero(X > 1)[0].tolist() == [1, 2]
        assert dt.split(X, 3)[0].tolist() == [1]
        assert dt.sum(X).item() == 6
    finally:
        eager.forget()


def test_invalid_shapes_get_the_rule_s_message_also_from_bound_kernels() -> None:
    for _ in range(2):
        with pytest.raises(ShapeError, match="the inner axes differ"):
            dt.matmul(dt.ones((2, 3)), dt.ones((2, 3)))
        dt.matmul(dt.ones((2, 3)), dt.ones((3, 2)))


def test_a_composite_checks_every_shape() -> None:
    for _ in range(2):
        assert dt.linalg.cross(dt.ones((3,)), dt.ones((3,))).tolist() == [0, 0, 0]
        with pytest.raises(ShapeError):
            dt.linalg.cross(dt.ones((4,)), dt.ones((4,)))


def test_attributes_that_python_calls_equal_are_kept_apart() -> None:
    key = bound_calls.attribute_key
    assert key((0.0,)) != key((-0.0,))
    assert key((1,)) != key((1.0,)) != key((True,))
    assert key(((1.0, 0.0),)) != key(((1.0, -0.0),))
    assert key((float("nan"),)) == key((float("nan"),))
    assert key(((1, 2), "a", None)) == key(((1, 2), "a", None))


def test_a_leaked_traced_tensor_is_refused() -> None:
    leaked: list[Any] = []
    trace(lambda x: leaked.append(x) or [x], [X.meta])
    for use in (lambda x: x + x, lambda x: x + 1.0, lambda x: -x, dt.exp, lambda x: x[0], lambda x: x.numpy(), repr):
        if use is repr:
            assert "traced" in repr(leaked[0])
            continue
        with pytest.raises(LeakedTensorError):
            use(leaked[0])


def test_bound_calls_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound_calls, "TABLE_LIMIT", 10)
    eager.forget()
    for stop in range(1, 30):
        ops.slice(dt.zeros((40,)), starts=(0,), stops=(stop,))
    assert all(len(tables.bound) <= 10 for tables in bound_calls._tables.values())


def test_keyword_operands_and_repeated_ones() -> None:
    assert ops.add(x1=1, x2=2).item() == 3
    with pytest.raises(TypeError, match="x1 twice"):
        ops.add(X, X, x1=X)


def test_quick_tables_hold_only_kernels_that_serve_every_shape() -> None:
    eager.forget()
    _ = X + X
    assert list(operators.tables[ops.add]) == [X._signature]
