"""custom_gradient: a function that brings its own backward pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.dispatch import apply_under, current, interpreting
from dovetail_protocols.errors import SignatureError, TraceError
from dovetail_protocols.graph import Graph, evaluate
from dovetail_protocols.operation import Operation
from dovetail_protocols.tracing import trace

from .extend import batching_of, gradient_of
from .forward import TangentCarrier
from .seeds import zeros_like
from .structure import flatten, leaves_with_none, unflatten
from .tape import Tape
from .vectorize import vmap

if TYPE_CHECKING:
    from dovetail_protocols.roles import Interpreter


def custom_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose gradient is what it says itself.

    `function(*args)` returns `(value, grad_fn)`; `grad_fn(*upstream)`, called with one cotangent for each array of the
    value, returns the gradient for each positional argument (for each array in them; None for zero), bare where there
    is one. Where `function` reads trainable variables that are not among its arguments, grad_fn is called with
    `variables=[…]` too, and returns `(gradients, variable_gradients)`. Arrays that it closes over get no gradient.
    Keyword arguments are not differentiated. grad_fn should be linear in upstream: forward mode transposes it.

    Inside a traced function or vmap, grad_fn is traced when the function is called; derivatives of it work everywhere.

    Raises: SignatureError where value or gradients don't come in this form.
    Source: TensorFlow, tf.custom_gradient.
    """

    @wraps(function, updated=())
    def wrapped(*args: Any, **keywords: Any) -> Any:
        watcher = _VariableWatcher(current())
        with interpreting(watcher):
            value, grad_fn = _pair(function(*args, **keywords), function)
            results, structure = flatten(value)
            results = [provider().convert(result) for result in results]
        if watcher.parent is None:
            return unflatten(structure, results)
        leaves = [leaf for leaf in flatten(args)[0] if provider().is_array(leaf) or is_variable(leaf)]
        given = {id(leaf) for leaf in leaves}
        variables = [variable for variable in watcher.variables.values() if id(variable) not in given]
        _check_accepts_variables(grad_fn, variables)
        arguments = [provider().convert(source) for source in (*leaves, *variables)]
        backward = _Backward(grad_fn, flatten(args)[0], variables)
        return unflatten(structure, _call(backward, results, arguments))

    return wrapped


class _VariableWatcher:
    """Interpreter that notes which trainable variables are read."""

    def __init__(self, parent: Interpreter | None) -> None:
        self.parent = parent
        self.variables: dict[int, Any] = {}

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        if operation is ops.read_variable and operands[0].trainable:
            self.variables[id(operands[0])] = operands[0]
        return apply_under(self.parent, operation, operands, attributes)


class _Backward:
    """From cotangents of the results to those of the arguments: calls `grad_fn`, and checks what it gives."""

    def __init__(self, grad_fn: Callable[..., Any], leaves: Sequence[Any], variables: Sequence[Any]) -> None:
        self.grad_fn, self.leaves, self.variables = grad_fn, leaves, variables

    def __call__(self, *upstream: Any) -> list[Any]:
        if not self.variables:
            return self._of_arguments(self.grad_fn(*upstream))
        gradients = self.grad_fn(*upstream, variables=list(self.variables))
        if not isinstance(gradients, tuple) or len(gradients) != 2:
            raise SignatureError(
                "custom_gradient: grad_fn called with variables= must return (gradients, variable_gradients)",
                expected="a tuple of two",
                got=f"{type(gradients).__name__}",
            )
        of_variables = leaves_with_none(gradients[1])
        _check_count("variable", self.variables, of_variables)
        return [*self._of_arguments(gradients[0]), *of_variables]

    def _of_arguments(self, gradients: Any) -> list[Any]:
        found = leaves_with_none(gradients)
        _check_count("array among the positional arguments", self.leaves, found)
        is_array = provider().is_array
        return [
            gradient for leaf, gradient in zip(self.leaves, found, strict=True) if is_array(leaf) or is_variable(leaf)
        ]


def _call(backward: _Backward, results: Sequence[Any], arguments: Sequence[Any]) -> tuple[Any, ...]:
    """The results with their gradient. Where only tapes listen, the callable itself goes along; a graph or a batch
    outlives what it closed over, so there it is traced, and what it closed over becomes operands."""
    rest: Sequence[Any] = ()
    carried: Any = backward
    if not _only_tapes(current()):
        carried, rest = _as_graph(backward, results, arguments)
    return ops.custom_call(  # type: ignore[no-any-return] # a variadic operation of several results gives a tuple
        *results, *arguments, *rest, backward=carried, result_count=len(results), argument_count=len(arguments)
    )


