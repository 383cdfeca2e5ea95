"""Which kernel runs a call: every candidate is looked at in order, and every "no" carries its reason.

Order: the user's policy, then higher priority, then the narrower declaration, then the distribution's name.
"""

from __future__ import annotations

import threading
from importlib import import_module

from . import kernel_packages, usage
from .errors import KernelError, KernelNotFoundError
from .kernel_packages import GROUP, Package, packages, require_named, require_package
from .kernels import CallMeta, Unsupported
from .operation import Operation
from .plugins.fence import fenced, tell_output
from .plugins.policy import Policy, current_policy
from .records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .kernels import Implementation, Kernel, KernelSpec
    from .metas import TensorMeta

_lock = threading.RLock()
_indexed: Mapping[str, Package] = {}
"""The packages that the index is of."""
_index: dict[tuple[str, str], list[Candidate]] = {}
_implementations: dict[tuple[str, str], Implementation] = {}
_broken: dict[tuple[str, str], str] = {}
_told_ties: set[tuple[str, str, str, str]] = set()

__all__ = ["GROUP", "Package", "packages", "require_named", "require_package"]


@record
class Candidate:
    """One kernel of one package."""

    package: str
    distribution: str
    spec: KernelSpec


@record
class Decision:
    """What became of one candidate: `reason` is None for the one that was chosen. `by_user`: the policy refused it."""

    candidate: Candidate
    reason: str | None
    by_user: bool = False


@record
class Selection:
    """The outcome for one call: the kernel and where it comes from, or None; every candidate looked at; the call."""

    kernel: Kernel | None
    chosen: Candidate | None
    decisions: tuple[Decision, ...]
    call: CallMeta | None = None

    @property
    def is_per_dtype(self) -> bool:
        """Whether the outcome holds for all shapes: no candidate that looks at shapes was in the way."""
        looked_at = [decision.candidate.spec for decision in self.decisions]
        return all(spec.binding == "per_dtype" for spec in looked_at)


def forget() -> None:
    """Forgets all packages, kernels and choices; they are found anew at next need."""
    global _indexed
    with _lock:
        kernel_packages.forget()
        usage.forget()
        _indexed = {}
        _index.clear()
        _implementations.clear()
        _broken.clear()
        _told_ties.clear()
    for listener in _listeners:
        listener()


_listeners: list[Callable[[], None]] = []


def on_forget(listener: Callable[[], None]) -> Callable[[], None]:
    """Registers a function that drops whatever an evaluator remembers of selections, called when they become void."""
    _listeners.append(listener)
    return listener


def _build_index(found: Mapping[str, Package]) -> None:
    _index.clear()
    for name, package in found.items():
        for spec in package.specs:
            _index.setdefault((spec.operation, spec.device), []).append(
                Candidate(name, package.plugin.distribution, spec)
            )
    for candidates in _index.values():
        candidates.sort(key=_order)


def _order(candidate: Candidate) -> tuple[int, int, str, str]:
    width = sum(len(names) for names in candidate.spec.dtypes.values()) or 99
    return (-candidate.spec.priority, width, candidate.distribution, candidate.spec.id)


def candidates(operation: Operation, device: str, policy: Policy | None = None) -> list[Candidate]:
    """Kernels declared for an operation on a kind of device, best first under the policy.

    Raises: PluginError where the policy prefers a package that isn't there or is broken.
    """
    global _indexed
    policy = policy or current_policy()
    for name in policy.preferred:
        require_named(name)
    with _lock:
        if _indexed is not packages():
            _indexed = packages()
            _build_index(_indexed)
        found = _index.get((operation.name, device), [])
    rank = {name: place for place, name in enumerate(policy.preferred)}
    return sorted(found, key=lambda candidate: rank.get(candidate.package, len(rank)))


