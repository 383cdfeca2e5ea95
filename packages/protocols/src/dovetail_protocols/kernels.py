"""What a kernel package offers, in the entry-point group `dovetail.kernels.v1`. See docs/protocols/kernels.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .records import record

if TYPE_CHECKING:
    from .metas import TensorMeta
    from .operation import Operation
    from .roles import Buffer


@runtime_checkable
class Kernel(Protocol):
    """Computes one operation on buffers. Bound to a call's dtypes and attributes (and shapes, see KernelSpec).

    It never writes its inputs; the result may share memory with an input (a view). An optional operand that was
    left out comes as None. Must be safe in several threads.
    """

    def __call__(self, *inputs: Buffer | None) -> Buffer | tuple[Buffer, ...]: ...


@runtime_checkable
class SupportsDestination(Protocol):
    """Optional for a Kernel: writes into outputs that were allocated before, none of which overlaps an input."""

    def into(self, outputs: Sequence[Buffer], inputs: Sequence[Buffer | None]) -> None: ...


@runtime_checkable
class Implementation(Protocol):
    """What `KernelSpec.implementation` names: looks at the call's metas and attributes, never at data."""

    def __call__(self, call: CallMeta) -> Kernel | Unsupported: ...


@runtime_checkable
class KernelPackage(Protocol):
    """What the entry point names; its module must be light: native code is imported by implementations."""

    protocol: tuple[int, int]

    def kernels(self) -> Sequence[KernelSpec]:
        """What it offers. Pure and fast."""

    def operations(self) -> Sequence[Operation]:
        """New operations, in a namespace of its own; usually none."""

    def probe(self) -> Unsupported | None:
        """None where its hardware and libraries are here."""


PROTOCOL = (1, 0)
"""The version of the kernel protocol that this package speaks."""


@record
class Unsupported:
    """A "no" with its reason."""

    reason: str


@record
class CallMeta:
    """A call as an implementation sees it: results' metas are what `infer` gave. Under `binding="per_dtype"` shapes are
    those of the first such call, and the kernel must serve all others of the same dtypes, attributes and ranks."""

    operation: Operation
    operands: tuple[TensorMeta | None, ...]
    attributes: Mapping[str, Any]
    results: tuple[TensorMeta, ...]


@record
class KernelSpec:
    """A kernel's declaration: static, and JSON-able.

    `id` is unique in the package. `dtypes` maps the operation's type variables (see operation.CONSTRAINTS) to dtype
    names; one left out means all that the operation takes. `layouts`: {"strided"} takes any strides; {"contiguous"}
    gets C-contiguous inputs. `implementation` is "module:attribute", imported at first use. `priority` 0 for reference
    kernels, 1 to 100 for others. `binding`: "per_shape" kernels are bound anew for each set of shapes, after `infer`
    accepted them; a "per_dtype" kernel serves all shapes and must itself raise on those that `infer` refuses.
    """

    id: str
    operation: str
    implementation: str
    dtypes: Mapping[str, frozenset[str]] = {}
    operation_versions: tuple[int, int] = (1, 1)
    device: str = "cpu"
    layouts: frozenset[str] = frozenset({"strided"})
    priority: int = 50
    deterministic: bool = True
    tolerance: str = "default"
    binding: str = "per_shape"
