"""How a kernel is declared here: `@kernel(ops.matmul)` on a function from a call to a callable on NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dovetail_protocols.kernels import CallMeta, KernelSpec
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation

SPECS: list[KernelSpec] = []

Implementation = Callable[[CallMeta], Any]


def kernel(
    operation: Operation,
    *,
    dtypes: Mapping[str, Iterable[str]] | None = None,
    binding: str = "per_shape",
    tolerance: str = "default",
) -> Callable[[Implementation], Implementation]:
    """Declares the reference kernel of an operation, for the given dtypes of its type variables (None: all it takes).

    `binding="per_dtype"` promises that the callable serves every shape and raises where `infer` would; see KernelSpec.
    """

    def declare(implementation: Implementation) -> Implementation:
        SPECS.append(
            KernelSpec(
                id=operation.short_name,
                operation=operation.name,
                implementation=f"{implementation.__module__}:{implementation.__name__}",
                dtypes={variable: frozenset(names) for variable, names in (dtypes or {}).items()},
                operation_versions=(operation.version, operation.version),
                priority=0,
                binding=binding,
                tolerance=tolerance,
            )
        )
        return implementation

    return declare


def given_metas(call: CallMeta) -> tuple[TensorMeta, ...]:
    """The metas of a call's operands, without optional ones that were left out."""
    return tuple(meta for meta in call.operands if meta is not None)
