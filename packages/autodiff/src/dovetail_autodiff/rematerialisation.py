"""rematerialise: compute again in the backward pass, rather than keep."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider
from dovetail_protocols.dispatch import current
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.tracing import trace

from .extend import batching_of, gradient_of, jvp_of
from .forward import jvp
from .reverse import outputs_of, vjp
from .seeds import zeros_like
from .structure import Structure, flatten, unflatten
from .vectorize import vmap


def rematerialise(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of which a tape keeps only the arguments: what happens inside is computed again when the
    backward pass needs it. Memory for one more forward pass.

    Arrays and variables that it closes over get their gradients too. Under a tape or a tracer it is traced at each
    call, so that what holds in traced functions holds inside: no Python `if` on a tensor.

    Source: TensorFlow, tf.recompute_grad; T. Chen et al., "Training deep nets with sublinear memory cost", 2016.
    """

    @wraps(function, updated=())
    def wrapped(*args: Any, **keywords: Any) -> Any:
        if current() is None:
            return function(*args, **keywords)
        is_array = provider().is_array
        leaves, structure = flatten((args, keywords))
        places = [place for place, leaf in enumerate(leaves) if is_array(leaf)]
        returned: list[Structure] = []

        def body(*arrays: Any) -> list[Any]:
            filled = list(leaves)
            for place, array in zip(places, arrays, strict=True):
                filled[place] = array
            inner_args, inner_keywords = unflatten(structure, filled)
            outputs, returned_structure = outputs_of(function(*inner_args, **inner_keywords), "rematerialise")
            returned.append(returned_structure)
            return outputs

        arrays = [leaves[place] for place in places]
        name = getattr(function, "__name__", "rematerialised")
        traced = trace(body, [array.meta for array in arrays], name=name)
        read = [ops.read_variable(variable) for variable in traced.variables]
        outputs = ops.rematerialised_call(*arrays, *traced.captures, *read, body=traced.graph)
        for variable, value in zip(traced.assigned, outputs[traced.result_count :], strict=True):
            ops.assign_variable(variable, value)
        return unflatten(returned[0], outputs[: traced.result_count])

    return wrapped


def _of_differentiable(operands: tuple[Any, ...], body: Graph) -> tuple[list[int], Callable[..., Any]]:
    """Which operands can be differentiated, and the graph's outputs as a function of those."""
    places = [place for place, operand in enumerate(operands) if operand.dtype.is_differentiable]

    def of_places(*chosen: Any) -> tuple[Any, ...]:
        filled = list(operands)
        for place, operand in zip(places, chosen, strict=True):
            filled[place] = operand
        return evaluate(body, tuple(filled))

    return places, of_places


@gradient_of(ops.rematerialised_call)
def rematerialised_call_gradient(cotangents: Any, results: Any, *operands: Any, body: Graph) -> Any:
    places, of_places = _of_differentiable(operands, body)
    _, pullback = vjp(of_places, *(operands[place] for place in places))
    found = dict(zip(places, pullback(cotangents), strict=True))
    return tuple(found.get(place) for place in range(len(operands)))


@jvp_of(ops.rematerialised_call)
def rematerialised_call_forward(tangents: Any, results: Any, *operands: Any, body: Graph) -> Any:
    places, of_places = _of_differentiable(operands, body)
    given = [zeros_like(operands[p]) if tangents[p] is None else tangents[p] for p in places]
    return jvp(of_places, tuple(operands[p] for p in places), tuple(given))[1]


@batching_of(ops.rematerialised_call)
def rematerialised_call_batching(size: int, is_batched: Any, *operands: Any, body: Graph) -> Any:
    axes = tuple(0 if batched else None for batched in is_batched)
    whole = vmap(lambda *inputs: evaluate(body, inputs), in_axes=axes)
    graph = trace(lambda *inputs: whole(*inputs), [operand.meta for operand in operands], name=body.name).graph
    return ops.rematerialised_call(*operands, body=graph)
