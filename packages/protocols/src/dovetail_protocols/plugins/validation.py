"""What a kernel package says of itself, checked before any of it is used: all that is sound is kept, the rest named."""

from __future__ import annotations

import warnings

from .. import dtypes
from ..errors import DovetailError, PluginWarning
from ..kernels import KernelSpec
from ..operation import CONSTRAINTS, Operation
from ..registry import register_operations
from .discovery import Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_VARIABLES = frozenset(variable for variable, _ in CONSTRAINTS.values())
_DTYPES = frozenset(known.name for known in dtypes.ALL)
_LAYOUTS = frozenset({"strided", "contiguous"})
_BINDINGS = frozenset({"per_shape", "per_dtype"})


def checked_specs(plugin: Plugin, offered: Iterable[Any]) -> tuple[KernelSpec, ...]:
    """The sound specs. Each other one is dropped with a warning."""
    kept: dict[str, KernelSpec] = {}
    for spec in offered:
        try:
            problem = _spec_problem(spec)
        except (TypeError, ValueError, AttributeError) as error:  # a field of another type than it should be
            problem = f"can't be read: {type(error).__name__}: {error}"
        if problem is None and spec.id in kept:
            problem = f"id {spec.id!r} is used twice"
        if problem is None:
            kept[spec.id] = spec
        else:
            name = getattr(spec, "id", repr(spec)[:60])
            warnings.warn(
                f"plug-in {plugin} spec {name!r}: {problem}\n  effect: spec ignored\n"
                f"  fix: report it to the authors of {plugin.name!r}",
                PluginWarning,
                stacklevel=2,
            )
    return tuple(kept.values())


def _spec_problem(spec: Any) -> str | None:
    if not isinstance(spec, KernelSpec):
        return f"is a {type(spec).__name__}, not a KernelSpec"
    if not isinstance(spec.id, str) or not spec.id:
        return f"id {spec.id!r} is not a name"
    low, high = spec.operation_versions
    if not 1 <= low <= high:
        return f"operation_versions {spec.operation_versions} is not (first, last)"
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
    """New operations, all of them known from now on. One declared by a decorator registered itself already.

    Raises: DovetailError for what is no operation, or claims the standard's namespace; InvalidNameError for a name that
    is taken. None is registered then.
    """
    operations = tuple(offered)
    for operation in operations:
        if not isinstance(operation, Operation) or operation.name.startswith("dovetail::"):
            raise DovetailError(
                f"plug-in {plugin} offers {operation!r} as an operation",
                expected="an Operation in a namespace of its own, such as acme::attention",
            )
    register_operations(operations)
    return operations
