"""Choices and loops on flat tuples of arrays, the same eagerly and in traced functions.

Each function traces the Python functions that it is given and applies one operation (operations/control_flow.py) that
holds their graphs. Bodies may use arrays and variables from outside: gradients flow to them, and variables assigned
inside have their new value afterwards. A body's Python code runs once, however often its graph is evaluated.

Eagerly the branch taken, or each round of the loop, is evaluated node by node under whatever tape is in force; in a
traced function there is one node. dovetail-functions offers these as `dovetail.cond` and so on for nested structures,
with tuples, lists and dicts in place of flat tuples; it flattens, calls these, and unflattens.
"""

from __future__ import annotations

from . import operations as ops
from .bodies import as_arrays, close_over, join_closures, refuse_assignment, trace_body
from .dtypes import int32
from .errors import SignatureError, StructureError
from .metas import TensorMeta
from .operations.control_flow import check_agreement, check_predicate, output_metas, scan_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .roles import Array
    from .tracing import Trace

    Arrays = tuple[Array, ...]


def cond(pred: Any, true_function: Callable[..., Any], false_function: Callable[..., Any], *operands: Any) -> Arrays:
    """The results of `true_function(*operands)` where pred holds, else of `false_function(*operands)`.

    pred: (), bool. Both functions take arrays and return tuples of arrays that agree in number, shape and dtype; only
    one is evaluated (both are traced). Gradients flow through the one taken.

    Raises: SignatureError, ShapeError or DTypeError, naming the output and both metas, where they disagree;
    StructureError where a function returns something else than a tuple.
    """
    (predicate,) = as_arrays((pred,))
    check_predicate("cond", predicate.meta)
    given = as_arrays(operands)
    metas = [operand.meta for operand in given]
    chosen = trace_body(true_function, metas, "true_function")
    other = trace_body(false_function, metas, "false_function")
    count = chosen.result_count
    _check_results("cond", chosen, other)
    closure = join_closures(chosen, other)
    results: Arrays = ops.cond(
        predicate,
        *given,
        *closure.read_assigned(),
        *closure.constants(),
        true_branch=close_over(chosen, closure, len(given), count),
        false_branch=close_over(other, closure, len(given), count),
    )
    closure.assign(results[count:])
    return results[:count]


def while_loop(
    condition: Callable[..., Any],
    body: Callable[..., Any],
    *initial: Any,
    maximum_iterations: int | None = None,
) -> Arrays:
    """The carried arrays after `carried = body(*carried)` was repeated while `condition(*carried)` held.

    `condition` returns one bool, as an array or a tuple of one, and assigns no variables; `body` returns a tuple with
    the number, shapes and dtypes of `initial`. With `maximum_iterations` the loop ends after so many rounds at the
    latest, and has a gradient in traced functions too: without a bound there is none that could be planned ahead.

    Raises: SignatureError, ShapeError or DTypeError, naming the carried array and both metas; StructureError;
    TraceError where the condition assigns a variable.
    """
    given = as_arrays(initial)
    metas = [array.meta for array in given]
    checked = trace_body(_one_result(condition), metas, "condition")
    refuse_assignment(checked, "condition")
    repeated = trace_body(body, metas, "body")
    check_agreement(
        "while_loop", "carried array", tuple(metas), _result_metas(repeated), "the initial one", "what the body returns"
    )
    closure = join_closures(checked, repeated)
    results: Arrays = ops.while_loop(
        *given,
        *closure.read_assigned(),
        *closure.constants(),
        condition=close_over(checked, closure, len(given), None),
        body=close_over(repeated, closure, len(given), len(given)),
        carry_count=len(given) + len(closure.assigned),
        maximum_iterations=maximum_iterations,
    )
    closure.assign(results[len(given) :])
    return results[: len(given)]


