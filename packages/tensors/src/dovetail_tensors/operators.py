"""Python's operators on tensors, and the quick way from two tensors to a kernel.

An operator goes straight from a table to the kernel when its operands are tensors of one dtype, evaluated eagerly under
the default choice of kernels; otherwise it calls the operation, which converts, promotes and dispatches. The tables are
filled when eager evaluation binds a kernel for the operation (see eager.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current
from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins.policy import _policy

from .signature import Signature

if TYPE_CHECKING:
    from .tensor import Tensor

    class TypedOperators:
        """The operators as type checkers see them; `install` puts them in place."""

        def __add__(self, other: Any, /) -> Tensor: ...

BINARY = {
    "add": ops.add,
    "sub": ops.subtract,
    "mul": ops.multiply,
    "truediv": ops.divide,
    "floordiv": ops.floor_divide,
    "mod": ops.remainder,
    "pow": ops.pow,
    "matmul": ops.matmul,
    "and": ops.bitwise_and,
    "or": ops.bitwise_or,
    "xor": ops.bitwise_xor,
    "lshift": ops.bitwise_left_shift,
    "rshift": ops.bitwise_right_shift,
}
COMPARISONS = {
    "eq": ops.equal,
    "ne": ops.not_equal,
    "lt": ops.less,
    "le": ops.less_equal,
    "gt": ops.greater,
    "ge": ops.greater_equal,
}
UNARY = {"neg": ops.negative, "pos": ops.positive, "abs": ops.abs, "invert": ops.bitwise_invert}

NAMES = (
    *(f"__{name}__" for name in (*BINARY, *COMPARISONS, *UNARY)),
    *(f"__r{name}__" for name in BINARY),
    *("__round__", "__divmod__", "__rdivmod__"),
)
"""The methods that `install` puts on Tensor."""

Entry = tuple[Callable[..., Any], Signature, int]

tables: dict[Operation, dict[Signature, Entry]] = {}
"""Operation → signature shared by all operands → kernel, the result's signature, and the count of operands."""

_OPERANDS = (bool, int, float, complex, list, tuple, np.ndarray, np.generic)
policy = _policy.get
_ndarray = np.ndarray
_new = object.__new__


def remember(operation: Operation, signatures: tuple[Signature, ...], kernel: Any, result: Signature) -> None:
    """Enters a kernel that serves every shape for the quick way, if it is for one or two operands of one dtype."""
    count = len(signatures)
    if operation._quick is None or not 1 <= count <= 2:
        return
    if signatures[0] is signatures[-1] and operation._quick[0][0] == operation._quick[-1][0]:
        tables.setdefault(operation, {})[signatures[0]] = (kernel, result, count)


def forget() -> None:
    """Empties every table."""
    for table in tables.values():
        table.clear()


def install(tensor_type: type[Tensor], scalar: Callable[..., Tensor]) -> None:
    """Gives the class its operators; `scalar(signature, value)` makes a 0-d tensor of a Python number."""
    for name, operation in BINARY.items():
        setattr(tensor_type, f"__{name}__", _named(f"__{name}__", _binary(tensor_type, operation, scalar)))
        setattr(tensor_type, f"__r{name}__", _named(f"__r{name}__", _reflected(tensor_type, operation, scalar)))
    for name, operation in COMPARISONS.items():
        setattr(tensor_type, f"__{name}__", _named(f"__{name}__", _binary(tensor_type, operation, scalar)))
    for name, operation in UNARY.items():
        setattr(tensor_type, f"__{name}__", _named(f"__{name}__", _unary(tensor_type, operation)))
    for method in (__round__, __divmod__, __rdivmod__):
        setattr(tensor_type, method.__name__, method)


def _named(name: str, method: Any) -> Any:
    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    return method


def _binary(tensor_type: type[Tensor], operation: Operation, scalar: Callable[..., Tensor]) -> Callable[[Tensor, Any], Any]:
    table = tables.setdefault(operation, {})
    accepted = frozenset(find_dtype(name) for name in operation.operands[0].dtypes)

    def operator(self: Tensor, other: Any) -> Any:
        signature = self._signature
        if type(other) is not tensor_type:
            return slow(self, other)
        interpreter = current()
        if interpreter is not None:
            if signature.dtype is other._signature.dtype and signature.dtype in accepted:
                return interpreter.apply(operation, (self, other), operation._defaults)
        elif signature is other._signature and policy() is None:
            try:
                kernel, result, _ = table[signature]
                payload = kernel(self._payload, other._payload)
            except Exception:  # noqa: BLE001 - not bound yet, or it failed: the operation says why
                return operation(self, other)
            tensor = _new(tensor_type)
            tensor._payload = payload if type(payload) is _ndarray else np.asarray(payload)
            tensor._signature = result
            return tensor
        return operation(self, other)

    def slow(self: Tensor, other: Any) -> Any:
        signature = self._signature
        if type(other) in signature.scalars and signature.dtype in accepted:
            return operator(self, scalar(signature, other))
        return operation(self, other) if is_operand(other) else NotImplemented

    return operator


def _reflected(
    tensor_type: type[Tensor], operation: Operation, scalar: Callable[..., Tensor]
) -> Callable[[Tensor, Any], Any]:
    forward = _binary(tensor_type, operation, scalar)
    accepted = frozenset(find_dtype(name) for name in operation.operands[0].dtypes)

    def operator(self: Tensor, other: Any) -> Any:
        signature = self._signature
        if type(other) in signature.scalars and signature.dtype in accepted:
            return forward(scalar(signature, other), self)
        return operation(other, self) if is_operand(other) else NotImplemented

    return operator


def _unary(tensor_type: type[Tensor], operation: Operation) -> Callable[[Tensor], Any]:
    table = tables.setdefault(operation, {})

    def operator(self: Tensor) -> Any:
        if current() is None and policy() is None:
            entry = table.get(self._signature)
            if entry is not None:
                try:
                    payload = entry[0](self._payload)
                except Exception:  # noqa: BLE001 - the operation raises it again, with the reason
                    return operation(self)
                tensor = _new(tensor_type)
                tensor._payload = payload if type(payload) is _ndarray else np.asarray(payload)
                tensor._signature = entry[1]
                return tensor
        return operation(self)

    return operator


def __round__(self: Tensor, digits: int | None = None) -> Any:  # noqa: N807 - installed as a method
    if digits is None or digits == 0:
        return ops.round(self)
    scale = 10.0**digits
    return ops.round(self * scale) / scale


def __divmod__(self: Tensor, other: Any) -> Any:  # noqa: N807 - installed as a method
    return (self // other, self % other) if is_operand(other) else NotImplemented


def __rdivmod__(self: Tensor, other: Any) -> Any:  # noqa: N807 - installed as a method
    return (other // self, other % self) if is_operand(other) else NotImplemented


def is_operand(value: Any) -> bool:
    """Whether an operator may take a value beside a tensor; of others it leaves the decision to their own methods."""
    return isinstance(value, _OPERANDS) or hasattr(value, "__array__") or hasattr(value, "__dlpack__")
