"""Variables: reading, assigning, scattering, refusing, copying."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_protocols import creation
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import ConcretizationError, DTypeError, ImmutableError, ShapeError, TraceError
from dovetail_protocols.roles import VariableLike
from dovetail_protocols.tracing import trace


def test_dtype_and_shape_come_from_the_value() -> None:
    v = dt.Variable([[1, 2], [3, 4]])
    assert (v.shape, v.dtype, v.ndim, v.size) == ((2, 2), dt.int32, 2, 4)
    assert dt.Variable(1, dtype="float64").dtype is dt.float64
    assert dt.Variable(lambda: dt.ones((2,))).tolist() == [1, 1]
    assert isinstance(v, VariableLike)


def test_reads_as_a_tensor_everywhere() -> None:
    v = dt.Variable([1.0, 2.0, 3.0])
    t = dt.constant([1.0, 2.0, 3.0])
    pairs = [
        (v + v, t + t),
        (v * 2, t * 2),
        (2 / v, 2 / t),
        (t - v, t - t),
        (np.ones(3, np.float32) * v, t),
        (-v, -t),
        (abs(v), t),
        (v < 2, t < 2),
        (v == t, t == t),
        (v[1:], t[1:]),
        (dt.exp(v), dt.exp(t)),
        (dt.maximum(v, t), t),
        (dt.sum(v), dt.sum(t)),
        (v.mean(), t.mean()),
        (v.reshape(3, 1) @ dt.reshape(v, (1, 3)), t.reshape(3, 1) @ t.reshape(1, 3)),
        (dt.constant(v), t),
        (dt.stack([v, v]), dt.stack([t, t])),
        (round(v), t),
        (v.T if v.ndim == 2 else v, t),
    ]
    for ours, expected in pairs:
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(expected))
    assert not isinstance(v + v, dt.Variable)
    assert not isinstance(dt.reshape(v, (3, 1)), dt.Variable)
    assert float(dt.Variable(2.5)) == 2.5
    assert [4, 5][dt.Variable(1)] == 5
    assert len(v) == 3
    assert [float(x) for x in v] == [1, 2, 3]


def test_assignments_change_it_in_place() -> None:
    v = dt.Variable([1.0, 2.0])
    assert v.assign([3, 4]).tolist() == [3, 4]
    assert v.assign_add([1, 1]).tolist() == [4, 5]
    assert v.assign_sub(dt.constant([1.0, 2.0])).tolist() == [3, 3]
    assert v.tolist() == [3, 3]
    v.assign(v + 1)
    v.assign(np.array([0.5, 0.25]))
    assert v.tolist() == [0.5, 0.25]
    v.assign(dt.Variable([7.0, 8.0]))
    assert v.tolist() == [7, 8]


def test_a_tensor_read_earlier_never_changes() -> None:
    v = dt.Variable([1.0, 2.0])
    read, part, host = v.read_value(), v[:1], v.numpy()
    v.assign([8.0, 9.0])
    v.scatter_add([0], [1.0])
    assert (read.tolist(), part.tolist(), host.tolist()) == ([1, 2], [1], [1, 2])


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([1.0, 2.0, 3.0], ShapeError, "shape differs"),
        (dt.constant([1, 2]), DTypeError, "dtype differs"),
        (dt.constant([1.0, 2.0], "float64"), DTypeError, "dtype differs"),
        (np.array([1j, 2j]), DTypeError, "dtype differs"),
        ([1j, 2j], DTypeError, "don't fit float32"),
        ("text", DTypeError, "can't be made a tensor"),
    ],
)
def test_a_refused_assignment_changes_nothing(value: Any, error: type[Exception], message: str) -> None:
    v = dt.Variable([1.0, 2.0])
    for assign in (v.assign, v.assign_add):
        with pytest.raises((error, ShapeError, DTypeError)):
            assign(value)
        assert v.tolist() == [1, 2]
    with pytest.raises(error, match=message):
        v.assign(value)


def test_floats_do_not_enter_an_integer_variable() -> None:
    v = dt.Variable([1, 2])
    with pytest.raises(DTypeError, match="don't fit int32"):
        v.assign([1.5, 2.5])
    v.assign([3, 4])
    assert v.tolist() == [3, 4]


def test_scatter_forms() -> None:
    v = dt.Variable([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    assert v.scatter_update([2, 0], [[9, 9], [8, 8]]).tolist() == [[8, 8], [2, 2], [9, 9]]
    assert v.scatter_add([1, 1], [[1, 1], [1, 1]]).tolist() == [[8, 8], [4, 4], [9, 9]]
    assert v.scatter_sub([1], [[4, 3]]).tolist() == [[8, 8], [0, 1], [9, 9]]
    assert v.scatter_min([0], [[5, 9]]).tolist() == [[5, 8], [0, 1], [9, 9]]
    assert v.scatter_max([0], [[6, 9]]).tolist() == [[6, 9], [0, 1], [9, 9]]
    assert v.scatter_nd_update([[0, 1]], [7]).tolist() == [[6, 7], [0, 1], [9, 9]]
    assert v.scatter_nd_add([[0, 1], [0, 1]], [1, 1]).tolist() == [[6, 9], [0, 1], [9, 9]]
    assert v.scatter_nd_sub([[1]], [[1, 1]]).tolist() == [[6, 9], [-1, 0], [9, 9]]
    assert v.sparse_read([2, 1]).tolist() == [[9, 9], [-1, 0]]
    assert v.gather_nd([[0, 1]]).tolist() == [9]
    with pytest.raises(IndexError):
        v.scatter_add([3], [[1, 1]])
    assert v.tolist() == [[6, 9], [-1, 0], [9, 9]]


def test_setting_a_part_is_refused_with_a_way_out() -> None:
    with pytest.raises(ImmutableError, match="scatter_update"):
        dt.Variable([1.0])[0] = 2


def test_names_may_be_shared_and_identity_counts() -> None:
    first, second = dt.Variable(1.0, name="w"), dt.Variable(1.0, name="w")
    assert first.name == second.name == "w"
    assert len({first, second, first}) == 2
    assert (first == second).item() is True
    assert first is not second
    assert dt.Variable(1.0).trainable
    assert not dt.Variable(1.0, trainable=False).trainable


def test_copies_are_independent() -> None:
    v = dt.Variable([1.0], name="w", trainable=False)
    memo: dict[int, Any] = {}
    copies = [copy.copy(v), copy.deepcopy(v, memo), pickle.loads(pickle.dumps(v)), dt.Variable(v)]
    v.assign([2.0])
    for other in copies:
        assert other.tolist() == [1]
    for other in copies[:3]:
        assert (other.name, other.trainable, other.dtype) == ("w", False, dt.float32)
    assert memo[id(v)] is copies[1]
    shared = copy.deepcopy({"a": v, "b": v})
    assert shared["a"] is shared["b"]


def test_variable_does_not_alias_the_array_it_was_made_from() -> None:
    source = np.zeros(2, np.float32)
    v = dt.Variable(source)
    source[0] = 5
    assert v.tolist() == [0, 0]


def test_repr() -> None:
    assert repr(dt.Variable([1.0], name="w")) == "Variable([1.], shape=(1,), dtype=float32, name='w')"
    assert "trainable=False" in repr(dt.Variable([1.0], trainable=False))


def test_subclassing_is_refused() -> None:
    with pytest.raises(TypeError, match="VariableLike"):
        type("Sub", (dt.Variable,), {})


def test_a_trace_reads_and_assigns_through_operations() -> None:
    v = dt.Variable([1.0, 2.0])

    def step(x: dt.Tensor) -> list[Any]:
        v.assign_add(x)
        return [v * 2]

    traced = trace(step, [dt.constant([1.0, 1.0]).meta])
    assert traced.variables == (v,)
    assert traced.assigned == (v,)
    assert v.tolist() == [1, 2]


def test_truth_of_a_traced_variable_is_unknown() -> None:
    v = dt.Variable(1.0)
    with pytest.raises(ConcretizationError, match="bool"):
        trace(lambda: [v if v > 0 else -v], [])


def test_initializers_run_outside_of_the_trace() -> None:
    made: list[dt.Variable] = []

    def step() -> list[Any]:
        made.append(dt.Variable(lambda: dt.ones((2,)) * 3))
        return [made[0] + 1]

    traced = trace(step, [])
    assert made[0].tolist() == [3, 3]
    assert [node.operation.short_name for node in traced.graph.nodes] == ["add"]


def test_making_a_variable_is_announced_and_can_be_refused() -> None:
    heard: list[Any] = []
    with creation.telling(heard.append):
        v = dt.Variable(1.0)
    assert heard[0] is v

    def refuse(variable: Any) -> None:
        raise TraceError("no variables here")

    with creation.telling(refuse), pytest.raises(TraceError, match="no variables here"):
        dt.Variable(1.0)


def test_a_traced_value_is_no_initial_value() -> None:
    with pytest.raises(ConcretizationError, match="initial value"):
        trace(lambda x: [dt.Variable(x) + 1], [dt.constant(1.0).meta])


def test_reading_under_an_interpreter_is_an_operation() -> None:
    class Noting:
        seen: list[str] = []  # noqa: RUF012 - one instance

        def apply(self, operation: Any, operands: Any, attributes: Any) -> Any:
            self.seen.append(operation.short_name)
            with interpreting(None):
                return operation(*operands, **attributes)

    v = dt.Variable(1.0)
    with interpreting(Noting()):
        v.read_value()
        v.assign(2.0)
    assert Noting.seen == ["read_variable", "assign_variable"]
    assert v.item() == 2
