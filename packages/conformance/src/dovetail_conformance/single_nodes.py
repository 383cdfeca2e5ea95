"""Operations as compilers meet them by themselves: a call as a graph of one node, claimed and compiled as a kernel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dovetail_protocols.compilers import CompileOptions, Compiler
from dovetail_protocols.kernels import CallMeta, KernelSpec, Unsupported
from dovetail_protocols.operation import Operation
from dovetail_protocols.registry import all_operations

from .calls import Trial, trials_of
from .case_bank import cases_of
from .graphs import graph_of

VARIABLES = frozenset({"read_variable", "assign_variable"})
KEPT = 64
"""How many compiled calls are kept: more than a trial has, whose levels run in a row."""


def operation_trials(compiler: Compiler, device: str) -> list[Trial]:
    """Every operation of the standard that compilers may claim, in each dtype."""
    bound = _remembering(lambda call: compiled(compiler, call))
    return [
        replace(trial, implementation=bound)
        for operation in all_operations()
        if _is_tried(operation)
        for trial in trials_of(
            KernelSpec(id=operation.short_name, operation=operation.name, implementation="", device=device),
            operation,
            cases_of(operation),
        )
    ]


def _is_tried(operation: Operation) -> bool:
    return not (operation.data_dependent or operation.has_effect or operation.short_name in VARIABLES)


def _remembering(bind: Callable[[CallMeta], Any]) -> Callable[[CallMeta], Any]:
    """The same, that binds each call once for the levels of a trial."""
    kept: OrderedDict[Any, Any] = OrderedDict()

    def bound(call: CallMeta) -> Any:
        key = (call.operation.name, call.operands, tuple(call.attributes.items()))
        if key not in kept:
            kept[key] = bind(call)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        return kept[key]

    return bound


def compiled(compiler: Compiler, call: CallMeta) -> Callable[..., Any] | Unsupported:
    """A call as a kernel: its graph of one node, compiled; or why the compiler doesn't claim it."""
    graph, given = graph_of(call)
    claims = compiler.claim(graph)
    if not any(0 in claim.nodes for claim in claims):
        reasons = [reason for claim in claims for place, reason in claim.refused if place == 0]
        return Unsupported("; ".join(reasons) if reasons else "not claimed")
    try:
        executable = compiler.compile(graph, CompileOptions(strict=True))
    except Exception as error:  # noqa: BLE001 - a compiler may raise anything; it claimed the call
        problem = error

        def fail(*inputs: Any) -> Any:
            raise problem

        return fail

    def run(*inputs: Any) -> Any:
        outputs = executable(*[inputs[place] for place in given])
        return outputs if len(call.results) != 1 or _gives_tuple(call) else outputs[0]

    return run


def _gives_tuple(call: CallMeta) -> bool:
    return isinstance(call.operation.infer_with_values(call.operands, call.attributes), tuple)
