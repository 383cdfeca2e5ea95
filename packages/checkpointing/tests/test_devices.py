"""Variables on devices whose buffers are no NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import restore, save
from dovetail_protocols import devices
from dovetail_protocols.dtypes import float32
from dovetail_protocols.metas import Device, TensorMeta


class Handle:
    """A buffer whose contents only its device can give."""

    def __init__(self, array: Any, index: int) -> None:
        self.hidden, self.index, self.shape = np.array(array), index, array.shape


class AcmeDevice:
    def from_host(self, array: Any, index: int) -> Handle:
        return Handle(array, index)

    def to_host(self, buffer: Handle) -> Any:
        return buffer.hidden


class VariableOnAcme:
    """A variable on the second device."""

    name, trainable = "variable", True
    payload: Any = None

    def __init__(self, value: Any) -> None:
        self.payload = Handle(np.asarray(value, np.float32), 1)

    @property
    def meta(self) -> TensorMeta:
        return TensorMeta(self.payload.shape, float32, Device("acme", 1))

    def replace(self, payload: Any) -> None:
        self.payload = payload


def test_a_variable_comes_back_on_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(devices._found, "acme", (AcmeDevice(), ["first", "second"]))
    save(tmp_path / "c", {"w": VariableOnAcme([1.0, 2.0])})
    target = VariableOnAcme([0.0, 0.0])
    restore(tmp_path / "c", {"w": target})
    assert (target.payload.index, target.payload.hidden.tolist()) == (1, [1, 2])


def test_a_device_without_memory_leaves_every_variable_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(AcmeDevice):
        room = 1

        def from_host(self, array: Any, index: int) -> Handle:
            self.room -= 1
            if self.room < 0:
                raise MemoryError("acme:1 is full")
            return super().from_host(array, index)

    monkeypatch.setitem(devices._found, "acme", (Full(), ["first", "second"]))
    save(tmp_path / "c", {"a": VariableOnAcme([1.0]), "b": VariableOnAcme([2.0])})
    target = {"a": VariableOnAcme([0.0]), "b": VariableOnAcme([0.0])}
    with pytest.raises(MemoryError):
        restore(tmp_path / "c", target)
    assert [variable.payload.hidden.tolist() for variable in target.values()] == [[0], [0]]
