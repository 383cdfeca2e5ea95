"""From the arguments of a call to bound operands and attributes, and every way in which that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import registry
from dovetail_protocols.errors import DTypeError, SignatureError
from dovetail_protocols.metas import CPU, Device, TensorMeta
from dovetail_protocols.operation import Operation, primitive

from .conftest import ToyArray, ToyProvider

if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import AnyDType, EachDType, Floating, Index, Numeric


@pytest.fixture(autouse=True)
def _registry_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_operations", dict(registry._operations))


@pytest.fixture
def pick() -> Operation:
    """One operand, two optional ones, a required attribute and one with a default."""

    @primitive(version=1, namespace="acme")
    def pick(
        x: Numeric, place: Index | None = None, weight: Numeric | None = None, /, *, axis: int, mode: str = "fast"
    ) -> Numeric:
        return x

    return pick


@pytest.fixture
def gather_all() -> Operation:
    """Any number of operands of one dtype."""

    @primitive(version=1, namespace="acme")
    def gather_all(*arrays: AnyDType, axis: int = 0) -> AnyDType:
        return arrays[0]

    return gather_all


def array(dtype: dt.DType, *values: Any, device: Device = CPU) -> ToyArray:
    return ToyArray(values, TensorMeta((len(values),), dtype, device))


def dtypes(operands: tuple[Any, ...]) -> list[Any]:
    return [None if operand is None else operand.dtype for operand in operands]


# ---------------------------------------------------------------------- operands


def test_missing_operand_is_named_with_the_signature(toy: ToyProvider, pick: Operation) -> None:
    with pytest.raises(SignatureError, match="pick is missing operand 'x'") as caught:
        pick(axis=0)
    assert caught.value.expected == "pick(x, place=None, weight=None, *, axis, mode='fast')"


def test_surplus_operands_are_counted_and_attributes_recalled(toy: ToyProvider) -> None:
    with pytest.raises(SignatureError, match="tanh takes 1 operand but got 2") as caught:
        ops.tanh(1.0, 2.0)
    assert caught.value.fix == "attributes such as axis= are passed by keyword"


def test_none_for_an_operand_that_must_be_there(toy: ToyProvider) -> None:
    with pytest.raises(SignatureError, match="add: operand 'x2' is None"):
        ops.add(1.0, None)


def test_operand_given_twice_is_refused(toy: ToyProvider, pick: Operation) -> None:
    with pytest.raises(SignatureError, match="pick got x twice"):
        pick(1.0, x=2.0, axis=0)


def test_operands_are_taken_by_name_and_optional_ones_left_out_come_as_none(toy: ToyProvider, pick: Operation) -> None:
    bound, _ = pick.bind((), {"x": 1.0, "weight": 2.0, "axis": 0})
    assert dtypes(bound) == [dt.float32, None, dt.float32]


def test_what_is_no_array_is_refused_with_its_type_and_the_operand(toy: ToyProvider) -> None:
    with pytest.raises(SignatureError, match="add: operand 'x2' can't be made an array") as caught:
        ops.add(array(dt.float32, 1.0), "text")
    assert caught.value.got == "str: no array can be made of a str"
    assert isinstance(caught.value.__cause__, TypeError)


def test_variables_are_read_where_an_array_is_wanted_and_kept_where_a_variable_is(toy: ToyProvider) -> None:
    variable = toy.variable([1.0, 2.0])
    bound, _ = ops.add.bind((variable, array(dt.float32, 3.0, 4.0)), {})
    assert bound[0].payload == (1.0, 2.0)
    bound, _ = ops.read_variable.bind((variable,), {})
    assert bound[0] is variable


def test_any_number_of_operands_of_one_dtype(toy: ToyProvider, gather_all: Operation) -> None:
    bound, attributes = gather_all.bind((array(dt.int8, 1), array(dt.float16, 1.0), 2), {"axis": 1})
    assert dtypes(bound) == [dt.float16] * 3
    assert attributes == {"axis": 1}


# ---------------------------------------------------------------------- attributes


def test_missing_attribute_is_named(toy: ToyProvider, pick: Operation) -> None:
    for given in ({}, {"mode": "slow"}):
        with pytest.raises(SignatureError, match="pick is missing axis") as caught:
            pick(1.0, **given)
        assert caught.value.expected == "pick(x, place=None, weight=None, *, axis, mode='fast')"


def test_unknown_argument_is_named_with_its_value(toy: ToyProvider, pick: Operation) -> None:
    with pytest.raises(SignatureError, match="pick has no argument 'axes'") as caught:
        pick(1.0, axis=0, axes=(1, 2))
    assert caught.value.got == "axes=(1, 2)"


def test_attributes_come_complete_in_order_and_hashable(toy: ToyProvider, pick: Operation) -> None:
    _, attributes = pick.bind((1.0,), {"mode": ["a", ["b"]], "axis": 3})
    assert list(attributes.items()) == [("axis", 3), ("mode", ("a", ("b",)))]
    hash(tuple(attributes.values()))


def test_defaults_are_never_changed_by_a_call(toy: ToyProvider, gather_all: Operation) -> None:
    gather_all.bind((1.0,), {"axis": 5})
    assert gather_all.bind((1.0,), {})[1] == {"axis": 0}


# ---------------------------------------------------------------------- dtypes


def test_operands_of_one_type_variable_meet_in_their_common_dtype(toy: ToyProvider) -> None:
    bound, _ = ops.add.bind((array(dt.int8, 1), array(dt.uint8, 2)), {})
    assert dtypes(bound) == [dt.int16, dt.int16]
    assert toy.log == ["cast", "cast"]
    toy.log.clear()
    bound, _ = ops.add.bind((array(dt.float32, 1), array(dt.int64, 2)), {})
    assert dtypes(bound) == [dt.float32, dt.float32]
    assert toy.log == ["cast"]


def test_operands_that_do_not_promote_are_refused_by_name(toy: ToyProvider) -> None:
    with pytest.raises(DTypeError, match="no common dtype for bool and float32") as caught:
        ops.add(array(dt.bool_, True), array(dt.float32, 1.0))
    assert caught.value.where == "add, x1, x2"


def test_python_numbers_take_the_dtype_and_the_device_of_the_array_beside_them(toy: ToyProvider) -> None:
    place = Device("acme", 1)
    for number in (2, 2.5, True):
        bound, _ = ops.add.bind((array(dt.float16, 1.0, device=place), number), {})
        assert bound[1].meta == TensorMeta((), dt.float16, place)
    bound, _ = ops.add.bind((1.5, array(dt.int64, 1)), {})
    assert dtypes(bound) == [dt.float32, dt.float32]


def test_lone_python_numbers_have_default_dtypes(toy: ToyProvider) -> None:
    assert dtypes(ops.add.bind((1, 2), {})[0]) == [dt.int32, dt.int32]
    assert dtypes(ops.add.bind((1, 2.0), {})[0]) == [dt.float32, dt.float32]
    assert dtypes(ops.add.bind((1, 2**40), {})[0]) == [dt.int64, dt.int64]


def test_integers_become_floating_where_only_inexact_dtypes_are_taken(toy: ToyProvider) -> None:
    assert dtypes(ops.divide.bind((array(dt.int64, 1), 2), {})[0]) == [dt.float32, dt.float32]
    assert dtypes(ops.tanh.bind((array(dt.uint8, 1),), {})[0]) == [dt.float32]


def test_operands_of_other_type_variables_keep_their_dtypes(toy: ToyProvider) -> None:
    @primitive(version=1, namespace="acme")
    def mixed(x: Floating, place: Index, each: EachDType, other: EachDType, /) -> Floating:
        return x

    given = (array(dt.float64, 1.0), array(dt.uint8, 0), array(dt.bool_, True), array(dt.complex64, 1j))
    bound, _ = mixed.bind(given, {})
    assert dtypes(bound) == [dt.float64, dt.uint8, dt.bool_, dt.complex64]
    assert toy.log == []


def test_a_quick_binding_is_what_the_careful_one_gives(toy: ToyProvider) -> None:
    from dovetail_protocols.binding import bind_operands, bind_quickly

    x = array(dt.float32, 1.0)
    for given in ((x, x), (x, 2), (2.5, x), (toy.variable([1.0]), x)):
        quick = bind_quickly(ops.add, given)
        careful = bind_operands(ops.add, given, {})
        assert quick is not None
        assert [(o.payload, o.meta) for o in quick] == [(o.payload, o.meta) for o in careful]
    for given in ((x,), (x, array(dt.float64, 1.0)), (1, 2), (x, None), (x, [1.0]), (array(dt.int8, 1), 2.5)):
        assert bind_quickly(ops.add, given) is None, given
