"""Choices and loops as lax's, and calls of graphs."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.control_flow import divide, scan_length

from .graphs import run_graph
from .registry import lowering


@lowering(ops.cond)
def cond(call: CallMeta, pred: Any, *operands: Any) -> Any:
    true_branch, false_branch = call.attributes["true_branch"], call.attributes["false_branch"]
    return lax.cond(
        pred, lambda *given: run_graph(true_branch, given), lambda *given: run_graph(false_branch, given), *operands
    )


@lowering(ops.while_loop)
def while_loop(call: CallMeta, *operands: Any) -> Any:
    given = call.attributes
    count, limit = given["carry_count"], given["maximum_iterations"]
    carried, constants = operands[:count], operands[count:]

    def holds(state: Any) -> Any:
        verdict = run_graph(given["condition"], (*state[1:], *constants))[0]
        return verdict if limit is None else (state[0] < limit) & verdict

    def step(state: Any) -> Any:
        return (state[0] + 1, *run_graph(given["body"], (*state[1:], *constants)))

    return lax.while_loop(holds, step, (jnp.zeros((), np.int64), *carried))[1:]


@lowering(ops.scan)
def scan(call: CallMeta, *operands: Any) -> Any:
    given = call.attributes
    count = given["carry_count"]
    carried, sequences, constants = divide(operands, count, given["sequence_count"])

    def step(state: Any, elements: Any) -> Any:
        results = run_graph(given["body"], (*state, *elements, *constants))
        return results[:count], results[count:]

    length = scan_length(sequences, given["length"])
    last, stacked = lax.scan(step, tuple(carried), tuple(sequences), length=length, reverse=given["reverse"])
    return (*last, *stacked)


@lowering(ops.custom_call)
def custom_call(call: CallMeta, *operands: Any) -> Any:
    return operands[: call.attributes["result_count"]]


@lowering(ops.rematerialised_call)
def rematerialised_call(call: CallMeta, *operands: Any) -> Any:
    # Without the barrier XLA would find the computation done before, and keep its results after all.
    given = lax.optimization_barrier(operands)  # type: ignore[no-untyped-call] # JAX doesn't annotate it
    return run_graph(call.attributes["body"], given)
