"""A tensor package as small as the role allows: arrays are flat tuples of Python numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import use_provider
from dovetail_protocols.arrays import is_variable, meta_of
from dovetail_protocols.metas import CPU, Device, TensorMeta
from dovetail_protocols.operation import Operation


class ToyArray:
    """An array: its payload is a flat tuple of numbers, or a symbol."""

    def __init__(self, payload: Any, meta: TensorMeta) -> None:
        self.payload, self.meta = payload, meta

    shape = property(lambda self: self.meta.shape)
    dtype = property(lambda self: self.meta.dtype)
    device = property(lambda self: self.meta.device)

    def __repr__(self) -> str:
        return f"ToyArray({self.payload}, {self.meta})"


class ToyVariable:
    """A variable over the payload of a ToyArray."""

    __slots__ = ("meta", "name", "payload", "trainable")

    def __init__(self, array: ToyArray, name: str, trainable: bool) -> None:
        self.payload, self.meta, self.name, self.trainable = array.payload, array.meta, name, trainable

    shape = property(lambda self: self.meta.shape)
    dtype = property(lambda self: self.meta.dtype)
    device = property(lambda self: self.meta.device)

    def replace(self, payload: Any) -> None:
        self.payload = payload


def elementwise(function: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """A function of numbers on flat payloads; one element goes with every element of the other."""

    def compute(*payloads: tuple[Any, ...]) -> tuple[Any, ...]:
        length = max(map(len, payloads))
        return tuple(map(function, *(p * length if len(p) == 1 else p for p in payloads)))

    return compute


class ToyProvider:
    """Evaluates a few operations, and keeps the short names of all it was asked for in `log`."""

    COMPUTE: Mapping[str, Callable[..., Any]] = {
        "add": elementwise(operator.add),
        "multiply": elementwise(operator.mul),
        "negative": elementwise(operator.neg),
        "less": elementwise(operator.lt),
        "cast": lambda payload: payload,
    }

    def __init__(self) -> None:
        self.log: list[str] = []

    def evaluate(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        self.log.append(operation.short_name)
        if operation.short_name == "read_variable":
            return ToyArray(operands[0].payload, operands[0].meta)
        result = operation.infer([meta_of(operand) for operand in operands], attributes)
        if operation.short_name == "assign_variable":
            operands[0].replace(operands[1].payload)
            return operands[1]
        if operation.short_name not in self.COMPUTE:
            return operation.decompose(*operands, **attributes)
        assert isinstance(result, TensorMeta)
        return ToyArray(self.COMPUTE[operation.short_name](*(operand.payload for operand in operands)), result)

    def convert(self, value: Any, dtype: dt.DType | None = None, device: Device | None = None) -> ToyArray:
        if isinstance(value, ToyArray):
            return value
        if is_variable(value):
            return ToyArray(value.payload, value.meta)
        if isinstance(value, (bool, int, float, complex)):
            return ToyArray((value,), TensorMeta((), dtype or dt.of_scalar(value), device or CPU))
        if isinstance(value, list):
            return ToyArray(tuple(value), TensorMeta((len(value),), dtype or dt.of_scalar(value[0]), device or CPU))
        raise TypeError(f"no array can be made of a {type(value).__name__}")

    def wrap(self, payload: Any, meta: TensorMeta) -> ToyArray:
        return ToyArray(payload, meta)

    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> ToyVariable:
        return ToyVariable(self.convert(value), name or "variable", trainable)

    def is_array(self, value: Any) -> bool:
        return type(value) is ToyArray


@pytest.fixture
def toy() -> Iterator[ToyProvider]:
    """The toy tensor package, in use for one test."""
    chosen = ToyProvider()
    before = use_provider(chosen)
    yield chosen
    use_provider(before)
