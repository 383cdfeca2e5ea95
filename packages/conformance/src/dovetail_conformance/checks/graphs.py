"""L3 to L5 of compilers: what they make of a graph's parts gives what kernels give node by node, keeps the contract of
executables, and has right gradients.

A part and the kernels both round, each node of it; so a result may be off by twice the tolerance of one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.compilers import Compiler
from dovetail_protocols.kernels import KernelSpec

from ..cases import Buffer
from ..device_kernels import on_host, to_device, to_host
from ..graph_calls import GraphTrial, Part, TracedGraph, node_by_node, operands_of, parts_of, traced
from ..layouts import place
from ..numpy_dtypes import numpy_dtype
from ..threads import in_threads
from ..tolerances import FACTORS, difference, is_inexact, unit
from .gradients import MARGIN

REPETITIONS = 3
UNDONATED: frozenset[int] = frozenset()


def number_problems(compiler: Compiler, trial: GraphTrial) -> list[str] | None:
    """L5: outputs of the parts that are wrong beside kernels that run node by node, in two layouts. None: no parts."""
    parts = parts_of(compiler, traced(trial))
    return [text for part in parts for text in _each(part, trial, _number_problems)] if parts else None


def contract_problems(compiler: Compiler, trial: GraphTrial) -> list[str] | None:
    """L3: what the parts do that they must not do. None: no parts are claimed."""
    checks = (_writing_problems, _repetition_problems, _thread_problems, _donation_problems)
    found = traced(trial)
    parts = parts_of(compiler, found)
    if not parts:
        return None
    constants = [(constant, np.array(constant.array.payload)) for constant in _on_the_cpu(trial, found)]
    problems = [text for part in parts for check in checks for text in _each(part, trial, check)]
    changed = any(before.tobytes() != np.asarray(constant.array.payload).tobytes() for constant, before in constants)
    return [*problems, "a constant of the graph was written to"] if changed else problems


def _on_the_cpu(trial: GraphTrial, found: TracedGraph) -> Sequence[Any]:
    return found.graph.constants if trial.device == "cpu" else ()


def _each(part: Part, trial: GraphTrial, check: Callable[[Part, GraphTrial], list[str]]) -> list[str]:
    """What a check finds, naming the part; or that it raised."""
    try:
        found = check(part, trial)
    except Exception as error:  # noqa: BLE001 - a compiler may raise anything; it claimed the part
        found = [f"raised {type(error).__name__}: {error}"]
    return [f"({part}) {text}" for text in found]


def _executable(part: Part, trial: GraphTrial) -> Any:
    """The part compiled without donations, called with arrays of the host."""
    spec = KernelSpec(id=part.graph.name, operation="", implementation="", device=trial.device)
    return on_host(part.compiled(UNDONATED), spec)


def _run(executable: Any, inputs: Sequence[Buffer]) -> list[Buffer]:
    with np.errstate(all="ignore"):
        given = executable(*inputs)
    if not isinstance(given, tuple):
        raise TypeError(f"it gave a {type(given).__name__}, not a tuple of outputs")
    return [np.asarray(array) for array in given]


def _number_problems(part: Part, trial: GraphTrial) -> list[str]:
    executable = _executable(part, trial)
    found = []
    for layout in ("contiguous", "transposed"):
        given = _run(executable, [place(array, layout).array for array in part.inputs])
        found += [f"{layout}: {text}" for text in _differences(part, given)]
    return found


def _differences(part: Part, given: Sequence[Buffer]) -> list[str]:
    if len(given) != len(part.expected):
        return [f"gave {len(given)} outputs; the graph has {len(part.expected)}"]
    dtypes = [numpy_dtype(value.meta.dtype.name) for value in part.graph.values()]
    eps = max((unit(dtype) for dtype in dtypes), default=0.0)
    found = []
    for number, (got, right, value) in enumerate(zip(given, part.expected, part.graph.outputs, strict=True)):
        if got.shape != value.meta.shape or got.dtype != right.dtype:
            found.append(f"output {number} is {got.dtype.name}{list(got.shape)}, not {value.meta}")
            continue
        text = difference(got, right, eps if is_inexact(got.dtype) else 0.0, 2 * FACTORS["default"])
        if text is not None:
            found.append(f"output {number}: {text}")
    return found


# ---------------------------------------------------------------------- contract


def _writing_problems(part: Part, trial: GraphTrial) -> list[str]:
    executable = _executable(part, trial)
    placed = [place(array) for array in part.inputs]
    before = [one.snapshot() for one in placed]
    kept = _run(executable, [one.array for one in placed])
    found = [
        f"wrote into or around input {number}"
        for number, (one, bytes_before) in enumerate(zip(placed, before, strict=True))
        if one.snapshot() != bytes_before
    ]
    held = [array.tobytes() for array in kept]
    _run(executable, _others(part))
    if [array.tobytes() for array in kept] != held:
        found.append("wrote into the outputs of an earlier call")
    return found


def _repetition_problems(part: Part, trial: GraphTrial) -> list[str]:
    executable = _executable(part, trial)
    inputs = [place(array).array for array in part.inputs]
    for array in inputs:
        array.flags.writeable = False
    runs = {tuple(array.tobytes() for array in _run(executable, inputs)) for _ in range(REPETITIONS)}
    return ["gave other outputs for the same inputs"] if len(runs) > 1 else []


def _thread_problems(part: Part, trial: GraphTrial) -> list[str]:
    """Two threads with different inputs: memory that calls share would mix them up."""
    executable = _executable(part, trial)
    found: list[str] = []

    def bytes_of(inputs: Sequence[Buffer]) -> list[bytes]:
        return [array.tobytes() for array in _run(executable, inputs)]

    def run(inputs: Sequence[Buffer], alone: list[bytes]) -> None:
        if any(bytes_of(inputs) != alone for _ in range(REPETITIONS)):
            found.append("gave other outputs while another thread ran it too")

    raised = in_threads([partial(run, inputs, bytes_of(inputs)) for inputs in (part.inputs, _others(part))])
    found += [f"raised in two threads {type(error).__name__}: {error}" for error in raised]
    return found[:1]


def _others(part: Part) -> tuple[Buffer, ...]:
    """Inputs of the same shapes and other values."""
    return tuple(place(np.flip(array)).array for array in part.inputs)


def _donation_problems(part: Part, trial: GraphTrial) -> list[str]:
    """With the buffers of variables donated, outputs are still right, and other inputs stay as they were."""
    donated = frozenset(state.input for state in part.graph.states if state.output is not None)
    if not donated:
        return []
    placed = [place(array) for array in part.inputs]
    before = [one.snapshot() for one in placed]
    with np.errstate(all="ignore"):
        outputs = part.compiled(donated)(*[to_device(one.array, trial.device) for one in placed])
    given = [np.asarray(to_host(output, trial.device)) for output in outputs]
    found = [f"with donated inputs: {text}" for text in _differences(part, given)]
    for number, (one, bytes_before) in enumerate(zip(placed, before, strict=True)):
        if one.strays() or (number not in donated and one.snapshot() != bytes_before):
            found.append(f"with donated inputs: wrote {'around' if number in donated else 'into'} input {number}")
    return found


# ---------------------------------------------------------------------- gradients


def gradient_problems(compiler: Compiler, trial: GraphTrial, gradients: Any) -> list[str] | None:
    """L4: what the parts of a graph of a value and its gradients give, beside kernels and finite differences. None: no
    parts are claimed."""
    found = traced(trial, lambda *operands: _with_gradients(trial, gradients, operands))
    parts = parts_of(compiler, found)
    if not parts:
        return None
    computed: dict[int, Buffer] = {}
    problems: list[str] = []
    for part in parts:
        problems += _each(part, trial, _number_problems)
        if not problems:
            given = _run(_executable(part, trial), part.inputs)
            computed |= {value.number: array for value, array in zip(part.graph.outputs, given, strict=True)}
    numerical = _finite_differences(trial)
    for number, (value, right) in enumerate(zip(found.graph.outputs[1:], numerical, strict=True)):
        room = MARGIN * unit(np.dtype(trial.dtype)) ** (2 / 3) * max(1.0, float(np.abs(right).max(initial=0.0)))
        if value.number in computed and not np.all(np.abs(computed[value.number] - right) <= room):
            worst = float(np.abs(computed[value.number] - right).max())
            problems.append(f"the gradient for operand {number} is off finite differences by {worst:.2g}")
    return problems


def _with_gradients(trial: GraphTrial, gradients: Any, operands: Sequence[Any]) -> Sequence[Any]:
    value, slopes = gradients.value_and_gradients(lambda *given: _total(trial, given), operands)
    return [value, *slopes]


def _total(trial: GraphTrial, operands: Sequence[Any]) -> Any:
    """The sum of all elements of all outputs, squared so that no two of them have the same gradient."""
    sums = [ops.sum(ops.square(output)) for output in trial.case.function(*operands)]
    total = sums[0]
    for one in sums[1:]:
        total = total + one
    return total


def _finite_differences(trial: GraphTrial) -> list[Buffer]:
    """The gradient of `_total` for each operand, by central differences of kernels run node by node."""
    graph = traced(GraphTrial(trial.case, trial.dtype), lambda *operands: [_total(trial, operands)]).graph
    operands = operands_of(trial)
    step = unit(np.dtype(trial.dtype)) ** (1 / 3)
    slopes = []
    for place_of, operand in enumerate(operands):
        slope = np.zeros(operand.shape)
        for index in np.ndindex(operand.shape):
            ends = []
            for sign in (1, -1):
                moved = operand.copy()
                moved[index] += sign * step
                inputs = [*operands[:place_of], moved, *operands[place_of + 1 :]]
                ends.append(float(node_by_node(graph, inputs)[graph.outputs[0].number]))
            slope[index] = (ends[0] - ends[1]) / (2 * step)
        slopes.append(slope)
    return slopes
