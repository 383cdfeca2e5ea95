"""Choices and loops whose bodies are graphs: what the functions of dovetail_protocols.control_flow apply.

A body has no closure: arrays and variables that it uses are operands, and its inputs match them one by one.
"""

from __future__ import annotations

from ..errors import DTypeError, ShapeError, SignatureError
from ..graph import evaluate
from ..metas import TensorMeta
from ..operation import composite
from .creation import full
from .joining import stack, unstack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..graph import Graph
    from .annotations import Boolean, EachDType

    Metas = tuple[TensorMeta, ...]

# ---------------------------------------------------------------------- cond


def _cond_metas(pred: TensorMeta, *operands: TensorMeta, true_branch: Graph, false_branch: Graph) -> Metas:
    check_predicate("cond", pred)
    _check_inputs("cond", "true_branch", true_branch, operands)
    _check_inputs("cond", "false_branch", false_branch, operands)
    chosen, other = output_metas(true_branch), output_metas(false_branch)
    check_agreement("cond", "output", chosen, other, "true_branch", "false_branch")
    return chosen


@composite(version=1, infer=_cond_metas)
def cond(pred: Boolean, /, *operands: EachDType, true_branch: Graph, false_branch: Graph) -> tuple[EachDType, ...]:
    """The outputs of `true_branch` where pred holds, else those of `false_branch`. The other one isn't evaluated.

    pred: (), bool. Both graphs take all operands, and their outputs agree in number, shape and dtype.

    Raises: ShapeError, DTypeError or SignatureError, naming the output and both metas.
    """
    return evaluate(true_branch if bool(pred) else false_branch, operands)


# ---------------------------------------------------------------------- while_loop


def _while_metas(
    *operands: TensorMeta, condition: Graph, body: Graph, carry_count: int, maximum_iterations: int | None
) -> Metas:
    carried = operands[:carry_count]
    _check_inputs("while_loop", "condition", condition, operands)
    _check_inputs("while_loop", "body", body, operands)
    verdict = output_metas(condition)
    if len(verdict) != 1:
        raise SignatureError("while_loop: the condition gives several results", expected="one bool", got=verdict)
    check_predicate("while_loop", verdict[0])
    check_agreement("while_loop", "carried array", carried, output_metas(body), "before", "after the body")
    return carried


@composite(version=1, infer=_while_metas)
def while_loop(
    *operands: EachDType, condition: Graph, body: Graph, carry_count: int, maximum_iterations: int | None = None
) -> tuple[EachDType, ...]:
    """The carried values after carried = body(*carried, *constants) was repeated while condition(*carried, *constants).

    operands: `carry_count` values to begin with, then the constants. Ends after `maximum_iterations` rounds at the
    latest, where given. The body's outputs have the metas of the carried values.

    Raises: ShapeError, DTypeError or SignatureError, naming the carried value and both metas.
    """
    carried, constants = operands[:carry_count], operands[carry_count:]
    count = 0
    while (maximum_iterations is None or count < maximum_iterations) and bool(
        evaluate(condition, (*carried, *constants))[0]
    ):
        carried = evaluate(body, (*carried, *constants))
        count += 1
    return carried


# ---------------------------------------------------------------------- scan


def _scan_metas(
    *operands: TensorMeta, body: Graph, carry_count: int, sequence_count: int, length: int | None, reverse: bool
) -> Metas:
    carried, sequences, constants = divide(operands, carry_count, sequence_count)
    steps = scan_length(sequences, length)
    elements = tuple(TensorMeta(one.shape[1:], one.dtype, one.device) for one in sequences)
    _check_inputs("scan", "body", body, (*carried, *elements, *constants))
    results = output_metas(body)
    check_agreement("scan", "carried array", carried, results[:carry_count], "before", "after the body")
    stacked = tuple(TensorMeta((steps, *one.shape), one.dtype, one.device) for one in results[carry_count:])
    return (*carried, *stacked)


