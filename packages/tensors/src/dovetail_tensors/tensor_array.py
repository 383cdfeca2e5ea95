"""TensorArray: tensors of one shape that are written one by one and stacked at the end."""

from __future__ import annotations

import sys
from typing import Any

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import IndexRangeError, UninitializedError

from .conversion import convert
from .creation import as_shape, zeros
from .numpy_dtypes import find_dtype
from .tensor import Tensor


class TensorArray:
    """`size` tensors of one shape and dtype in one stacked tensor. Immutable: `write` returns the changed array.

    It may be carried by a traced loop; then give `element_shape`, or write or unstack once before the loop, so that
    what the loop carries keeps its shape. `dynamic_size` lets a write at a known index beyond the end make it longer,
    outside of such loops. Elements that nobody wrote are zero.
    """

    __slots__ = ("dtype", "elements", "is_dynamic", "length")

    def __init__(
        self,
        dtype: dt.DType | str,
        size: int = 0,
        dynamic_size: bool = False,
        clear_after_read: bool | None = None,
        element_shape: Any = None,
    ) -> None:
        self.dtype, self.length, self.is_dynamic = find_dtype(dtype), int(size), bool(dynamic_size)
        self.elements: Tensor | None = None
        if element_shape is not None:
            self.elements = zeros((self.length, *as_shape(element_shape)), self.dtype)
        _register_with_optree()

    def _with(self, elements: Tensor) -> TensorArray:
        changed = object.__new__(TensorArray)
        changed.dtype, changed.is_dynamic = self.dtype, self.is_dynamic
        changed.elements, changed.length = elements, elements.shape[0]
        return changed

    @property
    def element_shape(self) -> tuple[int, ...] | None:
        """The shape of each element, once it is known."""
        return None if self.elements is None else self.elements.shape[1:]

    def size(self) -> Tensor:
        """The number of elements, as a tensor."""
        return convert(int(self.length))

    def __len__(self) -> int:
        return self.length

    def write(self, index: Any, value: Any) -> TensorArray:
        """The array with another element at `index`, an int or a 0-d integer tensor.

        Raises: IndexRangeError for a known index out of range; ShapeError, DTypeError for a value that doesn't fit.
        """
        value = convert(value, self.dtype) if not isinstance(value, Tensor) else value
        known = _known(index)
        elements = self.elements
        if elements is None:
            elements = zeros((self.length, *value.shape), self.dtype)
        if known is not None and known >= elements.shape[0] and self.is_dynamic:
            elements = ops.concat(elements, zeros((known + 1 - elements.shape[0], *elements.shape[1:]), self.dtype))
        self._check(known, elements.shape[0])
        starts = (index if known is None else known, *(0 for _ in elements.shape[1:]))
        return self._with(ops.dynamic_update_slice(elements, ops.expand_dims(value, axis=0), *starts))

    def read(self, index: Any) -> Tensor:
        """The element at `index`, an int or a 0-d integer tensor."""
        self._check(_known(index), self.length)
        return ops.take(self.stack(), convert(index), axis=0)

    def _check(self, index: int | None, size: int) -> None:
        if index is not None and not 0 <= index < size:
            raise IndexRangeError(
                f"index {index} is out of range for a TensorArray of {size}",
                where="TensorArray",
                expected=f"from 0 to {size - 1}",
                got=index,
                fix="make it larger, or with dynamic_size=True",
            )

    def stack(self) -> Tensor:
        """All elements side by side: (size, …).

        Raises: UninitializedError where nothing was written and no element_shape given.
        """
        if self.elements is None:
            raise UninitializedError(
                "nothing was written to the TensorArray, so the shape of its elements isn't known",
                fix="write to it first, or pass element_shape",
            )
        return self.elements

    def unstack(self, value: Any) -> TensorArray:
        """The array whose elements are the parts of a tensor along its first axis."""
        return self._with(convert(value, self.dtype))

    def gather(self, indices: Any) -> Tensor:
        """The elements at some indices, stacked."""
        return ops.take(self.stack(), convert(indices), axis=0)

    def scatter(self, indices: Any, value: Any) -> TensorArray:
        """The array with the parts of `value` along its first axis written at some indices."""
        places = ops.expand_dims(convert(indices), axis=-1)
        return self._with(ops.scatter(self.stack(), places, convert(value, self.dtype), mode="update"))

    def concat(self) -> Tensor:
        """The elements one after the other along their first axis."""
        stacked = self.stack()
        return ops.reshape(stacked, shape=(stacked.shape[0] * stacked.shape[1], *stacked.shape[2:]))

    def __repr__(self) -> str:
        return f"TensorArray({self.dtype}, size={self.length}, element_shape={self.element_shape})"


def _known(index: Any) -> int | None:
    """The number that an index is, or None where only the running program will know."""
    if isinstance(index, Tensor) and index._signature.shape is not None:
        return None
    return int(index)


_registered = False


def _register_with_optree() -> None:
    """Lets the packages that walk nested containers with optree see into TensorArrays, if there are any here."""
    global _registered
    optree = sys.modules.get("optree")
    if _registered or optree is None:
        return
    _registered = True
    everywhere = vars(optree.registry)["__GLOBAL_NAMESPACE"]
    optree.register_pytree_node(TensorArray, _flatten, _unflatten, namespace=everywhere)


def _flatten(array: TensorArray) -> tuple[tuple[Any, ...], tuple[dt.DType, bool, int]]:
    return (array.elements,), (array.dtype, array.is_dynamic, array.length)


def _unflatten(facts: tuple[dt.DType, bool, int], children: tuple[Any, ...]) -> TensorArray:
    array = object.__new__(TensorArray)
    array.dtype, array.is_dynamic, array.length = facts
    (array.elements,) = children
    return array
