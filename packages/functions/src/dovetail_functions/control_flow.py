"""Choices and loops on nested structures of arrays: the same eagerly and in traced functions.

In a traced function a Python `if` or `while` on a tensor raises; these take its place. They flatten what they are
given, call the functions of `dovetail_protocols.control_flow`, and put the results back into the structures that bodies
return.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols import control_flow as flat
from dovetail_protocols.errors import SignatureError, StructureError

from .forms import Form, flatten_arrays


class _Body:
    """A function on nested structures as one on flat tuples of arrays, with the form of what it returned last."""

    def __init__(
        self, function: Callable[..., Any], operands: Form, returns: Form | None = None, what: str = ""
    ) -> None:
        self.function, self.operands, self.returns, self.what = function, operands, returns, what

    def __call__(self, *arrays: Any) -> tuple[Any, ...]:
        results, form = flatten_arrays(self.function(*self.operands.rebuild(arrays)))
        _check_form(self.what, self.returns, form)
        self.returns = form
        return tuple(results)


def _check_form(what: str, expected: Form | None, got: Form) -> None:
    if expected is not None and expected != got:
        raise StructureError(
            f"{what} differ in structure",
            where=what,
            expected=f"{expected} with arrays at leaves {expected.places}",
            got=f"{got} with arrays at leaves {got.places}",
            fix="return the same containers, with arrays in the same places",
        )


def cond(pred: Any, true_function: Callable[..., Any], false_function: Callable[..., Any], *operands: Any) -> Any:
    """What `true_function(*operands)` returns where pred holds, else what `false_function(*operands)` does.

    pred: (), bool; a Python bool chooses at once. Operands and results are nested structures of arrays; both functions
    return the same structure, shapes and dtypes. Only the function chosen is evaluated, and gradients flow through it.

    Raises: StructureError, ShapeError or DTypeError where the results disagree.
    Source: TensorFlow, tf.cond.
    """
    if isinstance(pred, bool):
        return true_function(*operands) if pred else false_function(*operands)
    arrays, form = flatten_arrays(operands)
    chosen = _Body(true_function, form)

    def other(*arguments: Any) -> tuple[Any, ...]:
        return _Body(false_function, form, chosen.returns, "cond: the results of the two functions")(*arguments)

    results = flat.cond(pred, chosen, other, *arrays)
    assert chosen.returns is not None  # flat.cond traced it
    return chosen.returns.rebuild(results)


def switch_case(branch_index: Any, branch_functions: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """What the branch of that number returns for the operands; for a number outside of the list, what the last does.

    branch_index: (), integer.

    Raises: as `cond`; SignatureError where there are no branches.
    Source: TensorFlow, tf.switch_case.
    """
    if not branch_functions:
        raise SignatureError("switch_case: there are no branches", expected="a sequence of functions")
    branches = list(enumerate(branch_functions))
    if isinstance(branch_index, int):
        chosen = branch_index if 0 <= branch_index < len(branches) else -1
        return branches[chosen][1](*operands)

    def choose(first: int) -> Callable[..., Any]:
        place, function = branches[first]
        if first == len(branches) - 1:
            return function
        return lambda *arguments: cond(branch_index == place, function, choose(first + 1), *arguments)

    return choose(0)(*operands)


def while_loop(
    condition: Callable[..., Any],
    body: Callable[..., Any],
    loop_variables: Sequence[Any],
    *,
    maximum_iterations: int | None = None,
) -> tuple[Any, ...]:
    """The loop variables after `body` was repeated while `condition` held, both called with the loop variables.

    `loop_variables` is a tuple or list of nested structures of arrays; `body` returns as many, of the same structures,
    shapes and dtypes (for one loop variable also that alone). `condition` returns one bool. With `maximum_iterations`
    the loop ends after so many rounds at the latest, and has a gradient in traced functions too.

    Raises: StructureError, ShapeError or DTypeError where the body changes them.
    Source: TensorFlow, tf.while_loop.
    """
    arrays, form = flatten_arrays(tuple(loop_variables))
    single = len(loop_variables) == 1

    def repeated(*values: Any) -> Any:
        returned = body(*values)
        if single and not (isinstance(returned, (tuple, list)) and len(returned) == 1):
            return (returned,)
        return tuple(returned) if isinstance(returned, list) else returned

    results = flat.while_loop(
        lambda *values: condition(*form.rebuild(values)),
        _Body(repeated, form, form, "while_loop: the loop variables and what the body returns"),
        *arrays,
        maximum_iterations=maximum_iterations,
    )
    rebuilt: tuple[Any, ...] = form.rebuild(results)
    return rebuilt


def fori_loop(lower: Any, upper: Any, body: Callable[[Any, Any], Any], initial: Any) -> Any:
    """The carried structure after `carried = body(index, carried)` for each index from `lower` below `upper`.

    index: (), int32. With Python ints as bounds it has a gradient everywhere.

    Raises: StructureError, ShapeError or DTypeError where the body changes the structure, shapes or dtypes.
    Source: JAX, jax.lax.fori_loop.
    """
    arrays, form = flatten_arrays(initial)

    def repeated(index: Any, *values: Any) -> tuple[Any, ...]:
        results, returned = flatten_arrays(body(index, form.rebuild(values)))
        _check_form("fori_loop: the carried structure and what the body returns", form, returned)
        return tuple(results)

    return form.rebuild(flat.fori_loop(lower, upper, repeated, *arrays))


def scan(
    body: Callable[[Any, Any], tuple[Any, Any]],
    initial: Any,
    sequences: Any = None,
    *,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """The carried structure after a loop over sequences, and the outputs of its steps, stacked.

    sequences: a structure of arrays (length, …). `body(carried, elements)` takes the carried structure and element t of
    each sequence, and returns the carried structure and the outputs of the step. `length` is needed only without
    sequences. `reverse` goes from the last element to the first and stacks outputs at their places.

    Raises: StructureError, ShapeError or DTypeError where the body changes the carried structure; ShapeError where
    lengths differ.
    Source: JAX, jax.lax.scan.
    """
    carried, carried_form = flatten_arrays(initial)
    elements, element_form = flatten_arrays(sequences)
    returned: list[Form] = []

    def step(carry: Sequence[Any], row: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        result = body(carried_form.rebuild(carry), element_form.rebuild(row))
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise StructureError(
                "scan: the body must return (carried, outputs)",
                expected="a pair",
                got=f"{result!r}",
                fix="return (carried, None) where there are no outputs",
            )
        after, form = flatten_arrays(result[0])
        _check_form("scan: the carried structure and what the body returns", carried_form, form)
        outputs, output_form = flatten_arrays(result[1])
        returned.append(output_form)
        return tuple(after), tuple(outputs)

    last, stacked = flat.scan(step, carried, elements, length=length, reverse=reverse)
    return carried_form.rebuild(last), returned[-1].rebuild(stacked)


def map(function: Callable[[Any], Any], elements: Any) -> Any:
    """What `function(element)` returns for each element along the first axis in turn, stacked.

    elements: a structure of arrays (length, …); the function gets the same structure of its elements, one after the
    other, with the memory of one: `vmap` computes all of them at once.

    Raises: ShapeError where lengths differ.
    Source: TensorFlow, tf.map_fn; JAX, jax.lax.map.
    """
    return scan(lambda _, element: (None, function(element)), None, elements)[1]
