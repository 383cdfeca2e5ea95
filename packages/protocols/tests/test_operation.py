"""Declaring operations, and what a declaration gives."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import registry
from dovetail_protocols.binding import describe_signature
from dovetail_protocols.errors import AttributeValueError, DeviceError, DTypeError, TraceError
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.operation import CONSTRAINTS, Attribute, composite, primitive

if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import AnyDType, Floating, Index, Numeric

F = TensorMeta((2,), dt.float32)


@pytest.fixture(autouse=True)
def _registry_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_operations", dict(registry._operations))


def test_a_declaration_is_data() -> None:
    @primitive(version=3, namespace="acme")
    def weigh(x: Numeric, place: Index | None = None, /, *others: AnyDType, axis: int, keep: bool = False) -> Numeric:
        """Weighs."""
        return x

    assert (weigh.name, weigh.short_name, weigh.version, weigh.is_primitive) == ("acme::weigh", "weigh", 3, True)
    assert weigh.__doc__ == "Weighs."
    assert weigh.source_file == __name__.rpartition(".")[2]
    shown = [(o.name, o.type_variable, o.optional, o.variadic) for o in weigh.operands]
    assert shown == [("x", "T", False, False), ("place", "I", True, False), ("others", "T", False, True)]
    assert weigh.operands[1].dtypes == CONSTRAINTS["Index"][1]
    assert weigh.attributes == (Attribute("axis", "int", None, True), Attribute("keep", "bool", False, False))
    assert describe_signature(weigh) == "weigh(x, place=None, *others, axis, keep=False)"
    assert repr(weigh) == "<operation acme::weigh v3>"


def test_an_unknown_constraint_is_refused_with_the_known_ones() -> None:
    def wrong(x: Numerical, /) -> Numerical:  # type: ignore[name-defined] # noqa: F821 - what is tested
        return x

    with pytest.raises(DTypeError, match="operand 'x': unknown constraint 'Numerical'") as caught:
        primitive(version=1, namespace="acme")(wrong)
    assert "Numeric" in str(caught.value.expected)
    assert ("acme::wrong", 1) not in registry._operations


def test_operations_are_one_object_each() -> None:
    assert pickle.loads(pickle.dumps(ops.matmul)) is ops.matmul
    assert copy.deepcopy(ops.matmul) is ops.matmul
    assert copy.copy(ops.matmul) is ops.matmul


def test_a_primitive_has_no_decomposition_and_says_so() -> None:
    with pytest.raises(AttributeValueError, match="dovetail::tanh is primitive: it has no decomposition"):
        ops.tanh.decompose(1.0)


def test_a_composite_has_its_rule_and_its_body(toy: Any) -> None:
    def same(x: TensorMeta, *, times: int) -> TensorMeta:
        return x

    @composite(version=1, namespace="acme", infer=same)
    def repeated(x: Numeric, /, *, times: int) -> Numeric:
        for _ in range(times):
            x = ops.add(x, x)
        return x

    assert not repeated.is_primitive
    assert repeated.infer((F,), {"times": 2}) == F
    assert repeated([1.0, 2.0], times=2).payload == (4.0, 8.0)
    assert toy.log == ["repeated", "add", "add"]


def test_a_dtype_outside_of_the_constraint_is_refused_naming_operand_and_what_is_taken() -> None:
    with pytest.raises(DTypeError, match="divide doesn't take int32") as caught:
        ops.divide.infer((TensorMeta((2,), dt.int32), TensorMeta((2,), dt.int32)), {})
    error = caught.value
    assert (error.where, error.got) == ("divide, operand 'x1'", "int32[2]")
    assert str(error.expected).split(", ")[-1] == "complex128"
    assert "int32" not in str(error.expected)


def test_operands_on_two_devices_are_refused() -> None:
    away = TensorMeta((2,), dt.float32, Device("acme", 1))
    with pytest.raises(DeviceError, match="add: operands are on different devices") as caught:
        ops.add.infer((F, away), {})
    error = caught.value
    assert (error.where, error.expected, error.got) == ("add, operand 'x2'", "cpu", "acme:1")
    assert error.fix == "move one with .to_device(...); copies between devices are never implicit"
    assert ops.add.infer((away, away), {}).device == Device("acme", 1)  # type: ignore[union-attr] # one result


def test_an_operand_left_out_is_not_looked_at() -> None:
    assert ops.clip.infer((F, None, F), {}) == F


def test_a_data_dependent_operation_has_no_meta_in_a_trace() -> None:
    with pytest.raises(TraceError, match="the shape of the result of nonzero depends on the values") as caught:
        ops.nonzero.infer((F,), {})
    assert "where(condition, x, 0)" in str(caught.value.fix)
    found = ops.nonzero.infer_with_values((F,), {})
    assert isinstance(found, tuple)
    assert found[0].shape == (-1,)


def test_constraints_of_one_type_variable_share_what_promotes() -> None:
    assert {variable for variable, _ in CONSTRAINTS.values()} == set("TSLBMIR*V")
    for variable, names in CONSTRAINTS.values():
        assert names, variable
        assert names <= {known.name for known in dt.ALL}


def test_flags_say_what_passes_must_respect() -> None:
    @primitive(version=1, namespace="acme", has_effect=True)
    def shout(x: Floating, /) -> Floating:
        return x

    assert shout.has_effect
    assert not shout.data_dependent
    assert ops.nonzero.data_dependent
