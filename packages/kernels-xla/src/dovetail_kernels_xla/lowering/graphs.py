"""Graphs as functions of JAX arrays: each node by its lowering, a composite without one by its decomposition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.dtypes import DType, dtype
from dovetail_protocols.graph import Graph, Node
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import CPU, TensorMeta
from dovetail_protocols.records import replace
from dovetail_protocols.tracing import trace

from ..dtypes import is_narrow, numpy_dtype
from .registry import LOWERINGS

WIDENED_FAMILIES = frozenset(
    {
        *("activations", "softmax", "losses", "batch_norms", "layer_norms", "normalization", "statistics", "norms"),
        *("exponential", "optimizer_updates"),
    }
)
"""The files of composites that are formulas of many steps: in narrow dtypes they are computed in float32."""


def run_graph(graph: Graph, operands: Sequence[Any], constants: Mapping[int, Any] | None = None) -> tuple[Any, ...]:
    """The outputs of a graph for JAX arrays. `constants` has arrays by the number of their value, in place of the
    graph's own."""
    values = dict(zip((value.number for value in graph.inputs), operands, strict=True))
    for constant in graph.constants:
        number = constant.value.number
        values[number] = constants[number] if constants and number in constants else host_array(constant.array)
    for node in graph.nodes:
        given = tuple(None if value is None else values[value.number] for value in node.inputs)
        results = run_node(node, given)
        values.update(zip((value.number for value in node.outputs), results, strict=True))
    return tuple(values[value.number] for value in graph.outputs)


def run_node(node: Node, operands: Sequence[Any]) -> tuple[Any, ...]:
    """The results of a node, which have the shapes and dtypes that it declares."""
    metas = tuple(None if value is None else value.meta for value in node.inputs)
    return run_call(
        CallMeta(node.operation, metas, node.attributes, tuple(value.meta for value in node.outputs)), operands
    )


def run_call(call: CallMeta, operands: Sequence[Any]) -> tuple[Any, ...]:
    """The results of a call, which have the shapes and dtypes that it declares."""
    lowered = LOWERINGS.get(call.operation)
    given = [None if operand is None else jnp.asarray(operand) for operand in operands]
    found = _decomposed(call, given) if lowered is None else lowered(call, *given)
    results = tuple(found) if isinstance(found, (tuple, list)) else (found,)
    for result, meta in zip(results, call.results, strict=True):
        declared = tuple(meta.shape), numpy_dtype(meta.dtype)
        assert (result.shape, result.dtype) == declared, (call.operation.name, result.shape, result.dtype, declared)
    return results


def _decomposed(call: CallMeta, operands: Sequence[Any]) -> Sequence[Any]:
    widens = call.operation.source_file in WIDENED_FAMILIES
    if widens:
        operands = [x.astype(np.float32) if x is not None and is_narrow(x.dtype) else x for x in operands]
    graph, captures = decomposition(call, widens=widens)
    present = [operand for operand in operands if operand is not None]
    results = run_graph(graph, (*present, *map(host_array, captures)))
    return [result.astype(numpy_dtype(meta.dtype)) for result, meta in zip(results, call.results, strict=True)]


def decomposition(call: CallMeta, *, widens: bool = False) -> tuple[Graph, Sequence[Any]]:
    """A composite as a graph of simpler operations, whose inputs are the operands that are there and what it captures.

    It is traced as if for the CPU, whatever the device: what JAX is told of it has no devices, and constants are read
    on the host.
    """
    metas = [None if meta is None else _placeless(meta, widens=widens) for meta in call.operands]

    def body(*arrays: Any) -> tuple[Any, ...]:
        given = iter(arrays)
        result = call.operation.decompose(*(None if meta is None else next(given) for meta in metas), **attributes)
        return result if isinstance(result, tuple) else (result,)

    attributes = {name: None if name == "device" else value for name, value in call.attributes.items()}
    with interpreting(None):
        traced = trace(body, [meta for meta in metas if meta is not None], name=call.operation.short_name)
    return traced.graph, traced.captures


def _placeless(meta: TensorMeta, *, widens: bool) -> TensorMeta:
    return replace(meta, device=CPU, dtype=_wide(meta.dtype) if widens else meta.dtype)


def _wide(given: DType) -> DType:
    return dtype("float32") if given.is_floating and given.size_bytes < 4 else given


def host_array(array: Any) -> Any:
    """A constant's contents as a NumPy array, wherever it lies."""
    return np.asarray(array.payload)
