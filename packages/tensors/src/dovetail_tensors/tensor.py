"""Tensor: an immutable array. Its operators and methods apply operations, so tapes and tracers see all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import current
from dovetail_protocols.dtypes import DType
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins.policy import _policy

from .signature import Signature, symbolic_signature


class Tensor:
    """An immutable array of one dtype on one device.

    Made by `constant`, `asarray` and the creation functions, never by its constructor. A tensor on the CPU holds a NumPy
    array; one inside a traced function stands for a value that is not known yet.
    """

    __slots__ = ("__weakref__", "_payload", "_signature")

    _payload: Any
    _signature: Signature

    def __init__(self) -> None:
        raise TypeError("a Tensor is not made by its constructor: use dovetail.constant(value) or dovetail.asarray(value)")

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        shape = self._signature.shape
        return self._payload.shape if shape is None else shape

    @property
    def dtype(self) -> DType:
        return self._signature.dtype

    @property
    def device(self) -> Device:
        return self._signature.device

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def meta(self) -> TensorMeta:
        """Shape, dtype and device in one."""
        return TensorMeta(self.shape, self._signature.dtype, self._signature.device)

    @property
    def payload(self) -> Any:
        """The buffer (a NumPy array on the CPU, not to be written), or the symbolic value of an interpreter."""
        return self._payload

    def numpy(self) -> Any:
        """The contents as a NumPy array of the caller's own."""
        return np.array(self._concrete(".numpy()"))

    def _concrete(self, action: str) -> Any:
        """The buffer. Raises ConcretizationError or LeakedTensorError for a symbolic tensor."""
        if self._signature.shape is not None:
            self._payload.concretize(action)
        return self._payload

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self._concrete("conversion to NumPy"), dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        if self._signature.shape is not None:
            return f"<traced Tensor {self.meta}>"
        return f"Tensor({self._payload!r}, shape={self.shape}, dtype={self.dtype})"

    def __bool__(self) -> bool:
        return bool(self._concrete("bool()"))

    def __float__(self) -> float:
        return float(self._concrete("float()"))


_new = object.__new__
_ndarray = np.ndarray


def make(payload: Any, signature: Signature) -> Tensor:
    """A tensor around a buffer. NumPy gives scalars for 0-d results; those become arrays."""
    tensor: Tensor = _new(Tensor)
    tensor._payload = payload if type(payload) is _ndarray or not isinstance(payload, np.generic) else np.asarray(payload)
    tensor._signature = signature
    return tensor


def make_symbolic(payload: Any, meta: TensorMeta) -> Tensor:
    """A tensor that stands for a symbolic value."""
    tensor: Tensor = _new(Tensor)
    tensor._payload, tensor._signature = payload, symbolic_signature(meta)
    return tensor


def _binary_operator(operation: Operation, table: dict[Any, Any]) -> Any:
    """The method for an operator of two operands: straight from table to kernel when both are tensors evaluated
    eagerly, else the operation itself, which converts, promotes and dispatches."""

    def operator(self: Tensor, other: Any) -> Any:
        if type(other) is Tensor and current() is None and _policy.get() is None:
            entry = table.get((self._signature, other._signature))
            if entry is not None:
                try:
                    payload = entry[0](self._payload, other._payload)
                except Exception:
                    return operation(self, other)  # raises with its reason
                tensor = _new(Tensor)
                tensor._payload = payload if type(payload) is _ndarray else np.asarray(payload)
                tensor._signature = entry[1]
                return tensor
        return operation(self, other)

    return operator


def _install_operators() -> None:
    for name, operation in {"add": ops.add, "sub": ops.subtract, "mul": ops.multiply, "matmul": ops.matmul}.items():
        setattr(Tensor, f"__{name}__", _binary_operator(operation, {}))


_install_operators()
