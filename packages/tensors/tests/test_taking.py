"""Giving a variable's buffer away: only one that nobody else holds, and nobody reads it meanwhile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import devices
from dovetail_protocols.dtypes import float32
from dovetail_protocols.errors import UninitializedError
from dovetail_protocols.metas import Device
from dovetail_protocols.roles import SupportsTaking, VariableLike
from dovetail_tensors import Variable, taking
from dovetail_tensors.signature import signature_of


def variable() -> Variable:
    made = Variable(np.zeros(4, np.float32))
    made.replace(np.arange(4, dtype=np.float32))
    return made


def test_a_buffer_that_nobody_else_holds_is_given_away_and_put_back() -> None:
    cell = variable()
    assert isinstance(cell, SupportsTaking)
    assert isinstance(cell, VariableLike)
    buffer = cell.take()
    assert buffer is not None
    buffer += 1
    assert cell.shape == (4,)
    cell.replace(buffer)
    np.testing.assert_array_equal(np.asarray(cell.read_value()), [1, 2, 3, 4])


@pytest.mark.parametrize(
    "hold",
    [
        lambda cell: cell.read_value(),
        lambda cell: cell.payload,
        lambda cell: cell.payload[1:],
        lambda cell: memoryview(cell.payload),
        lambda cell: np.from_dlpack(cell.read_value()),
    ],
    ids=["tensor", "buffer", "view", "memoryview", "dlpack"],
)
def test_a_buffer_that_somebody_holds_stays(hold: Callable[[Variable], Any]) -> None:
    cell = variable()
    held = hold(cell)
    assert cell.take() is None
    np.testing.assert_array_equal(np.asarray(cell.read_value()), [0, 1, 2, 3])
    del held
    assert cell.take() is not None


def test_a_view_of_memory_of_others_stays() -> None:
    cell = variable()
    cell.replace(np.arange(8, dtype=np.float32)[:4])
    assert cell.take() is None


def test_other_threads_wait_until_the_buffer_is_back() -> None:
    cell = variable()
    buffer = cell.take()
    seen: list[Any] = []
    readers = [threading.Thread(target=lambda: seen.append(np.asarray(cell.read_value()))) for _ in range(2)]
    readers.append(threading.Thread(target=lambda: seen.append(cell.payload)))
    for reader in readers:
        reader.start()
    assert buffer is not None
    buffer += 10
    assert seen == []
    cell.replace(buffer)
    for reader in readers:
        reader.join(timeout=10)
    assert [array.tolist() for array in seen] == [[10, 11, 12, 13]] * 3


def test_the_thread_that_took_it_is_told_rather_than_left_waiting() -> None:
    cell = variable()
    buffer = cell.take()
    with pytest.raises(UninitializedError, match="away"):
        cell.read_value()
    cell.replace(buffer)


class Handle:
    """A buffer of a device: a view refers to the memory, not to the handle."""

    def __init__(self, memory: list[float]) -> None:
        self.memory, self.shape = memory, (len(memory),)


class Donating:
    protocol = (1, 1)

    def is_exclusive(self, buffer: Handle) -> bool:
        return sys.getrefcount(buffer.memory) == 2  # the handle's, and the argument's

    def copy(self, buffer: Handle) -> Handle:
        return Handle(list(buffer.memory))


def on(package: object, monkeypatch: pytest.MonkeyPatch) -> Variable:
    taking.forget()
    monkeypatch.setitem(devices._found, "acme", (package, ["one"]))
    cell = Variable(np.zeros(2, np.float32))
    cell._signature = signature_of(float32, Device("acme"))
    cell.replace(Handle([1.0, 2.0]))
    return cell


def test_a_device_says_whether_others_see_a_buffers_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = on(Donating(), monkeypatch)
    view = Handle(cell.payload.memory)
    assert cell.take() is None
    del view
    held = cell.payload
    assert cell.take() is None
    del held
    taken = cell.take()
    assert type(taken) is Handle
    cell.replace(taken)


def test_a_device_that_does_not_say_so_keeps_its_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = on(object(), monkeypatch)
    assert cell.take() is None
    assert cell.payload.memory == [1, 2]