def scan(
    body: Callable[..., Any],
    initial: Sequence[Any],
    sequences: Sequence[Any] = (),
    *,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Arrays, Arrays]:
    """The carried arrays after a loop over sequences, and the outputs of its steps, stacked: `(carried, outputs)`.

    sequences: each (length, …). `body(carried, elements)` takes two tuples: the carried arrays, like `initial`, and
    element t of each sequence; it returns two tuples: carried arrays with the shapes and dtypes of `initial`, and the
    outputs of this step. Outputs: each (length, …). `reverse` goes from the last element to the first, and stacks
    outputs at their places. `length` is needed only where there are no sequences.

    Raises: ShapeError where lengths differ; SignatureError, ShapeError or DTypeError, naming the carried array and both
    metas, where the body changes them; StructureError where it returns something else than two tuples.
    """
    carried, given = as_arrays(initial), as_arrays(sequences)
    scan_length(given, length)
    metas = [array.meta for array in carried]
    elements = [TensorMeta(one.shape[1:], one.dtype, one.device) for one in given]
    count = len(carried)
    step = trace_body(_flat_step(body, count), [*metas, *elements], "body")
    closure = join_closures(step)
    before = tuple(metas)
    check_agreement(
        "scan", "carried array", before, _result_metas(step)[:count], "the initial one", "what the body returns"
    )
    total = count + len(closure.assigned)
    results = ops.scan(
        *carried,
        *closure.read_assigned(),
        *given,
        *closure.constants(),
        body=close_over(step, closure, count, count),
        carry_count=total,
        sequence_count=len(given),
        length=None if given else length,
        reverse=reverse,
    )
    closure.assign(results[count:total])
    return results[:count], results[total:]


def fori_loop(lower: Any, upper: Any, body: Callable[..., Any], *initial: Any) -> Arrays:
    """The carried arrays after `carried = body(index, *carried)` for each index from `lower` below `upper`.

    index: (), int32. With Python ints as bounds this is a scan, and has a gradient everywhere; with arrays as bounds it
    is a while_loop.

    Raises: as `scan` and `while_loop`.
    """
    if isinstance(lower, int) and isinstance(upper, int):
        indices = ops.arange(start=lower, stop=upper, dtype=int32)
        return scan(lambda carried, elements: (body(elements[0], *carried), ()), initial, (indices,))[0]
    first, last = (ops.cast(bound, dtype=int32) for bound in as_arrays((lower, upper)))
    return while_loop(
        lambda index, *carried: ops.less(index, last),
        lambda index, *carried: (ops.add(index, 1), *body(index, *carried)),
        first,
        *initial,
    )[1:]


def map(function: Callable[..., Any], *sequences: Any) -> Arrays:
    """The results of `function(*elements)` for each element of the sequences in turn, stacked: a tuple of (length, …).

    One element after the other, with the memory of one: `vmap` computes all of them at once.

    Raises: as `scan`.
    """
    return scan(lambda _, elements: ((), function(*elements)), (), sequences)[1]


# ---------------------------------------------------------------------- results of bodies


def _one_result(condition: Callable[..., Any]) -> Callable[..., Any]:
    def verdict(*arguments: Any) -> Any:
        result = condition(*arguments)
        return result if isinstance(result, (tuple, list)) else (result,)

    return verdict


def _flat_step(body: Callable[..., Any], carry_count: int) -> Callable[..., Any]:
    def step(*arguments: Any) -> Any:
        results = body(arguments[:carry_count], arguments[carry_count:])
        if not isinstance(results, (tuple, list)) or len(results) != 2:
            _refuse_step(results)
        carried, outputs = (() if part is None else part for part in results)
        if not isinstance(carried, (tuple, list)) or not isinstance(outputs, (tuple, list)):
            _refuse_step(results)
        if len(carried) != carry_count:
            raise SignatureError(
                "scan: the number of carried arrays differs",
                expected=f"{carry_count}, as given",
                got=f"{len(carried)}, what the body returns",
            )
        return (*carried, *outputs)

    return step


def _refuse_step(results: Any) -> None:
    raise StructureError(
        "scan: the body must return (carried, outputs)",
        expected="two tuples of arrays",
        got=f"{results!r}",
        fix="return (carry,), (output,); an empty tuple for none",
    )


def _result_metas(traced: Trace) -> tuple[TensorMeta, ...]:
    return output_metas(traced.graph)[: traced.result_count]


def _check_results(operation: str, chosen: Trace, other: Trace) -> None:
    check_agreement(
        operation, "output", _result_metas(chosen), _result_metas(other), "from true_function", "from false_function"
    )
