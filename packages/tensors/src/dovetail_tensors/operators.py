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

from .scalars import scalar_beside
from .signature import Signature
from .tensor import Tensor, as_buffer, new_tensor

if TYPE_CHECKING:

    class TypedOperators:
        """The operators as type checkers see them; put in place below."""

        def __add__(self, other: Any, /) -> Tensor: ...
        def __radd__(self, other: Any, /) -> Tensor: ...
        def __sub__(self, other: Any, /) -> Tensor: ...
        def __rsub__(self, other: Any, /) -> Tensor: ...
        def __mul__(self, other: Any, /) -> Tensor: ...
        def __rmul__(self, other: Any, /) -> Tensor: ...
        def __truediv__(self, other: Any, /) -> Tensor: ...
        def __rtruediv__(self, other: Any, /) -> Tensor: ...
        def __floordiv__(self, other: Any, /) -> Tensor: ...
        def __rfloordiv__(self, other: Any, /) -> Tensor: ...
        def __mod__(self, other: Any, /) -> Tensor: ...
        def __rmod__(self, other: Any, /) -> Tensor: ...
        def __pow__(self, other: Any, /) -> Tensor: ...
        def __rpow__(self, other: Any, /) -> Tensor: ...
        def __matmul__(self, other: Any, /) -> Tensor: ...
        def __rmatmul__(self, other: Any, /) -> Tensor: ...
        def __and__(self, other: Any, /) -> Tensor: ...
        def __rand__(self, other: Any, /) -> Tensor: ...
        def __or__(self, other: Any, /) -> Tensor: ...
        def __ror__(self, other: Any, /) -> Tensor: ...
        def __xor__(self, other: Any, /) -> Tensor: ...
        def __rxor__(self, other: Any, /) -> Tensor: ...
        def __lshift__(self, other: Any, /) -> Tensor: ...
        def __rlshift__(self, other: Any, /) -> Tensor: ...
        def __rshift__(self, other: Any, /) -> Tensor: ...
        def __rrshift__(self, other: Any, /) -> Tensor: ...
        def __lt__(self, other: Any, /) -> Tensor: ...
        def __le__(self, other: Any, /) -> Tensor: ...
        def __gt__(self, other: Any, /) -> Tensor: ...
        def __ge__(self, other: Any, /) -> Tensor: ...
        def __eq__(self, other: object, /) -> Tensor: ...  # type: ignore[override]  # element by element
        def __ne__(self, other: object, /) -> Tensor: ...  # type: ignore[override]  # element by element
        def __neg__(self) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __round__(self, digits: int | None = None, /) -> Tensor: ...
        def __divmod__(self, other: Any, /) -> tuple[Tensor, Tensor]: ...
        def __rdivmod__(self, other: Any, /) -> tuple[Tensor, Tensor]: ...


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
"""The methods that tensors get here."""

IN_PLACE_NAMES = tuple(f"__i{name}__" for name in BINARY)
"""What Python calls for `x += y`. A tensor leaves it to `x = x + y`."""

Entry = tuple[Callable[..., Any], Signature, int]

tables: dict[Operation, dict[Signature, Entry]] = {}
"""Operation → signature shared by all operands → kernel, the result's signature, and the count of operands."""

_OPERANDS = (int, float, complex, list, tuple)
policy = _policy.get
_ndarray = np.ndarray


def remember(operation: Operation, signatures: tuple[Signature, ...], kernel: Any, result: Signature) -> None:
    """Enters a kernel that serves every shape for the quick way, if it is for one or two operands of one dtype."""
    count = len(signatures)
    if operation._quick is None or operation.has_effect or not 1 <= count <= 2:
        return  # one with an effect must not be tried twice, as the quick way does when it fails
    if signatures[0] is signatures[-1] and operation._quick[0][0] == operation._quick[-1][0]:
        tables.setdefault(operation, {})[signatures[0]] = (kernel, result, count)


def forget() -> None:
    """Empties every table."""
    for table in tables.values():
        table.clear()


def _install() -> None:
    for name, operation in BINARY.items():
        setattr(Tensor, f"__{name}__", _named(f"__{name}__", _binary(operation)))
        setattr(Tensor, f"__r{name}__", _named(f"__r{name}__", _reflected(operation)))
    for name, operation in COMPARISONS.items():
        setattr(Tensor, f"__{name}__", _named(f"__{name}__", _binary(operation)))
    for name, operation in UNARY.items():
        setattr(Tensor, f"__{name}__", _named(f"__{name}__", _unary(operation)))
    for method in (__round__, __divmod__, __rdivmod__):
        setattr(Tensor, method.__name__, method)


def _named(name: str, method: Any) -> Any:
    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    return method


def _binary(operation: Operation) -> Callable[[Tensor, Any], Any]:
    table = tables.setdefault(operation, {})
    accepted = frozenset(find_dtype(name) for name in operation.operands[0].dtypes)

    def operator(self: Tensor, other: Any) -> Any:
        signature = self._signature
        if type(other) is not Tensor:
            if type(other) in signature.scalars and signature.dtype in accepted:
                other = scalar_beside(signature, other)
            else:
                return operation(self, other) if is_operand(other) else NotImplemented
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
            tensor = new_tensor()
            tensor._payload = payload if type(payload) is _ndarray else as_buffer(payload)
            tensor._signature = result
            return tensor
        return operation(self, other)

    return operator


def _reflected(operation: Operation) -> Callable[[Tensor, Any], Any]:
    forward = _binary(operation)
    accepted = frozenset(find_dtype(name) for name in operation.operands[0].dtypes)

    def operator(self: Tensor, other: Any) -> Any:
        signature = self._signature
        if type(other) in signature.scalars and signature.dtype in accepted:
            return forward(scalar_beside(signature, other), self)
        return operation(other, self) if is_operand(other) else NotImplemented

    return operator


def _unary(operation: Operation) -> Callable[[Tensor], Any]:
    table = tables.setdefault(operation, {})

    def operator(self: Tensor) -> Any:
        if current() is None and policy() is None:
            entry = table.get(self._signature)
            if entry is not None:
                try:
                    payload = entry[0](self._payload)
                except Exception:  # noqa: BLE001 - the operation raises it again, with the reason
                    return operation(self)
                tensor = new_tensor()
                tensor._payload = payload if type(payload) is _ndarray else as_buffer(payload)
                tensor._signature = entry[1]
                return tensor
        return operation(self)

    return operator


def __round__(self: Tensor, digits: int | None = None) -> Any:
    if digits is None or digits == 0:
        return ops.round(self)
    scale = 10.0**digits
    return ops.round(self * scale) / scale


def __divmod__(self: Tensor, other: Any) -> Any:
    return (self // other, self % other) if is_operand(other) else NotImplemented


def __rdivmod__(self: Tensor, other: Any) -> Any:
    return (other // self, other % self) if is_operand(other) else NotImplemented


def is_operand(value: Any) -> bool:
    """Whether an operator may take a value beside a tensor; of others it leaves the decision to their own methods."""
    return hasattr(value, "__array__") or isinstance(value, _OPERANDS) or hasattr(value, "__dlpack__")


_install()
