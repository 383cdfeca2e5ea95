"""What a kernel package says of itself, checked before any of it is used: all that is sound is kept, the rest named."""

from __future__ import annotations

import warnings

from .. import dtypes
from ..errors import DovetailError, PluginWarning
from ..kernels import KernelSpec
from ..operation import CONSTRAINTS, Operation
from ..registry import register_operation
from .discovery import Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_VARIABLES = frozenset(variable for variable, _ in CONSTRAINTS.values())
_DTYPES = frozenset(known.name for known in dtypes.ALL)
_LAYOUTS = frozenset({"strided", "contiguous"})
_BINDINGS = frozenset({"per_shape", "per_dtype"})


def protocol_problem(plugin: Plugin, offered: Any, spoken: tuple[int, int]) -> str | None:
    """Why a package's protocol version can't be spoken, as a message, or None."""
    missing = [m for m in ("protocol", "kernels", "operations", "probe") if not hasattr(offered, m)]
    if missing:
        return (
            f"plug-in {plugin} is no kernel package\n  cause: {plugin.target} lacks {', '.join(missing)}\n"
            f"  effect: its kernels are not used in this process"
        )
    major, _minor = offered.protocol
    if major == spoken[0]:
        return None
    fix = "pip install -U dovetail-protocols" if major > spoken[0] else f"pip install -U {plugin.distribution}"
    return (
        f"plug-in {plugin} offers kernel protocol {major}; this Dovetail speaks {spoken[0]}\n"
        f"  effect: its kernels are not used in this process\n  fix: {fix}"
    )


def checked_specs(plugin: Plugin, offered: Iterable[Any]) -> tuple[KernelSpec, ...]:
    """The sound specs. Each other one is dropped with a warning."""
    kept: dict[str, KernelSpec] = {}
    for spec in offered:
        problem = _spec_problem(spec)
        if problem is None and spec.id in kept:
            problem = f"id {spec.id!r} is used twice"
        if problem is None:
            kept[spec.id] = spec
        else:
            name = getattr(spec, "id", repr(spec)[:60])
            warnings.warn(
                f"plug-in {plugin} spec {name!r}: {problem}\n  effect: spec ignored", PluginWarning, stacklevel=2
            )
    return tuple(kept.values())


def _spec_problem(spec: Any) -> str | None:
    if not isinstance(spec, KernelSpec):
        return f"is a {type(spec).__name__}, not a KernelSpec"
    for variable, names in spec.dtypes.items():
        if variable not in _VARIABLES:
            return f"dtypes has the type variable {variable!r}; known: {', '.join(sorted(_VARIABLES))}"
        unknown = sorted(set(names) - _DTYPES)
        if unknown:
            return f"dtypes[{variable!r}] has {unknown[0]!r}; known: {', '.join(sorted(_DTYPES))}"
    if not set(spec.layouts) or set(spec.layouts) - _LAYOUTS:
        return f"layouts {sorted(spec.layouts)}; known: {', '.join(sorted(_LAYOUTS))}"
    if spec.binding not in _BINDINGS:
        return f"binding {spec.binding!r}; known: {', '.join(sorted(_BINDINGS))}"
    if ":" not in spec.implementation:
        return f"implementation {spec.implementation!r} is not of the form 'module:attribute'"
    if "::" not in spec.operation:
        return f"operation {spec.operation!r} is not of the form 'namespace::name'"
    if not 0 <= spec.priority <= 100:
        return f"priority {spec.priority} is not within 0 to 100"
    return None


def checked_operations(plugin: Plugin, offered: Iterable[Any]) -> tuple[Operation, ...]:
    """New operations, known from now on. One declared by a decorator registered itself already.

    Raises: DovetailError for what is no operation, or claims the standard's namespace.
    """
    operations = tuple(offered)
    for operation in operations:
        if not isinstance(operation, Operation) or operation.name.startswith("dovetail::"):
            raise DovetailError(
                f"plug-in {plugin} offers {operation!r} as an operation",
                expected="an Operation in a namespace of its own, such as acme::attention",
            )
        from ..registry import _operations

        if _operations.get((operation.name, operation.version)) is not operation:
            register_operation(operation)
    return operations
