"""What the entry point names: this package in the role of TensorProvider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dovetail_protocols.dtypes import DType
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.selection import Selection

from . import eager
from .byte_form import from_bytes, to_bytes
from .conversion import convert
from .kernel_adapters import adapted
from .signature import signature_of
from .tensor import Tensor, make, make_symbolic
from .variable import Variable


class Provider:
    """Tensors and variables of this package, for packages that only know the protocols."""

    def evaluate(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        return eager.evaluate(operation, operands, attributes)

    call = staticmethod(eager.call)

    def convert(self, value: Any, dtype: DType | None = None, device: Device | None = None) -> Tensor:
        return convert(value, dtype, device)

    def wrap(self, payload: Any, meta: TensorMeta) -> Tensor:
        if hasattr(payload, "concretize"):
            return make_symbolic(payload, meta)
        return make(payload, signature_of(meta.dtype, meta.device))

    def bound_kernel(
        self, selection: Selection, operation: Operation, attributes: Mapping[str, Any]
    ) -> Callable[..., Any]:
        kernel = adapted(selection, operation, attributes)
        if kernel is None:
            raise ValueError(f"no kernel was chosen for {operation.short_name}")
        return kernel

    def wrapper(self, meta: TensorMeta) -> Callable[[Any], Tensor]:
        signature = signature_of(meta.dtype, meta.device)
        return lambda payload: make(payload, signature)

    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Variable:
        return Variable(value, name=name, trainable=trainable)

    to_bytes = staticmethod(to_bytes)
    from_bytes = staticmethod(from_bytes)

    def is_array(self, value: Any) -> bool:
        return type(value) is Tensor


PROVIDER = Provider()
