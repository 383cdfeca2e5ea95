"""A variable says when it is used for the first time, so that another value can be there in time."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dovetail_protocols.roles import SupportsFirstUse
from dovetail_tensors import Variable

USES: dict[str, Callable[[Variable], Any]] = {
    "read_value": lambda cell: cell.read_value(),
    "payload": lambda cell: cell.payload,
    "operator": lambda cell: cell + 1,
    "conversion": np.asarray,
    "take": lambda cell: (cell.take(), cell.payload),
    "copy": copy.copy,
}


@pytest.mark.parametrize("use", USES)
def test_every_use_tells_once_and_sees_the_value_that_was_put_there(use: str) -> None:
    cell, calls = Variable([0.0, 0.0]), []
    assert isinstance(cell, SupportsFirstUse)

    def action() -> None:
        calls.append(use)
        cell.replace(np.array([1.0, 2.0], np.float32))

    cell.before_first_use(action)
    assert (cell.shape, cell.dtype.name, calls) == ((2,), "float32", []), "metas are no use"
    USES[use](cell)
    np.testing.assert_array_equal(np.asarray(cell), [1.0, 2.0])
    assert calls == [use]


def test_what_is_assigned_stays_and_is_told_of_first() -> None:
    cell, seen = Variable(0.0), []

    def action() -> None:
        seen.append("told")
        cell.replace(np.float32(5.0).reshape(()))

    cell.before_first_use(action)
    cell.assign(3.0)
    assert (float(cell), seen) == (3.0, ["told"])


def test_an_action_that_raises_is_heard_of_once_and_the_value_stays() -> None:
    def action() -> None:
        raise ZeroDivisionError

    for use in (float, lambda cell: cell.assign(1.0)):
        cell = Variable(1.0)
        cell.before_first_use(action)
        with pytest.raises(ZeroDivisionError):
            use(cell)
        assert float(cell) == 1.0


def test_several_actions_are_all_called() -> None:
    cell, calls = Variable(0.0), []
    cell.before_first_use(lambda: calls.append("first"))
    cell.before_first_use(lambda: calls.append("second"))
    assert (float(cell), calls) == (0.0, ["first", "second"])


def test_a_second_thread_waits_for_the_value_that_the_first_is_putting_there() -> None:
    cell, lock, started, go_on = Variable(0.0), threading.RLock(), threading.Event(), threading.Event()
    put, seen = [], []

    def action() -> None:
        with lock:
            if not put:
                put.append(True)
                started.set()
                go_on.wait()
                cell.replace(np.float32(7.0).reshape(()))

    cell.before_first_use(action)
    threads = [threading.Thread(target=lambda: seen.append(float(cell))) for _ in range(2)]
    threads[0].start()
    started.wait()
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert seen == [7.0, 7.0]
