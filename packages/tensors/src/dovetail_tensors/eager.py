"""Eager evaluation: bind a kernel once per operation, dtypes and attributes; afterwards look it up and call it.

`infer` runs when a kernel is bound, and again only when a kernel raises, to say properly what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols import selection
from dovetail_protocols.arrays import meta_of
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import DovetailError, KernelError
from dovetail_protocols.graph import Graph
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations import assign_variable, read_variable
from dovetail_protocols.plugins.policy import Policy, _policy

from .signature import Signature, signature_of
from .tensor import Tensor, make

TABLE_LIMIT = 8192
"""Bound calls kept for one policy; attributes such as the bounds of slices vary without end."""


class BoundCall:
    """A kernel for one (operation, dtypes, attributes), and the signatures of its results.

    `kernel` is None where the decomposition runs; `by_shape` holds one kernel for each set of shapes where the kernel
    looks at them; `several` says whether the results are a tuple.
    """

    __slots__ = ("by_shape", "kernel", "several", "signatures")

    def __init__(self, kernel: Any, signatures: tuple[Signature, ...], several: bool, by_shape: bool) -> None:
        self.kernel, self.signatures, self.several = kernel, signatures, several
        self.by_shape: dict[Any, Any] | None = {} if by_shape else None


_tables: dict[Policy | None, dict[Any, BoundCall]] = {}
fast_tables: list[dict[Any, Any]] = []
"""Tables of the operators' fast paths (see tensor.py), which only serve the default policy."""


@selection.on_forget
def forget() -> None:
    """Drops every bound kernel."""
    _tables.clear()
    for table in fast_tables:
        table.clear()


def evaluate(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    """One operation on concrete tensors.

    Raises: what `infer` raises for invalid operands, what kernels raise for values (IndexRangeError),
    KernelNotFoundError, KernelError, LeakedTensorError.
    """
    if operation is read_variable:
        return operands[0].snapshot()
    if operation is assign_variable:
        return _assign(*operands)
    try:
        key = (operation, tuple([None if o is None else o._signature for o in operands]), tuple(attributes.values()))
        table = _tables.setdefault(_policy.get(), {})
        bound = table.get(key)
    except TypeError:  # an attribute that can't be hashed
        key, table, bound = None, {}, None
    if bound is None:
        bound = _bind(operation, operands, attributes)
        if key is not None and not any(isinstance(value, Graph) or callable(value) for value in key[2]):
            if len(table) >= TABLE_LIMIT:
                table.clear()
            table[key] = bound
    if bound.kernel is None and bound.by_shape is None:
        return _decompose(operation, operands, attributes)
    return _run(bound, operation, operands, attributes)


def _bind(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> BoundCall:
    _refuse_symbolic(operation, operands)
    metas = tuple(meta_of(operand) for operand in operands)
    results = operation.infer_with_values(metas, attributes)
    several = isinstance(results, tuple)
    signatures = tuple(signature_of(m.dtype, m.device) for m in (results if isinstance(results, tuple) else (results,)))
    chosen = selection.select(operation, metas, attributes)
    if chosen.kernel is None and operation.is_primitive and not chosen.decisions:
        raise selection.not_found(operation, metas, chosen)
    by_shape = not chosen.is_per_dtype
    return BoundCall(None if by_shape else chosen.kernel, signatures, several, by_shape)


def _refuse_symbolic(operation: Operation, operands: tuple[Any, ...]) -> None:
    for operand in operands:
        if operand is not None and operand._signature.shape is not None:
            operand.payload.concretize(f"{operation.short_name}()")


def _run(bound: BoundCall, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    buffers = [None if o is None else o._payload for o in operands]
    kernel = bound.kernel
    if kernel is None:
        kernel = _kernel_for_shapes(bound, operation, operands, attributes)
        if kernel is None:
            return _decompose(operation, operands, attributes)
    try:
        result = kernel(*buffers)
    except DovetailError:
        raise
    except Exception as error:
        raise explain_failure(operation, operands, attributes, error) from error
    if bound.several:
        return tuple(map(make, result, bound.signatures))
    return make(result, bound.signatures[0])


def _kernel_for_shapes(
    bound: BoundCall, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]
) -> Any:
    shapes = tuple([None if o is None else o._payload.shape for o in operands])
    by_shape: Any = bound.by_shape
    if shapes not in by_shape:
        if len(by_shape) >= TABLE_LIMIT:
            by_shape.clear()
        metas = tuple(meta_of(operand) for operand in operands)
        chosen = selection.select(operation, metas, attributes)
        if chosen.kernel is None and operation.is_primitive:
            raise selection.not_found(operation, metas, chosen)
        by_shape[shapes] = chosen.kernel
    return by_shape[shapes]


def _decompose(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    with interpreting(None):
        return operation.decompose(*operands, **attributes)


def explain_failure(
    operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any], error: Exception
) -> DovetailError:
    """Why a kernel raised: what `infer` says of the call, or else that the kernel itself failed."""
    metas = tuple(meta_of(operand) for operand in operands)
    try:
        operation.infer_with_values(metas, attributes)
    except DovetailError as reason:
        return reason
    shown = ", ".join("None" if meta is None else str(meta) for meta in metas)
    return KernelError(f"the kernel for {operation.short_name}({shown}) failed", cause=f"{type(error).__name__}: {error}")


def _assign(variable: Any, value: Tensor) -> Tensor:
    assign_variable.infer((variable.meta, value.meta), {})
    _refuse_symbolic(assign_variable, (value,))
    variable.replace(value.payload)
    return make(value.payload, value._signature)
