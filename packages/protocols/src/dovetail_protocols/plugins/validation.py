"""What a kernel package says of itself, checked before any of it is used: all that is sound is kept, the rest named."""

from __future__ import annotations

from .. import dtypes
from ..errors import DovetailError, PluginError
from ..kernels import KernelSpec
from ..operation import CONSTRAINTS, Operation
from ..registry import register_operations
from .discovery import Plugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_VARIABLES = frozenset(variable for variable, _ in CONSTRAINTS.values())
_DTYPES = frozenset(known.name for known in dtypes.ALL)
_LAYOUTS = frozenset({"strided", "contiguous"})
_BINDINGS = frozenset({"per_shape", "per_dtype"})
_PLAIN_FIELDS = {
    "operation": str,
    "implementation": str,
    "device": str,
    "priority": int,
    "deterministic": bool,
    "tolerance": str,
    "binding": str,
}
SPEC_LIMIT = 10_000
"""More kernels than this are a mistake: the standard has some 230 operations, and a spec can name many dtypes."""
PROBLEMS_SHOWN = 10


def unusable_reason(answer: Any) -> str | None:
    """Why a plug-in can't be used on this machine, from what its `probe()` gave: None, or Unsupported(reason).

    Raises: TypeError for any other answer.
    """
    if answer is None:
        return None
    reason = getattr(answer, "reason", None)
    if not isinstance(reason, str):
        raise TypeError(f"probe() gave {answer!r:.80}, neither None nor Unsupported(reason)")
    return reason.strip() or "refused without a reason"


def checked_specs(plugin: Plugin, offered: Iterable[Any]) -> tuple[tuple[KernelSpec, ...], list[str]]:
    """The sound specs, and what to say of the others, of which the first ten are told in full.

    Raises: PluginError for more specs than SPEC_LIMIT, TypeError for what isn't a sequence of them.
    """
    kept: dict[str, KernelSpec] = {}
    problems: list[str] = []
    for number, spec in enumerate(offered):
        if number == SPEC_LIMIT:
            raise PluginError(f"kernels() gives more than {SPEC_LIMIT} kernels", fix="declare one for each operation")
        try:
            problem = _spec_problem(spec)
            if problem is None and spec.id in kept:
                problem = f"id {spec.id!r} is used twice"
        except Exception as error:  # noqa: BLE001 - a field may be anything, and raise when it is looked at
            problem = f"can't be read: {type(error).__name__}: {error}"
        if problem is None:
            kept[spec.id] = spec
        else:
            problems.append(f"plug-in {plugin} spec {_name_of(spec)!r}: {problem}")
    more = len(problems) - PROBLEMS_SHOWN
    if more > 0:
        problems[PROBLEMS_SHOWN:] = [f"plug-in {plugin}: {more} more specs are malformed"]
    return tuple(kept.values()), [_ignored(text, plugin) for text in problems]


def _name_of(spec: Any) -> Any:
    if isinstance(spec, KernelSpec):
        return spec.id
    return f"{spec!r:.60}"


def _ignored(what: str, plugin: Plugin) -> str:
    return f"{what}\n  effect: spec ignored\n  fix: report it to the authors of {plugin.name!r}"


def _spec_problem(spec: Any) -> str | None:
    if not isinstance(spec, KernelSpec):
        return f"is a {type(spec).__name__}, not a KernelSpec"
    if not isinstance(spec.id, str) or not spec.id:
        return f"id {spec.id!r} is not a name"
    for field, kind in _PLAIN_FIELDS.items():
        value = getattr(spec, field)
        if type(value) is not kind:
            return f"{field} {value!r} is a {type(value).__name__}, not {kind.__name__}"
    low, high = spec.operation_versions
    if not 1 <= low <= high:
        return f"operation_versions {spec.operation_versions} is not (first, last)"
    declared: Mapping[str, Any] = spec.dtypes
    for variable, names in declared.items():
        if variable not in _VARIABLES:
            return f"dtypes has the type variable {variable!r}; known: {', '.join(sorted(_VARIABLES))}"
        if isinstance(names, str):
            return f"dtypes[{variable!r}] is the string {names!r}, not a set of names"
        unknown = sorted(set(names) - _DTYPES)
        if unknown:
            return f"dtypes[{variable!r}] has {unknown[0]!r}; known: {', '.join(sorted(_DTYPES))}"
    layouts: Any = spec.layouts
    if isinstance(layouts, str):
        return f"layouts is the string {layouts!r}, not a set of names"
    if not set(layouts) or set(layouts) - _LAYOUTS:
        return f"layouts {sorted(layouts)}; known: {', '.join(sorted(_LAYOUTS))}"
    if spec.binding not in _BINDINGS:
        return f"binding {spec.binding!r}; known: {', '.join(sorted(_BINDINGS))}"
    module, colon, attribute = spec.implementation.partition(":")
    if not (module and colon and attribute):
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
