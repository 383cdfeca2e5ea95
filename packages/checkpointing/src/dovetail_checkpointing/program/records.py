"""What an export holds, once it was checked: plain records between the file and the loaded program."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import Signature
from typing import Any

from dovetail_protocols.dtypes import DType
from dovetail_protocols.graph_templates import GraphTemplate
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.size_formulas import Formula

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class InputRecord:
    """What an input must be; a size of None may be any that the guards allow."""

    name: str
    shape: tuple[int | None, ...]
    dtype: DType
    device: Device

    def accepts(self, meta: TensorMeta) -> bool:
        """Whether an array of that meta fits."""
        return (
            meta.dtype is self.dtype
            and meta.device == self.device
            and len(meta.shape) == len(self.shape)
            and all(mine is None or mine == size for mine, size in zip(self.shape, meta.shape, strict=True))
        )

    def __str__(self) -> str:
        return f"{self.name}: {described(self.shape, self.dtype)}"


@dataclass(frozen=True, slots=True)
class FunctionRecord:
    """One trace. Its graph's inputs are `input_names`, then the variables, by number; see ExportedFunction."""

    name: str
    convention: Signature | None
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    input_names: tuple[str, ...]
    result: Any
    template: GraphTemplate
    variables: tuple[int, ...]

    @property
    def inputs(self) -> tuple[InputRecord, ...]:
        """What the arrays among the arguments must be, in order."""
        metas = [value.meta for value in self.template.graph.inputs]
        pairs = zip(self.input_names, metas, strict=False)
        return tuple(InputRecord(name, _known(meta.shape), meta.dtype, meta.device) for name, meta in pairs)

    def describe_output(self, number: int) -> str:
        """An array of the result for a reader: "float32[?,10]"."""
        meta = self.template.graph.outputs[number].meta
        return described(_known(meta.shape), meta.dtype)


@dataclass(frozen=True, slots=True)
class VariableRecord:
    """A variable by its object path."""

    path: Path
    name: str
    trainable: bool
    dtype: DType
    shape: tuple[int, ...]
    device: Device

    @property
    def size_bytes(self) -> int:
        return TensorMeta(self.shape, self.dtype).size_bytes


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """A file in `assets/`."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ProgramRecord:
    """All of program.json. Functions and variables are referred to by number."""

    functions: tuple[FunctionRecord, ...]
    signatures: dict[str, tuple[int, ...]]
    methods: dict[Path, dict[str, tuple[int, ...]]]
    variables: tuple[VariableRecord, ...]
    objects: tuple[Path, ...]
    aliases: dict[Path, Path]
    assets: dict[str, AssetRecord]
    weights_digest: str


def described(shape: tuple[int | None, ...], dtype: DType) -> str:
    """A shape and dtype for a reader: "float32[?,3]"."""
    return f"{dtype}[{','.join('?' if size is None else str(size) for size in shape)}]"


def _known(shape: tuple[Any, ...]) -> tuple[int | None, ...]:
    return tuple(None if type(size) is Formula else size for size in shape)
