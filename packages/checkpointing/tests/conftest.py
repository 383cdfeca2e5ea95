"""Toys that satisfy the protocols, so that these tests need no sibling."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import save
from dovetail_protocols.dtypes import dtype
from dovetail_protocols.metas import TensorMeta


class ToyVariable:
    """A cell that holds a NumPy array."""

    def __init__(self, value: Any, name: str = "variable") -> None:
        self.payload = np.asarray(value)
        self.name, self.trainable = name, True

    payload: Any = None

    @property
    def meta(self) -> TensorMeta:
        return TensorMeta(self.payload.shape, dtype(self.payload.dtype.name))

    def replace(self, payload: Any) -> None:
        self.payload = payload


class ToyModule:
    """An object with checkpoint state: children by name, and one scalar."""

    def __init__(self, epoch: int = 0, **children: Any) -> None:
        self.children, self.epoch = children, epoch

    def checkpoint_state(self) -> Mapping[str, Any]:
        return {**self.children, "epoch": self.epoch}

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        self.epoch = scalars["epoch"]


@pytest.fixture
def variable() -> type[ToyVariable]:
    return ToyVariable


@pytest.fixture
def module() -> type[ToyModule]:
    return ToyModule


@pytest.fixture
def saved(tmp_path: Path, variable: Any) -> Path:
    """A checkpoint of two variables: "net/a" is [1], "net/b" is [2, 2]."""
    save(tmp_path / "c", {"net": {"a": variable([1.0]), "b": variable([2.0, 2.0])}})
    return tmp_path / "c"
