"""The waist: which interpreter handles a call, and that it is always taken off again."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import apply, apply_under, current, interpreting
from dovetail_protocols.operation import Operation

from .conftest import ToyProvider


class Noting:
    """Interpreter that notes each call with its name, and applies it under its parent."""

    def __init__(self, name: str, notes: list[str], parent: Noting | None = None) -> None:
        self.name, self.notes, self.parent = name, notes, parent

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        assert current() is self
        self.notes.append(f"{self.name}:{operation.short_name}")
        return apply_under(self.parent, operation, operands, attributes)


class Failing:
    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        raise RuntimeError("on purpose")


def test_without_interpreter_the_tensor_package_evaluates(toy: ToyProvider) -> None:
    assert current() is None
    assert ops.add([1, 2], [3, 4]).payload == (4, 6)
    assert toy.log == ["add"]


def test_a_call_goes_through_each_interpreter_from_the_innermost_to_evaluation(toy: ToyProvider) -> None:
    notes: list[str] = []
    outer = Noting("outer", notes)
    inner = Noting("inner", notes, parent=outer)
    with interpreting(outer), interpreting(inner):
        assert ops.add([1], [2]).payload == (3,)
    assert notes == ["inner:add", "outer:add"]
    assert toy.log == ["add"]


def test_conversions_of_operands_pass_through_the_interpreter_too(toy: ToyProvider) -> None:
    notes: list[str] = []
    with interpreting(Noting("outer", notes)):
        ops.add(toy.convert([1]), toy.convert([2.0]))
    assert notes == ["outer:cast", "outer:add"]


def test_none_in_force_is_plain_evaluation_for_a_while(toy: ToyProvider) -> None:
    notes: list[str] = []
    outer = Noting("outer", notes)
    with interpreting(outer):
        with interpreting(None):
            ops.negative([1])
        assert current() is outer
    assert notes == []


def test_an_interpreter_is_taken_off_whatever_its_body_does(toy: ToyProvider) -> None:
    outer = Noting("outer", [])
    with interpreting(outer):
        with pytest.raises(RuntimeError, match="on purpose"), interpreting(Failing()):
            ops.add([1], [2])
        assert current() is outer
    assert current() is None


def test_apply_under_puts_the_interpreter_back_also_after_an_error(toy: ToyProvider) -> None:
    operands = (toy.convert([1]), toy.convert([2]))
    outer = Noting("outer", [])
    with interpreting(outer):
        assert apply_under(None, ops.add, operands, {}).payload == (3,)
        assert current() is outer
        with pytest.raises(RuntimeError, match="on purpose"):
            apply_under(Failing(), ops.add, operands, {})
        assert current() is outer
    assert outer.notes == []
    assert apply(ops.add, operands, {}).payload == (3,)


def test_an_interpreter_is_in_force_in_its_own_context_only(toy: ToyProvider) -> None:
    outer = Noting("outer", [])
    with interpreting(outer):
        assert contextvars.Context().run(current) is None
        assert contextvars.copy_context().run(current) is outer


def test_threads_do_not_see_one_anothers_interpreters(toy: ToyProvider) -> None:
    notes: dict[str, list[str]] = {"a": [], "b": []}
    barrier = threading.Barrier(2)

    def work(name: str) -> None:
        with interpreting(Noting(name, notes[name])):
            barrier.wait(10)
            ops.add([1], [2])
            barrier.wait(10)

    threads = [threading.Thread(target=work, args=(name,)) for name in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert notes == {"a": ["a:add"], "b": ["b:add"]}
    assert current() is None
