"""What the entry point `xla` names among kernels. It loads no JAX: implementations do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

from dovetail_protocols.kernels import KernelSpec, Unsupported
from dovetail_protocols.operation import Operation
from dovetail_protocols.registry import all_operations

from .device import KIND

VARIABLES = frozenset({"read_variable", "assign_variable"})
"""What the tensor package does itself."""

UNORDERED = frozenset({"embedding_gradient", "put_along_axis", "scatter", "scatter_nd"})
"""Sums into repeated places, which GPUs add up in no fixed order."""


class XlaKernels:
    """A kernel for every operation of the standard, on the device `xla`."""

    protocol = (1, 0)

    def kernels(self) -> Sequence[KernelSpec]:
        return _specs()

    def operations(self) -> Sequence[Operation]:
        return ()

    def probe(self) -> Unsupported | None:
        return missing_jax()


def missing_jax() -> Unsupported | None:
    """Why there is no JAX, found out without loading it; None where there is."""
    return None if find_spec("jax") is not None else Unsupported("JAX is not installed: pip install jax")


@cache
def _specs() -> Sequence[KernelSpec]:
    return tuple(
        KernelSpec(
            id=operation.short_name,
            operation=operation.name,
            implementation=f"{__package__}.kernels:bind",
            operation_versions=(operation.version, operation.version),
            device=KIND,
            priority=50,
            deterministic=operation.short_name not in UNORDERED,
        )
        for operation in all_operations()
        if operation.name.startswith("dovetail::") and _has_kernel(operation)
    )


def _has_kernel(operation: Operation) -> bool:
    """Choices, loops and other calls of graphs are no single kernels; composites whose results' shapes depend on values
    run as what they consist of."""
    carries_graphs = any("Graph" in attribute.annotation for attribute in operation.attributes)
    looks_at_values = operation.data_dependent and not operation.is_primitive
    return not (operation.short_name in VARIABLES or carries_graphs or looks_at_values)


PACKAGE = XlaKernels()
