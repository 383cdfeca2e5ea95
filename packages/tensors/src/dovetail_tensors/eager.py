"""Eager evaluation: bind a kernel once per operation, dtypes and attributes; afterwards look it up and call it.

`infer` runs when a kernel is bound, and again only when a kernel raises, to say properly what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dovetail_protocols import selection, usage
from dovetail_protocols.arrays import meta_of
from dovetail_protocols.default_device import chosen_device
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import DovetailError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations import assign_variable, read_variable
from dovetail_protocols.plugins.policy import _policy

from . import bound_calls, operators
from .bound_calls import BoundCall, attribute_key, is_lasting, store, tables_of
from .kernel_adapters import adapted
from .scalars import scalar_beside
from .signature import Signature, signature_of
from .tensor import Tensor, as_buffer, make, new_tensor
from .variable import Variable

_ndarray = np.ndarray
_table_of = operators.tables.get
_policy_now = _policy.get
_NOTHING_GIVEN: Mapping[str, Any] = {}


@selection.on_forget
def forget() -> None:
    """Drops every bound kernel."""
    bound_calls.forget()
    operators.forget()


def call(operation: Operation, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
    """A call as its user wrote it: straight to the kernel where one like it was bound before, else bound first.

    Raises: what `evaluate` raises, and what binding the operands does (SignatureError, DTypeError).
    """
    table = None if given else _table_of(operation)
    if table is not None and _policy_now() is None:
        try:
            first = operands[0]
            signature = first._signature
            kernel, result, count = table[signature]
            if count == 2:
                _, second = operands
                if type(second) is not Tensor and type(second) in signature.scalars:
                    second = scalar_beside(signature, second)
                if second._signature is not signature:
                    return _call_bound(operation, operands, given)
                payload = kernel(first._payload, second._payload)
            else:
                (_,) = operands
                payload = kernel(first._payload)
        except (Exception, SystemExit):  # noqa: BLE001 - the long way binds and converts, or says what is wrong
            return _call_bound(operation, operands, given)
        tensor = new_tensor()
        tensor._payload = payload if type(payload) is _ndarray else as_buffer(payload)
        tensor._signature = result
        return tensor
    return _call_bound(operation, operands, given)


def _call_bound(operation: Operation, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
    if operation is read_variable or operation is assign_variable:
        return _evaluate_bound(operation, *operation.bind(operands, given))
    if Variable in map(type, operands):
        operands = tuple([o.read_value() if type(o) is Variable else o for o in operands])
    try:
        signatures = tuple([operand._signature for operand in operands])
        # What is made without operands is made on the current device; None stands for that of the process.
        key = (operation, signatures or chosen_device(), tuple(given), attribute_key(tuple(given.values())))
        found = tables_of(_policy_now()).written.get(key)
    except (AttributeError, TypeError):  # an operand that is no tensor; an attribute that can't be hashed
        return _evaluate_bound(operation, *operation.bind(operands, given))
    if found is not None:
        return run(found, operands)
    bound_operands, attributes = operation.bind(operands, given)
    result = _evaluate_bound(operation, bound_operands, attributes)
    if len(bound_operands) == len(operands) and all(a is b for a, b in zip(operands, bound_operands, strict=True)):
        made = tables_of(_policy_now()).bound.get(_key(operation, operands, attributes))
        if made is not None:
            store(tables_of(_policy_now()).written, key, made)
    return result


def evaluate(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    """One operation on concrete tensors.

    Raises: what `infer` raises for invalid operands, what kernels raise for values (IndexRangeError),
    KernelNotFoundError, KernelError, LeakedTensorError.
    """
    if attributes is operation._defaults and operation in operators.tables:
        return call(operation, operands, _NOTHING_GIVEN)
    return _evaluate_bound(operation, operands, attributes)


def _evaluate_bound(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    if operation is read_variable:
        return _read(*operands)
    if operation is assign_variable:
        return _assign(*operands)
    try:
        key = _key(operation, operands, attributes)
        found = tables_of(_policy_now()).bound.get(key)
    except TypeError:  # an attribute that can't be hashed
        return run(_bind(operation, operands, attributes), operands)
    if found is None:
        found = _bind(operation, operands, attributes)
        if is_lasting(tuple(attributes.values())):
            _remember(found, key, operands)
    return run(found, operands)


def _key(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
    signatures = tuple([None if operand is None else operand._signature for operand in operands])
    return operation, signatures, attribute_key(tuple(attributes.values())) if attributes else None


def _bind(operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> BoundCall:
    _refuse_symbolic(operation, operands)
    signatures, several = _infer_signatures(operation, operands, attributes)
    metas = tuple(meta_of(operand) for operand in operands)
    chosen = _select(operation, metas, attributes)
    kernel = None
    if chosen.is_per_dtype:  # else it is chosen, and counted, for each set of shapes
        kernel = adapted(chosen, operation, attributes)
        usage.count_selection(operation.name, chosen)
    bound = BoundCall(operation, attributes, kernel, signatures, several)
    bound.origins[None] = chosen.chosen
    return bound


def _infer_signatures(
    operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]
) -> tuple[tuple[Signature, ...], bool]:
    """The signatures of the results, and whether they come as a tuple."""
    results = operation.infer_with_values(tuple(meta_of(operand) for operand in operands), attributes)
    several = isinstance(results, tuple)
    metas: Any = results if several else (results,)
    return tuple(signature_of(meta.dtype, meta.device) for meta in metas), several


def _remember(bound: BoundCall, key: Any, operands: tuple[Any, ...]) -> None:
    policy = _policy_now()
    store(tables_of(policy).bound, key, bound)
    is_plain = not bound.several and bound.attributes == bound.operation._defaults
    if policy is None and bound.kernel is not None and is_plain:
        operators.remember(bound.operation, key[1], bound.kernel, bound.signatures[0])


def _refuse_symbolic(operation: Operation, operands: tuple[Any, ...]) -> None:
    for operand in operands:
        if operand is not None and operand._signature.shape is not None:
            operand.payload.concretize(f"{operation.short_name}()")


def run(bound: BoundCall, operands: tuple[Any, ...]) -> Any:
    """The results of a bound call for operands of its dtypes."""
    kernel = bound.kernel
    if kernel is None:
        kernel = _kernel_for_shapes(bound, operands)
        if kernel is None:
            return _decompose(bound, operands)
    try:
        if len(operands) == 1:
            payload = kernel(operands[0]._payload)
        else:
            payload = kernel(*[None if operand is None else operand._payload for operand in operands])
    except DovetailError:
        raise
    except (Exception, SystemExit) as error:  # a kernel may raise anything; re-raised with what was wrong
        raise _explain_failure(bound, operands, error) from error
    if bound.several:
        signatures = bound.signatures
        if len(payload) != len(signatures):  # unstack and nonzero: the shape says how many results there are
            signatures = _infer_signatures(bound.operation, operands, bound.attributes)[0]
        return tuple(map(make, payload, signatures))
    tensor = new_tensor()
    tensor._payload = payload if type(payload) is _ndarray else as_buffer(payload)
    tensor._signature = bound.signature
    return tensor


def _kernel_for_shapes(bound: BoundCall, operands: tuple[Any, ...]) -> Any:
    shapes = _shapes(operands)
    try:
        return bound.by_shape[shapes]
    except KeyError:
        metas = tuple(meta_of(operand) for operand in operands)
        chosen = _select(bound.operation, metas, bound.attributes)
        kernel = adapted(chosen, bound.operation, bound.attributes)
        usage.count_selection(bound.operation.name, chosen)
        store(bound.by_shape, shapes, kernel)
        store(bound.origins, shapes, chosen.chosen)
        return kernel


def _select(
    operation: Operation, metas: tuple[TensorMeta | None, ...], attributes: Mapping[str, Any]
) -> selection.Selection:
    chosen = selection.select(operation, metas, attributes)
    if chosen.kernel is None and operation.is_primitive:
        raise selection.not_found(operation, metas, chosen, attributes)
    return chosen


def _decompose(bound: BoundCall, operands: tuple[Any, ...]) -> Any:
    if current() is None:
        return bound.operation.decompose(*operands, **bound.attributes)
    with interpreting(None):
        return bound.operation.decompose(*operands, **bound.attributes)


def _shapes(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([None if operand is None else operand._payload.shape for operand in operands])


def _explain_failure(bound: BoundCall, operands: tuple[Any, ...], error: BaseException) -> DovetailError:
    """Why a kernel raised: what `infer` says of the call, or else that the kernel itself failed."""
    metas = tuple(meta_of(operand) for operand in operands)
    try:
        bound.operation.infer_with_values(metas, bound.attributes)
    except DovetailError as reason:
        return reason
    call = f"{bound.operation.short_name}({', '.join(map(str, metas))})"
    return selection.kernel_failure(bound.origins[None if bound.kernel is not None else _shapes(operands)], call, error)


def _read(variable: Any) -> Tensor:
    if type(variable) is Variable:
        return variable.snapshot()
    meta = variable.meta  # a variable of another package: it has what VariableLike asks for, and perhaps no more
    return make(variable.payload, signature_of(meta.dtype, meta.device))


def _assign(variable: Any, value: Tensor) -> Tensor:
    assign_variable.infer((variable.meta, value.meta), {})
    _refuse_symbolic(assign_variable, (value,))
    variable.replace(value.payload)
    return make(value.payload, value._signature)
