"""Derivatives of graphs, as graphs: what the rules of choices and loops are made of.

A body is linearized once: its forward pass gives, besides its results, the intermediate values that its backward pass
needs (*residuals*), so that a loop keeps them and never computes a step twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.tracing import Trace, TracedValue, trace

from .forward import TangentCarrier
from .seeds import zeros_like
from .tape import Tape, accumulate, alias, pull_back


def differentiable_places(metas: Sequence[TensorMeta]) -> list[int]:
    """The places of floating and complex dtypes."""
    return [place for place, meta in enumerate(metas) if meta.dtype.is_differentiable]


def metas_of(values: Sequence[Any]) -> list[TensorMeta]:
    """The metas of arrays or graph values."""
    return [value.meta for value in values]


def is_symbolic(array: Any) -> bool:
    """Whether an array's value is not known yet, because it belongs to a tracer or a batcher."""
    return hasattr(array.payload, "concretize")


class Linearized:
    """A graph's forward pass that keeps residuals, and its backward pass.

    `forward` takes the graph's inputs, then `constants`; it gives the graph's outputs, then the residuals.
    `wanted` are the places of the inputs that get a cotangent, `given` of the outputs that have one. `needed` are those
    of the inputs that the backward pass looks at.
    """

    def __init__(self, graph: Graph, wanted: Sequence[bool]) -> None:
        self.given = differentiable_places(metas_of(graph.outputs))
        self.wanted = [place for place in differentiable_places(metas_of(graph.inputs)) if wanted[place]]
        self.residual_metas: list[TensorMeta] = []
        self._graph, self._sources = graph, list[tuple[str, Any]]()
        traced = trace(self._run, metas_of(graph.inputs), name=graph.name)
        self.forward, self.constants = traced.graph, traced.captures
        self.needed = sorted({place for kind, place in self._sources if kind == "input"})

    def _run(self, *inputs: Any) -> list[Any]:
        """The forward pass under a tape, inside of a trace; what a trace of the backward pass takes from it by closure
        are the residuals."""
        tape = Tape(current())
        for place in self.wanted:
            tape.watch(inputs[place])
        with interpreting(tape):
            outputs = evaluate(self._graph, inputs)
        tape.is_recording = False
        differentiated = [outputs[place] for place in self.given]
        backward = trace(
            lambda *cotangents: _pull(tape, differentiated, cotangents, [inputs[place] for place in self.wanted]),
            metas_of(differentiated),
            name=f"{self._graph.name}_gradient",
        )
        self._backward = backward.graph
        residuals = self._classify(backward, inputs)
        self.residual_metas = metas_of(residuals)
        return [*outputs, *residuals]

    def _classify(self, backward: Trace, inputs: Sequence[Any]) -> list[Any]:
        """Notes where each capture of the backward pass comes from; gives the residuals among them, each once."""
        arguments = {array.payload.value.number: place for place, array in enumerate(inputs)}
        residuals: dict[int, Any] = {}
        for capture in backward.captures:
            payload: Any = capture.payload
            if type(payload) is not TracedValue or payload.owner is not current():
                self._sources.append(("constant", capture))
            elif payload.value.number in arguments:
                self._sources.append(("input", arguments[payload.value.number]))
            else:
                number = payload.value.number
                residuals.setdefault(number, capture)
                self._sources.append(("residual", list(residuals).index(number)))
        return list(residuals.values())

    def pull(self, cotangents: Sequence[Any], inputs: Mapping[int, Any], residuals: Sequence[Any]) -> tuple[Any, ...]:
        """Cotangents of the wanted inputs, from those of the given outputs, under the current interpreter."""
        places: dict[str, Callable[[Any], Any]] = {
            "constant": lambda array: array,
            "input": lambda place: inputs[place],
            "residual": lambda place: residuals[place],
        }
        return evaluate(self._backward, (*cotangents, *(places[kind](what) for kind, what in self._sources)))


def _pull(tape: Tape, outputs: Sequence[Any], cotangents: Sequence[Any], sources: Sequence[Any]) -> list[Any]:
    seeds: dict[int, Any] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        accumulate(seeds, output, cotangent)
    found = pull_back(tape, seeds, sources)
    return [zeros_like(one) if given is None else given for one, given in zip(sources, found, strict=True)]


def run_taped(
    function: Callable[..., Any], operands: Sequence[Any], wanted: Sequence[bool]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The results of a function on arrays, and the pullback of exactly what was executed.

    `pullback(cotangents)` takes one for each result, and gives one for each operand, None where nothing flows or none
    is wanted.
    """
    sources = [alias(operand) for operand in operands]
    tape = Tape(current())
    for source, watched in zip(sources, wanted, strict=True):
        if watched and source.dtype.is_differentiable:
            tape.watch(source)
    with interpreting(tape):
        results = function(*sources)
    tape.is_recording = False

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        seeds: dict[int, Any] = {}
        for result, cotangent in zip(results, cotangents, strict=True):
            accumulate(seeds, result, cotangent)
        return tuple(pull_back(tape, seeds, sources))

    return results, pullback


def push_forward(graph: Graph, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """A graph's outputs, and tangents of those that are differentiable, from its inputs' (None for zero)."""
    carrier = TangentCarrier(current())
    arrays = [alias(primal) for primal in primals]
    for array, tangent in zip(arrays, tangents, strict=True):
        carrier.carry(array, tangent)
    with interpreting(carrier):
        outputs = evaluate(graph, tuple(arrays))
    differentiated = [outputs[place] for place in differentiable_places(metas_of(outputs))]
    pushed = [carrier.tangents.get(id(output)) for output in differentiated]
    return outputs, [
        zeros_like(output) if tangent is None else tangent
        for output, tangent in zip(differentiated, pushed, strict=True)
    ]
