"""Who can run a call: each installed kernel package, pinned by the policy; each compiler; the decomposition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail_protocols import arrays, selection
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import PluginError
from dovetail_protocols.kernels import CallMeta, Unsupported
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins.discovery import find
from dovetail_protocols.plugins.policy import use
from dovetail_protocols.plugins.versions import offered_by

from ..calls import call_meta
from ..cases import Buffer
from ..device_kernels import to_device, to_host
from ..numpy_dtypes import dovetail_dtype
from ..oracle import REFERENCE
from ..single_nodes import compiled
from .calls import BenchmarkCall

COMPILERS = "dovetail.compilers.v1"
DECOMPOSITION = "decomposition"


@dataclass(frozen=True, slots=True)
class Competitor:
    """One way to run a call: `run` on buffers of a kind of device, None where it refuses, with the reason."""

    name: str
    run: Callable[..., Any] | None
    refusal: str = ""
    device: str = "cpu"

    def buffers(self, inputs: Sequence[Buffer | None]) -> tuple[Any, ...]:
        """Copies of arrays of the host, on the competitor's device."""
        return tuple(None if array is None else to_device(array.copy(), self.device) for array in inputs)

    def results(self, given: Any, *, several: bool) -> tuple[Buffer, ...]:
        """What `run` gave, as arrays of the host; complete."""
        return tuple(np.asarray(to_host(one, self.device)) for one in (given if several else (given,)))


def competitors_for(call: BenchmarkCall, wanted: str) -> list[Competitor]:
    """Every way to run a call: the package `wanted` first, then the other packages that declare the operation, then
    compilers (the call as a graph of one node), then the decomposition, node by node through the reference kernels.

    Each runs on the CPU, or on its own device where it has no kernel for the CPU. A compiler stands for the kernel
    package of its name, which would take only calls large enough to gain eagerly.
    """
    compilers = {plugin.name: plugin for plugin in find(COMPILERS)}
    declared = {name for name in selection.packages() if _devices(name, call.meta.operation.name)}
    found = [_of_compiler(wanted, call) if wanted in compilers else _of_package(wanted, call)]
    found += [_of_other_package(name, call) for name in sorted(declared - {wanted} - set(compilers))]
    found += [_of_compiler(name, call) for name in sorted(set(compilers) - {wanted})]
    if not call.meta.operation.is_primitive and REFERENCE in selection.packages():
        found.append(Competitor(DECOMPOSITION, _decomposed(call)))
    return found


def _devices(name: str, operation: str) -> set[str]:
    """The kinds of devices for which a package has a kernel of an operation."""
    package = selection.packages().get(name)
    return {spec.device for spec in package.specs if spec.operation == operation} if package is not None else set()


def _placed(name: str, call: BenchmarkCall) -> tuple[str, CallMeta]:
    """Where a competitor runs a call, and the call there."""
    kinds = _devices(name, call.meta.operation.name)
    if not kinds or "cpu" in kinds:
        return "cpu", call.meta
    kind = min(kinds)
    return kind, call_meta(call.meta.operation, call.inputs, call.meta.attributes, kind)[0]


def _of_package(name: str, call: BenchmarkCall) -> Competitor:
    kind, meta = _placed(name, call)
    with use(name, only=True):
        chosen = selection.select(meta.operation, meta.operands, meta.attributes)
    if chosen.kernel is not None:
        return Competitor(name, chosen.kernel, device=kind)
    reasons = [decision.reason for decision in chosen.decisions if decision.candidate.package == name]
    return Competitor(name, None, "; ".join(filter(None, reasons)) or "declares no kernel of this operation")


def _of_other_package(name: str, call: BenchmarkCall) -> Competitor:
    unusable = selection.packages()[name].unusable
    return Competitor(name, None, f"can't be used here: {unusable}") if unusable else _of_package(name, call)


def _of_compiler(name: str, call: BenchmarkCall) -> Competitor:
    try:
        compiler: Any = offered_by(next(plugin for plugin in find(COMPILERS) if plugin.name == name))
    except PluginError as error:
        return Competitor(name, None, error.what)
    kind, meta = _placed(name, call)
    unusable = compiler.probe()
    outcome = unusable if unusable is not None else compiled(compiler, meta)
    if isinstance(outcome, Unsupported):
        return Competitor(name, None, outcome.reason)
    return Competitor(name, outcome, device=kind)


def _decomposed(call: BenchmarkCall) -> Callable[..., Any]:
    operation, attributes = call.meta.operation, call.meta.attributes
    wrap = arrays.provider().wrap

    def run(*inputs: Any) -> Any:
        wrapped = [None if x is None else wrap(x, TensorMeta(x.shape, dovetail_dtype(x.dtype))) for x in inputs]
        with use(REFERENCE, only=True), interpreting(None):
            results = operation.decompose(*wrapped, **attributes)
        return tuple(one.payload for one in results) if call.several else np.asarray(results.payload)

    return run
