"""A tensor package as small as the role allows (arrays are flat tuples of Python numbers), and a site for plug-ins."""

from __future__ import annotations

import importlib
import operator
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import registry, use_provider
from dovetail_protocols.arrays import is_variable, meta_of
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.metas import CPU, Device, TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins import refresh
from dovetail_protocols.registry import all_operations


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


KERNEL_MODULE = """
from dovetail_protocols.kernels import KernelSpec, Unsupported
{body}
def take(call):
    return lambda *buffers: buffers


def refuse(call):
    return Unsupported("only on Sundays")


class Package:
    protocol = {protocol!r}

    def kernels(self):
        return {specs}

    def operations(self):
        return {operations}

    def probe(self):
        return {probe}


PACKAGE = Package()
"""


class Site:
    """A folder on sys.path in which a test installs distributions; others are out of sight."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        distribution: str,
        version: str,
        entry_points: str | bytes | None,
        modules: Mapping[str, str] | None = None,
    ) -> Path:
        """Writes a `dist-info` folder and the distribution's modules; gives the former."""
        declared = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        declared.mkdir(parents=True)
        if entry_points is not None:
            data = entry_points.encode() if isinstance(entry_points, str) else entry_points
            (declared / "entry_points.txt").write_bytes(data)
        for name, text in (modules or {}).items():
            (self.folder / f"{name}.py").write_text(text, "utf-8")
        importlib.invalidate_caches()
        return declared

    def kernels(
        self,
        name: str,
        *specs: KernelSpec | str,
        body: str = "",
        protocol: Any = (1, 0),
        operations: str = "()",
        probe: str = "None",
        distribution: str | None = None,
        version: str = "1.0",
    ) -> None:
        """Installs a kernel package in a module `<name>_module`, where `take` and `refuse` are implementations."""
        shown = ", ".join(spec if isinstance(spec, str) else repr(spec) for spec in specs)
        text = KERNEL_MODULE.format(
            body=body, protocol=protocol, specs=f"[{shown}]", operations=operations, probe=probe
        )
        entry_points = f"[dovetail.kernels.v1]\n{name} = {name}_module:PACKAGE\n"
        self.install(distribution or f"{name}-kernels", version, entry_points, {f"{name}_module": text})


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site; what was found, loaded and registered by the test is forgotten after it."""
    others = [path for path in sys.path if not list(Path(path or ".").glob("*.dist-info"))]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *others])
    monkeypatch.delenv("DOVETAIL_KERNELS", raising=False)
    all_operations()
    monkeypatch.setattr(registry, "_operations", dict(registry._operations))
    loaded = set(sys.modules)
    refresh()
    yield Site(tmp_path)
    for name in set(sys.modules) - loaded:
        if Path(getattr(sys.modules[name], "__file__", None) or "").is_relative_to(tmp_path):
            del sys.modules[name]
    refresh()
