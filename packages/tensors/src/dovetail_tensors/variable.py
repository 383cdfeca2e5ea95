"""Variable: a named, mutable cell that holds a tensor's value."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import creation
from dovetail_protocols import operations as ops
from dovetail_protocols.metas import TensorMeta

from .tensor import Tensor, make


class Variable:
    """A named, mutable cell. Reads as a Tensor everywhere; assignment changes it in place, and never a tensor that was
    read before."""

    __slots__ = ("__weakref__", "_payload", "_signature", "name", "trainable")

    def __init__(self, initial_value: Any, trainable: bool = True, name: str | None = None, dtype: Any = None) -> None:
        from .conversion import convert

        given = convert(initial_value() if callable(initial_value) else initial_value, dtype)
        value = creation.initial_value(given)
        self._payload, self._signature = value._concrete("a Variable's initial value"), value._signature
        self.name, self.trainable = name or "Variable", trainable
        creation.announce(self)

    @property
    def meta(self) -> TensorMeta:
        return TensorMeta(self._payload.shape, self._signature.dtype, self._signature.device)

    @property
    def payload(self) -> Any:
        return self._payload

    def replace(self, payload: Any) -> None:
        """Puts another buffer of the same shape and dtype in place of the one in force."""
        self._payload = payload

    def snapshot(self) -> Tensor:
        """The value now, as a tensor, without passing through dispatch: for evaluators."""
        return make(self._payload, self._signature)

    def read_value(self) -> Tensor:
        return ops.read_variable(self)

    def assign(self, value: Any) -> Tensor:
        """Gives the variable another value of the same shape and dtype; on an error nothing changes."""
        from .conversion import convert

        return ops.assign_variable(self, convert(value, self._signature.dtype))
