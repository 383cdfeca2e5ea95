"""The tape itself: identity, lifetime, contexts."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np

from dovetail_autodiff import GradientTape, grad, value_and_grad
from dovetail_autodiff.tape import Tape, alias, pull_back
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current, interpreting
from dovetail_tensors import Variable, constant


def test_only_operations_on_what_is_watched_are_noted() -> None:
    tape, x, y = Tape(None), constant(2.0), constant(3.0)
    tape.watch(x)
    with interpreting(tape):
        _ = y * y
        product = x * y
        _ = product * y
    assert [record[0] for record in tape.records] == [ops.multiply, ops.multiply]


def test_an_operation_that_passes_its_operand_through_gives_a_result_of_its_own() -> None:
    tape, x = Tape(None), constant(2.0)
    tape.watch(x)
    with interpreting(tape):
        result = ops.positive(x)
        (again,) = ops.custom_call(x, x, backward=lambda u: [u * 5.0], result_count=1, argument_count=1)
    assert len({id(x), id(result), id(again)}) == 3
    assert [float(g) for g in pull_back(tape, {id(again): constant(1.0)}, [x])] == [5.0]


def test_an_alias_is_followed_by_every_tape_around() -> None:
    outer, x = Tape(None), constant(3.0)
    outer.watch(x)
    with interpreting(outer):
        inner = Tape(current())
        with interpreting(inner):
            copy = alias(x)
            product = copy * x
    assert inner.records == []
    [gradient] = pull_back(outer, {id(product): constant(1.0)}, [x])
    assert float(gradient) == 6.0


def test_what_was_noted_dies_with_the_tape() -> None:
    x = constant(np.ones(3, np.float32))
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        squared = x * x
        value = ops.sum(squared * squared)
    kept = weakref.ref(squared)
    del squared
    assert kept() is not None
    gc.disable()
    try:
        tape.gradient(value, x)
        del tape, value
        assert kept() is None, "a cycle keeps intermediate results alive"
    finally:
        gc.enable()


def test_a_spent_tape_keeps_nothing() -> None:
    x = constant(np.ones(3, np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        squared = x * x
        value = ops.sum(squared * squared)
    kept = weakref.ref(squared)
    del squared
    tape.gradient(value, x)
    assert kept() is None


def test_grad_leaves_nothing_behind() -> None:
    seen: list[Any] = []

    def function(x: Any) -> Any:
        squared = x * x
        seen.append(weakref.ref(squared))
        return ops.sum(squared * squared)

    gc.disable()
    try:
        value_and_grad(function)(constant([1.0, 2.0]))
        assert seen[0]() is None, "a cycle keeps intermediate results alive"
    finally:
        gc.enable()


def test_a_tape_sees_its_own_thread_only() -> None:
    x = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        results: list[Any] = []
        thread = threading.Thread(target=lambda: results.append(x * x))
        thread.start()
        thread.join()
        value = x * 2.0
    assert tape.gradient(results[0], x) is None
    assert float(tape.gradient(value, x)) == 2.0


def test_gradients_in_many_threads_at_once() -> None:
    weights = Variable(np.arange(4, dtype=np.float64))
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        for _ in range(20):
            found[number] = grad(lambda v: ops.sum(v.read_value() * v.read_value() * float(number)))(weights)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        np.testing.assert_allclose(found[number].numpy(), 2.0 * number * np.arange(4))


def test_reading_a_variable_twice_adds_up() -> None:
    variable = Variable(3.0)
    with GradientTape() as tape:
        value = variable.read_value() * 2.0 + variable.read_value() * variable.read_value()
    assert float(tape.gradient(value, variable)) == 8.0


def test_a_gradient_taken_after_an_assignment_uses_the_values_that_were_read() -> None:
    variable = Variable(3.0)
    with GradientTape() as tape:
        value = variable * variable
    variable.assign(100.0)
    assert float(tape.gradient(value, variable)) == 6.0