def select(operation: Operation, metas: tuple[TensorMeta | None, ...], attributes: Mapping[str, Any]) -> Selection:
    """The kernel for a call, bound to it. Not memoised here: evaluators keep what they bind.

    The call must be valid: `infer` is asked for the results' metas, and raises what is wrong with it.

    Raises: PluginError where the user prefers a package that isn't there or is broken.
    """
    results = operation.infer_with_values(metas, attributes)
    call = CallMeta(operation, metas, attributes, results if isinstance(results, tuple) else (results,))
    device = _place_of((*call.operands, *call.results))
    policy = current_policy()
    decisions: list[Decision] = []
    for candidate in candidates(operation, device, policy):
        outcome = _consider(candidate, call, policy)
        if isinstance(outcome, str):
            decisions.append(Decision(candidate, outcome, policy.refuses(candidate.package) is not None))
            continue
        decisions.append(Decision(candidate, None))
        _tell_tie(candidate, call, policy)
        return Selection(outcome, candidate, tuple(decisions), call)
    return Selection(None, None, tuple(decisions), call)


def _tell_tie(chosen: Candidate, call: CallMeta, policy: Policy) -> None:
    """Warns, once for two kernels, where another package's would do as well and nothing but its declaration's width or
    its distribution's name put it behind."""
    from .plugins.telling import tell

    if chosen.package in policy.preferred:
        return
    for other in candidates(call.operation, chosen.spec.device, policy):
        if other.package == chosen.package or other.spec.priority != chosen.spec.priority:
            continue
        pair = (chosen.package, chosen.spec.id, other.package, other.spec.id)
        if pair in _told_ties or _refusal(other, call, policy):
            continue
        _told_ties.add(pair)
        tell(
            f"kernels {chosen.package}/{chosen.spec.id} and {other.package}/{other.spec.id} both take "
            f"{call.operation.short_name} with priority {chosen.spec.priority}\n"
            f"  effect: {chosen.package}/{chosen.spec.id} is used\n"
            f"  fix: pin one of them, DOVETAIL_KERNELS={chosen.package} or DOVETAIL_KERNELS={other.package}"
        )


def explain(operation: Operation, metas: tuple[TensorMeta | None, ...], attributes: Mapping[str, Any]) -> str:
    """Each candidate for a call, accepted or why not, as text."""
    selection = select(operation, metas, attributes)
    shown = ", ".join("None" if meta is None else str(meta) for meta in metas)
    lines = [f"{operation.short_name}({shown})"]
    for decision in selection.decisions:
        spec = decision.candidate.spec
        verdict = "used" if decision.reason is None else f"no: {decision.reason}"
        lines.append(f"  {decision.candidate.package}/{spec.id} (priority {spec.priority}): {verdict}")
    if selection.kernel is None:
        lines.append("  decomposition: used" if not operation.is_primitive else "  nothing can run it")
    served = {use.runner: 0 for use in usage.uses() if use.operation == operation.name}
    for use, times in usage.uses().items():
        if use.operation == operation.name:
            served[use.runner] += times
    if served:
        lines.append("  so far in this process: " + ", ".join(f"{runner} ×{n}" for runner, n in served.items()))
    return "\n".join(lines)


def not_found(
    operation: Operation,
    metas: tuple[TensorMeta | None, ...],
    selection: Selection,
    attributes: Mapping[str, Any] | None = None,
) -> KernelNotFoundError:
    """The error for a call that nothing can run, with every candidate and its reason. The attributes say where an
    operation without operands should have run."""
    shown = ", ".join("None" if meta is None else str(meta) for meta in metas)
    place = _place_of(metas)
    if not metas and attributes is not None:
        results = operation.infer_with_values(metas, attributes)
        place = _place_of(results if isinstance(results, tuple) else (results,))
    tried = "; ".join(f"{d.candidate.package}/{d.candidate.spec.id}: {d.reason}" for d in selection.decisions)
    if any(decision.by_user for decision in selection.decisions):
        fix = "allow a package again that use(...) or DOVETAIL_KERNELS leaves out"
    elif place == "cpu":
        fix = "install a kernel package (pip install dovetail-kernels-numpy), or convert the operands' dtype"
    else:
        fix = f"install a kernel package for {place!r}, or move the operands with .to_device('cpu')"
    return KernelNotFoundError(
        f"no kernel for {operation.short_name}({shown}) on {place!r}",
        cause=f"tried: {tried}" if tried else _nobody_declares(operation, place),
        fix=fix,
    )


