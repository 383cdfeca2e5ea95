"""What an array, a variable and a tensor package are to everybody else."""

from __future__ import annotations

from .errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol, runtime_checkable

    from .dtypes import DType
    from .metas import Device, TensorMeta
    from .operation import Operation

    class Buffer(Protocol):
        """Memory of a device, as its kernels take it. On the CPU it is a NumPy array (pointer, shape, strides)."""

        @property
        def shape(self) -> tuple[int, ...]: ...

    class SymbolicValue(Protocol):
        """What a traced or batched array holds in place of a buffer. It belongs to the interpreter that made it."""

        owner: Any

        def concretize(self, action: str) -> Any:
            """Called when somebody needs the value. Raises ConcretizationError or LeakedTensorError, saying where."""

    @runtime_checkable
    class Array(Protocol):
        """An immutable array. Operators and array-API methods apply operations.

        `payload` is a device buffer, or a SymbolicValue. Safe to share between threads.
        """

        @property
        def shape(self) -> tuple[int, ...]: ...
        @property
        def dtype(self) -> DType: ...
        @property
        def device(self) -> Device: ...
        @property
        def meta(self) -> TensorMeta: ...
        @property
        def payload(self) -> Buffer | SymbolicValue: ...

    @runtime_checkable
    class VariableLike(Protocol):
        """A named, mutable cell that holds an array.

        `payload` is the buffer in force (read by evaluators, never written: arrays read earlier may share it);
        `replace(buffer)` puts another of equal shape and dtype in its place: the only way in which a value changes.
        Users read and assign through the operations `read_variable` and `assign_variable`.
        Reads and replacements are atomic; a read-modify-write needs the caller's lock.
        """

        name: str
        trainable: bool

        @property
        def meta(self) -> TensorMeta: ...
        @property
        def payload(self) -> Buffer: ...
        def replace(self, payload: Buffer) -> None: ...

    class TensorProvider(Protocol):
        """A tensor package, found in the entry-point group `dovetail.tensors.v1`."""

        def evaluate(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
            """One operation, eagerly: picks a kernel, or runs the decomposition."""

        def convert(self, value: Any, dtype: DType | None = None, device: Device | None = None) -> Array:
            """An array of a scalar, nested sequence, foreign array, variable (read) or array (itself)."""

        def wrap(self, payload: Buffer | SymbolicValue, meta: TensorMeta) -> Array:
            """An array that stands for a buffer or a symbolic value, without copying."""

        def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> VariableLike:
            """A new variable; dtype and shape from the value."""

        def is_array(self, value: Any) -> bool:
            """Whether a value is an array of this package (a variable is not)."""

    class SupportsBytes(Protocol):
        """Optional for a TensorProvider: contents as C-ordered little-endian bytes, for the graph's JSON form."""

        def to_bytes(self, array: Array) -> bytes: ...
        def from_bytes(self, data: bytes, meta: TensorMeta) -> Array: ...


_provider: TensorProvider | None = None


def provider() -> TensorProvider:
    """The tensor package in use, loaded at first need.

    Raises: PluginError where none is installed, or several are and none was chosen with `use_provider`.
    """
    global _provider
    if _provider is None:
        _provider = _find_provider()
    return _provider


def use_provider(chosen: TensorProvider | None) -> TensorProvider | None:
    """Chooses the tensor package of this process (None: found anew at next need). Returns the one before it."""
    global _provider
    before, _provider = _provider, chosen
    return before


def _find_provider() -> TensorProvider:
    from .plugins import find

    found = find("dovetail.tensors.v1")
    if len(found) == 1:
        return found[0].load()
    if not found:
        raise PluginError("no tensor package is installed", fix="pip install dovetail-tensors")
    raise PluginError(
        "several tensor packages are installed",
        got=", ".join(str(plugin) for plugin in found),
        fix="choose one with dovetail_protocols.arrays.use_provider(...), or uninstall the other",
    )


def is_variable(value: Any) -> bool:
    """Whether a value is a variable, by the members of VariableLike. For boundaries, not for hot paths."""
    kind = type(value)
    return all(hasattr(kind, member) for member in ("replace", "payload", "meta")) and hasattr(value, "trainable")


def meta_of(value: Any) -> TensorMeta | None:
    """The meta of an operand; None for an optional operand left out."""
    return None if value is None else value.meta