def _only_tapes(interpreter: Any) -> bool:
    while interpreter is not None:
        if not isinstance(interpreter, (Tape, TangentCarrier, _VariableWatcher)):
            return False
        interpreter = interpreter.parent
    return True


def _as_graph(
    backward: Callable[..., Any], results: Sequence[Any], arguments: Sequence[Any]
) -> tuple[Graph, Sequence[Any]]:
    def filled(*upstream: Any) -> list[Any]:
        return [
            zeros_like(argument) if gradient is None else gradient
            for argument, gradient in zip(arguments, backward(*upstream), strict=True)
        ]

    traced = trace(filled, [result.meta for result in results], name="grad_fn")
    if traced.assigned:
        raise TraceError(
            "custom_gradient: a grad_fn that assigns variables can't be traced or batched",
            got=", ".join(variable.name for variable in traced.assigned),
            fix="assign them outside of grad_fn",
        )
    return traced.graph, [*traced.captures, *(ops.read_variable(variable) for variable in traced.variables)]


@gradient_of(ops.custom_call)
def custom_call_gradient(
    cotangents: Any, results: Any, *operands: Any, backward: Any, result_count: int, argument_count: int
) -> Any:
    rest = operands[result_count + argument_count :]
    inputs = (*cotangents, *rest)
    found = evaluate(backward, inputs) if isinstance(backward, Graph) else backward(*inputs)
    return (*(None,) * result_count, *found, *(None,) * len(rest))


@batching_of(ops.custom_call)
def custom_call_batching(
    size: int, is_batched: Any, *operands: Any, backward: Graph, result_count: int, argument_count: int
) -> Any:
    count = result_count + argument_count
    results = [
        operand if batched else ops.broadcast_to(ops.expand_dims(operand, axis=0), shape=(size, *operand.shape))
        for operand, batched in zip(operands[:result_count], is_batched, strict=False)
    ]
    axes = (*(0,) * result_count, *(0 if batched else None for batched in is_batched[count:]))
    whole = vmap(lambda *inputs: evaluate(backward, inputs), in_axes=axes)

    def batched_backward(*inputs: Any) -> list[Any]:
        return [
            cotangent if batched else ops.sum(cotangent, axis=0)
            for cotangent, batched in zip(whole(*inputs), is_batched[result_count:count], strict=True)
        ]

    metas = [array.meta for array in (*results, *operands[count:])]
    graph = trace(batched_backward, metas, name="grad_fn").graph
    return ops.custom_call(
        *results, *operands[result_count:], backward=graph, result_count=result_count, argument_count=argument_count
    )


# ---------------------------------------------------------------------- checks


def _pair(returned: Any, function: Callable[..., Any]) -> tuple[Any, Callable[..., Any]]:
    if not isinstance(returned, tuple) or len(returned) != 2 or not callable(returned[1]):
        raise SignatureError(
            "custom_gradient: the function must return (value, grad_fn)",
            where=getattr(function, "__name__", repr(function)),
            expected="a tuple of a value and a function",
            got=f"{type(returned).__name__}",
        )
    return returned


def _check_accepts_variables(grad_fn: Any, variables: Sequence[Any]) -> None:
    code = getattr(getattr(grad_fn, "__func__", grad_fn), "__code__", None)
    if not variables or code is None:
        return
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if "variables" not in names and not code.co_flags & 0x08:  # 0x08: it takes **keywords
        raise SignatureError(
            "custom_gradient: the function reads variables, so grad_fn must accept the keyword `variables`",
            got="variables " + ", ".join(repr(variable.name) for variable in variables),
            fix="write `def grad_fn(*upstream, variables=None)` and return (gradients, variable_gradients), or pass "
            "the variables as arguments",
        )


def _check_count(what: str, wanted: Sequence[Any], found: Sequence[Any]) -> None:
    if len(found) != len(wanted):
        raise SignatureError(
            f"custom_gradient: grad_fn must return one gradient for each {what}",
            expected=f"{len(wanted)}",
            got=f"{len(found)}",
            fix="return None where the gradient is zero",
        )
