"""Tensor: an immutable array. Its operators and methods apply operations, so tapes and tracers see all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np

from dovetail_protocols.dispatch import current
from dovetail_protocols.errors import ImmutableError
from dovetail_protocols.metas import TensorMeta

from .array_methods import ArrayMethods
from .indexing import get_item, is_basic
from .interchange import dlpack_capsule, dlpack_device
from .printing import describe
from .signature import Signature, signature_of, symbolic_signature

if TYPE_CHECKING:
    from dovetail_protocols.dtypes import DType
    from dovetail_protocols.metas import Device

    from .operators import TypedOperators
else:
    TypedOperators = object


class _MadeByFunctions(type):
    """Lets nobody call the class, so that it needs no `__init__`: without one, making a tensor is a quarter quicker."""

    def __call__(cls, *_arguments: Any, **_keywords: Any) -> NoReturn:
        raise TypeError("a Tensor is not made by its constructor: use dovetail.constant(value)")


@final
class Tensor(ArrayMethods, TypedOperators, metaclass=_MadeByFunctions):
    """An immutable array of one dtype on one device.

    Made by `constant`, `asarray` and the creation functions, never by its constructor. A tensor on the CPU holds a
    NumPy array; one inside a traced function stands for a value that is not known yet. `==` compares element by
    element, and the hash is the object's identity. Safe to share between threads.
    """

    __slots__ = ("__weakref__", "_payload", "_signature")
    __array_priority__ = 1000.0  # `numpy_array + tensor` is left to the tensor's reflected operator
    __hash__ = object.__hash__

    _payload: Any
    _signature: Signature

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Tensor can't be subclassed: dispatch compares its type by identity")

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        shape = self._signature.shape
        return self._payload.shape if shape is None else shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._signature.dtype

    @property
    def device(self) -> Device:
        """Where the elements are."""
        return self._signature.device

    @property
    def meta(self) -> TensorMeta:
        """Shape, dtype and device in one."""
        return TensorMeta(self.shape, self._signature.dtype, self._signature.device)

    @property
    def payload(self) -> Any:
        """The buffer (a NumPy array on the CPU, not to be written), or the symbolic value of an interpreter."""
        return self._payload

    def _concrete(self, action: str) -> Any:
        """The elements as a NumPy array. Raises ConcretizationError or LeakedTensorError for a symbolic tensor."""
        signature = self._signature
        if signature.shape is not None:
            self._payload.concretize(action)
        if type(self._payload) is _ndarray:
            return self._payload
        from .devices import to_host

        return to_host(self._payload, signature.device)

    def __getitem__(self, key: Any) -> Tensor:
        # Where nobody watches, ints and slices are a view of the buffer, which needs no kernel.
        if current() is None and is_basic(key) and type(self._payload) is _ndarray:
            try:
                return make(self._payload[key], self._signature)
            except (IndexError, TypeError, ValueError):
                pass  # said properly below
        return get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise ImmutableError(
            "a Tensor is immutable: x[...] = value can't be",
            fix="use where(mask, value, x), tensor_scatter_nd_update(x, indices, updates), or a Variable",
        )

    def __repr__(self) -> str:
        if self._signature.shape is not None:
            return f"<traced Tensor {self.meta}>"
        return describe("Tensor", self._concrete("repr()"), self._signature)

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: object) -> Tensor:
        return self

    def copy(self) -> Tensor:
        """The tensor itself: it is immutable. `np.array(tensor)` gives a copy that can be written to."""
        return self

    def __reduce__(self) -> Any:
        return restore, (self._concrete("pickling"), self._signature.dtype, self._signature.device)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        return dlpack_capsule(self._concrete("DLPack export"), max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return dlpack_device(self)


_ndarray = np.ndarray

new_tensor: Callable[[], Tensor] = type.__call__.__get__(Tensor)
"""A tensor without contents yet: whoever makes one gives it a payload and a signature."""


def as_buffer(payload: Any) -> Any:
    """What a kernel gave, as a buffer: NumPy gives scalars for 0-d results; those become arrays."""
    return np.asarray(payload) if isinstance(payload, np.generic) else payload


def make(payload: Any, signature: Signature) -> Tensor:
    """A tensor around a buffer, without copying."""
    tensor = new_tensor()
    tensor._payload = payload if type(payload) is _ndarray else as_buffer(payload)
    tensor._signature = signature
    return tensor


def make_symbolic(payload: Any, meta: TensorMeta) -> Tensor:
    """A tensor that stands for a symbolic value."""
    tensor = new_tensor()
    tensor._payload, tensor._signature = payload, symbolic_signature(meta)
    return tensor


def restore(array: Any, dtype: DType, device: Device) -> Tensor:
    """What pickle calls."""
    from .devices import from_host

    return make(from_host(array, device), signature_of(dtype, device))