def _nobody_declares(operation: Operation, place: str) -> str:
    offered = [name for name, package in packages().items() if any(spec.device == place for spec in package.specs)]
    others = f"{', '.join(offered)} has no kernel for it" if offered else f"none has kernels for {place!r} at all"
    return f"no installed kernel package declares {operation.short_name} for device {place!r}: {others}"


def kernel_failure(chosen: Candidate | None, call: str, error: BaseException) -> KernelError:
    """The error for a kernel that raised while it ran. `call`: "matmul(float32[2,3], float32[3,4])"."""
    assert chosen is not None  # it was chosen, or it would not have run
    return KernelError(
        f"kernel {chosen.package}/{chosen.spec.id} failed for {call}",
        cause=f"{type(error).__name__}: {error}",
        effect="no other kernel was tried in its place",
        fix=f"rerun with DOVETAIL_KERNELS=-{chosen.package} to compare",
    )


def _place_of(metas: Sequence[TensorMeta | None]) -> str:
    return next((meta.device.kind for meta in metas if meta is not None), "cpu")


def _refusal(candidate: Candidate, call: CallMeta, policy: Policy) -> str | None:
    """Why a candidate can't be it, by what it declares and what is known of it; or None."""
    refused = policy.refuses(candidate.package) or packages()[candidate.package].unusable
    if refused:
        return refused
    spec, operation = candidate.spec, call.operation
    low, high = spec.operation_versions
    if not low <= operation.version <= high:
        return f"speaks versions {low} to {high} of the operation, this is {operation.version}"
    return _undeclared_dtype(spec, call) or _broken.get((candidate.package, spec.id))


def _consider(candidate: Candidate, call: CallMeta, policy: Policy) -> Kernel | str:
    """The bound kernel, or why it can't be this one."""
    refusal = _refusal(candidate, call, policy)
    if refusal is not None:
        return refusal
    try:
        outcome: Any = _implementation(candidate)(call)
        if not (callable(outcome) or isinstance(outcome, Unsupported)):
            raise TypeError(f"{candidate.spec.implementation} gave {outcome!r}, neither a kernel nor Unsupported")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
        _mark_broken(candidate, error)
        return _broken[candidate.package, candidate.spec.id]
    if isinstance(outcome, Unsupported):
        return str(outcome.reason).strip() or "refused without a reason"
    kernel: Kernel = outcome
    return kernel


def _undeclared_dtype(spec: KernelSpec, call: CallMeta) -> str | None:
    if not spec.dtypes:
        return None
    from .binding import operand_of

    for position, meta in enumerate(call.operands):
        if meta is None:
            continue
        declared = spec.dtypes.get(operand_of(call.operation, position).type_variable)
        if declared is not None and meta.dtype.name not in declared:
            return f"dtype {meta.dtype} not declared"
    return None


def _implementation(candidate: Candidate) -> Implementation:
    key = (candidate.package, candidate.spec.id)
    found = _implementations.get(key)
    if found is None:
        module, _, attribute = candidate.spec.implementation.partition(":")
        plugin = packages()[candidate.package].plugin
        with fenced(plugin, f"importing {module}"):
            found = _implementations[key] = getattr(import_module(module), attribute)
        tell_output(plugin)
    return found


def _mark_broken(candidate: Candidate, error: BaseException) -> None:
    from .plugins.telling import tell

    key = (candidate.package, candidate.spec.id)
    command = "conformance" if key in _implementations else "doctor"  # doctor imports, the kit binds too
    _broken[key] = f"broken: {type(error).__name__}: {error}"
    tell(
        f"kernel {candidate.package}/{candidate.spec.id} could not be bound\n"
        f"  cause: {type(error).__name__}: {error}\n"
        f"  effect: it is not used in this process\n"
        f"  fix: reinstall {candidate.distribution}, or set DOVETAIL_KERNELS=-{candidate.package}; "
        f"details: dovetail {command} {candidate.package}"
    )
