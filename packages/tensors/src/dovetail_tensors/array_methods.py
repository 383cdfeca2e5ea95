"""The attributes and methods that tensors and variables share; on a variable each reads its value first.

All are applications of operations, so tapes and tracers see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ScalarError, ShapeError

from .numpy_dtypes import find_dtype

if TYPE_CHECKING:
    from dovetail_protocols.dtypes import DType
    from dovetail_protocols.metas import Device

    from .tensor import Tensor

Axis = int | tuple[int, ...] | None


class ArrayMethods:
    """What can be asked of anything that is, or reads as, a tensor."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> DType: ...
        @property
        def device(self) -> Device: ...

        def _concrete(self, action: str) -> Any: ...
        def __getitem__(self, key: Any) -> Tensor: ...

    # ------------------------------------------------------------------ what it is

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.size_bytes

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return prod(self.shape) * self.dtype.size_bytes

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise ScalarError("len() of a 0-d tensor", expected="at least one axis", got=f"{self.dtype}[]")
        return shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise ScalarError(
                "a 0-d tensor can't be iterated over", expected="at least one axis", fix="use it as it is"
            )
        return (self[place] for place in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool(ops.any(ops.equal(self, value)))

    # ------------------------------------------------------------------ out of the house

    def numpy(self) -> Any:
        """The elements as a read-only NumPy array, without a copy; `np.array(tensor)` gives one to write to.

        Raises: ConcretizationError in a traced function.
        """
        view = self._concrete(".numpy()").view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self._concrete("conversion to NumPy")
        if copy or (dtype is not None and array.dtype != dtype):
            if copy is False:
                raise ValueError(f"a NumPy array of dtype {dtype} of a {self.dtype} tensor needs a copy")
            return array.astype(dtype if dtype is not None else array.dtype)
        return self.numpy()

    def item(self, *place: int) -> Any:
        """The one element as a Python number, or that at the given place."""
        if place:
            return self[place].item()
        if self.size != 1:
            raise ScalarError(".item() needs one element", expected="shape () or all sizes 1", got=self.shape)
        return self._concrete(".item()").item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; a 0-d tensor gives a number."""
        return self._concrete(".tolist()").tolist()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"the truth of a tensor with {self.size} elements is ambiguous",
                expected="one element",
                got=f"{self.dtype}{list(self.shape)}",
                fix="use dovetail.any(x) or dovetail.all(x)",
            )
        return bool(self._concrete("bool(), as in an if or while,"))

    def _number(self, action: str) -> Any:
        if self.shape:
            raise ScalarError(f"{action} takes a 0-d tensor", expected="shape ()", got=self.shape, fix="use .item()")
        return self._concrete(action).item()

    def __float__(self) -> float:
        return float(self._number("float()"))

    def __int__(self) -> int:
        return int(self._number("int()"))

    def __complex__(self) -> complex:
        return complex(self._number("complex()"))

    def __index__(self) -> int:
        if not self.dtype.is_integer:
            raise ScalarError(f"a {self.dtype} tensor is no index", expected="an integer dtype", fix="use int(x)")
        return int(self._number("use as an index"))

    def __format__(self, specification: str) -> str:
        return (
            format(self.item(), specification) if specification and not self.shape else format(str(self), specification)
        )

    # ------------------------------------------------------------------ other forms

    @property
    def T(self) -> Tensor:
        """The transpose of a matrix.

        Raises: ShapeError unless there are two axes; `.mT` transposes the last two of any number.
        """
        if self.ndim != 2:
            raise ShapeError(".T is for matrices", expected="2 axes", got=self.shape, fix="use .mT or permute_dims")
        return ops.matrix_transpose(self)

    @property
    def mT(self) -> Tensor:
        """The transpose of the last two axes."""
        return ops.matrix_transpose(self)

    @property
    def real(self) -> Tensor:
        """The real part."""
        return ops.real(self)

    @property
    def imag(self) -> Tensor:
        """The imaginary part."""
        return ops.imag(self)

    def astype(self, dtype: DType | str, *, copy: bool = True, device: Device | str | None = None) -> Tensor:
        """The elements in another dtype; floats to integers truncate toward zero."""
        from .conversion import to_device

        # An immutable array needs no copy of itself.
        result = ops.cast(self, dtype=find_dtype(dtype))
        return result if device is None else to_device(result, device)

    def reshape(self, *shape: int | tuple[int, ...], copy: bool | None = None) -> Tensor:
        """The same elements in row-major order in another shape; one size may be -1."""
        return ops.reshape(self, shape=_sizes(shape), copy=copy)

    def flatten(self) -> Tensor:
        """All elements on one axis."""
        return ops.reshape(self, shape=(-1,))

    ravel = flatten

    def transpose(self, *axes: int | tuple[int, ...]) -> Tensor:
        """The axes in another order; reversed when none is given."""
        return ops.permute_dims(self, axes=_sizes(axes) if axes else tuple(reversed(range(self.ndim))))

    def squeeze(self, axis: Axis = None) -> Tensor:
        """Without the given axes of size 1, or all such."""
        return ops.squeeze(self, axis=axis)

    def repeat(self, repeats: int, axis: int | None = None) -> Tensor:
        """Each element several times in a row."""
        return ops.repeat(self, repeats=repeats, axis=axis)

    def conj(self) -> Tensor:
        """The complex conjugate."""
        return ops.conj(self)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Each element, but not below `min` nor above `max`."""
        return ops.clip(self, min, max)

    def round(self, decimals: int = 0) -> Tensor:
        """Each element rounded, halves to even."""
        return self.__round__(decimals)  # type: ignore[attr-defined]  # an operator, put in place by operators.install

    # ------------------------------------------------------------------ reductions

    def sum(self, axis: Axis = None, dtype: DType | str | None = None, keepdims: bool = False) -> Tensor:
        """The sum over some axes, or all; integers narrower than the default one are summed in that."""
        return ops.sum(accumulating(self, dtype), axis=axis, keepdims=keepdims)

    def prod(self, axis: Axis = None, dtype: DType | str | None = None, keepdims: bool = False) -> Tensor:
        """The product over some axes, or all; integers narrower than the default one are multiplied in that."""
        return ops.prod(accumulating(self, dtype), axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The mean over some axes, or all."""
        return ops.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The largest element over some axes, or all."""
        return ops.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The smallest element over some axes, or all."""
        return ops.min(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
        """The variance over some axes, or all."""
        return ops.var(self, axis=axis, correction=correction, keepdims=keepdims)

    def std(self, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
        """The standard deviation over some axes, or all."""
        return ops.std(self, axis=axis, correction=correction, keepdims=keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether any element is true, over some axes or all."""
        return ops.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether all elements are true, over some axes or all."""
        return ops.all(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """The place of the largest element."""
        return ops.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """The place of the smallest element."""
        return ops.argmin(self, axis=axis, keepdims=keepdims)

    def to_device(self, device: Device | str, /, *, stream: Any = None) -> Tensor:
        """The elements on another device; the tensor itself where it is there already."""
        from .conversion import to_device

        return to_device(self, device)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        from .namespace import array_namespace

        return array_namespace(api_version)


def accumulating(x: Any, dtype: DType | str | None) -> Any:
    """An array in the dtype in which it is summed: the one asked for, or for narrow integers the default one of their
    kind."""
    if dtype is not None:
        return ops.cast(x, dtype=find_dtype(dtype))
    wide = {dt.SIGNED: dt.DEFAULT_INTEGER, dt.UNSIGNED: dt.uint32}.get(x.dtype.kind)
    return ops.cast(x, dtype=wide) if wide is not None and x.dtype.size_bytes < wide.size_bytes else x


def _sizes(given: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes or axes that were passed one by one, or as one sequence."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