@composite(version=1, infer=_scan_metas)
def scan(
    *operands: EachDType,
    body: Graph,
    carry_count: int,
    sequence_count: int,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[EachDType, ...]:
    """The carried values after the last step, then what the steps gave, stacked along a new first axis.

    operands: `carry_count` values to begin with, `sequence_count` sequences (length, …), then constants. Step t is
    (*carried, *outputs) = body(*carried, *[sequence[t] …], *constants), for t = 0, 1, … or, with `reverse`, from the
    last to the first; outputs stand at their t in either case. `length` is needed where there is no sequence.

    Raises: ShapeError, DTypeError or SignatureError, naming the carried value or sequence and both metas.
    Source: JAX, jax.lax.scan.
    """
    carried, sequences, constants = divide(operands, carry_count, sequence_count)
    steps = scan_length([one.meta for one in sequences], length)
    elements = [unstack(one, axis=0) for one in sequences]
    rows: list[tuple[Any, ...]] = [()] * steps
    for step in reversed(range(steps)) if reverse else range(steps):
        results = evaluate(body, (*carried, *(one[step] for one in elements), *constants))
        carried, rows[step] = results[:carry_count], results[carry_count:]
    if not steps:
        metas = output_metas(body)[carry_count:]
        empty = [full(shape=(0, *m.shape), fill_value=0, dtype=m.dtype, device=m.device) for m in metas]
        return (*carried, *empty)
    return (*carried, *(stack(*column, axis=0) for column in zip(*rows, strict=True)))


def divide(operands: Any, carry_count: int, sequence_count: int) -> tuple[Any, Any, Any]:
    """A scan's operands (or anything else, one for each) as carried values, sequences and constants."""
    first = carry_count + sequence_count
    return operands[:carry_count], operands[carry_count:first], operands[first:]


def scan_length(sequences: Any, length: int | None) -> int:
    """How many steps a scan takes.

    Raises: ShapeError where sequences differ in length, or one has no axis; SignatureError where nothing says it.
    """
    for place, sequence in enumerate(sequences):
        if not sequence.shape:
            raise ShapeError(
                "scan: a sequence is 0-d", where=f"scan, sequence {place}", expected="(length, …)", got=sequence
            )
        if length is not None and sequence.shape[0] != length:
            raise ShapeError(
                "scan: lengths differ",
                where=f"scan, sequence {place}, axis 0",
                expected=f"{length}, the length " + ("of sequence 0" if place else "asked for"),
                got=f"{sequence.shape[0]}, from {sequence}",
            )
        length = sequence.shape[0]
    if length is None or length < 0:
        raise SignatureError("scan: there is no length", expected="a sequence, or length=", got=f"length={length!r}")
    return length


# ---------------------------------------------------------------------- checks


def output_metas(graph: Graph) -> Metas:
    """The metas of a graph's outputs."""
    return tuple(value.meta for value in graph.outputs)


def check_predicate(operation: str, meta: TensorMeta) -> None:
    """Raises ShapeError or DTypeError for what isn't one bool."""
    if meta.dtype.name != "bool":
        raise DTypeError(
            f"{operation}: the predicate is no bool", expected="bool[]", got=meta, fix="compare it: x > 0, or x != 0"
        )
    if meta.shape != ():
        raise ShapeError(
            f"{operation}: the predicate is not one value",
            expected="bool[]",
            got=meta,
            fix="reduce it with any or all; to choose element by element use where",
        )


def check_agreement(operation: str, what: str, first: Metas, second: Metas, first_name: str, second_name: str) -> None:
    """Raises SignatureError, ShapeError or DTypeError where two lists of metas differ, naming the first that does."""
    if len(first) != len(second):
        raise SignatureError(
            f"{operation}: the number of {what}s differs",
            expected=f"{len(first)}, {first_name}",
            got=f"{len(second)}, {second_name}",
        )
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        if one == other:
            continue
        kind = DTypeError if one.dtype is not other.dtype else ShapeError
        difference = "dtype" if one.dtype is not other.dtype else "shape" if one.shape != other.shape else "device"
        raise kind(
            f"{operation}: the {difference} of {what} {place} differs",
            where=f"{operation}, {what} {place}",
            expected=f"{one}, {first_name}",
            got=f"{other}, {second_name}",
            fix="convert it with .astype(...)" if difference == "dtype" else None,
        )


def _check_inputs(operation: str, name: str, graph: Graph, operands: Metas) -> None:
    inputs = tuple(value.meta for value in graph.inputs)
    check_agreement(operation, "operand", operands, inputs, "as given", f"as {name} takes it")
