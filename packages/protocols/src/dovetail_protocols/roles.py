"""Roles that packages and objects play for one another: one to five members each. (Kernels: kernels.py; compilers:
compilers.py.)

Ask for an ability once, at a boundary, with `isinstance` (the classes are runtime-checkable).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from .dtypes import DType
    from .metas import Device, TensorMeta
    from .operation import Operation
    from .selection import Selection

PROTOCOL = (1, 1)
"""The version of the roles with an entry-point group of their own: `Differentiator` and `Communicator`. 1.1 brought
`SupportsForwardMode` and `SupportsBatching`."""


@runtime_checkable
class Interpreter(Protocol):
    """Handles calls of operations.

    `operands` are arrays, variables (for the two operations that take them) or None for an optional operand left
    out; `attributes` are complete and in the order of the operation's declaration. The result is one array, or a
    tuple of them where the operation's `infer` gives a tuple. Called in the context that entered it; an
    interpreter need not be safe in several threads at once.
    """

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any: ...


@runtime_checkable
class Buffer(Protocol):
    """Memory of a device, as its kernels take it. On the CPU it is a NumPy array (pointer, shape, strides)."""

    @property
    def shape(self) -> tuple[int, ...]: ...


@runtime_checkable
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


@runtime_checkable
class SupportsTaking(Protocol):
    """Optional for a VariableLike: gives its buffer away, so that a compiled function may overwrite it in place."""

    def take(self) -> Buffer | None:
        """The buffer, out of the variable, if nobody else holds it or a view of it; else None, and nothing changes.

        Whoever takes it calls `replace` soon, whatever happens; until then, reads in other threads wait, and a read in
        the same thread raises.
        """


@runtime_checkable
class SupportsFirstUse(Protocol):
    """Optional for a VariableLike: says when it is about to be used, so that another value can be there in time.
    Without it, a restored value that waits for a variable comes when that is set as an attribute."""

    def before_first_use(self, action: Callable[[], None]) -> None:
        """Calls `action()` once before the payload is next read, taken or replaced, in the thread that does it; whoever
        uses it in another thread meanwhile calls it too. The action may use the variable and replace the payload; what
        the user puts there comes after it. What it raises, the user of the variable gets."""


@runtime_checkable
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


@runtime_checkable
class SupportsCalls(Protocol):
    """Optional for a TensorProvider: a whole call in one step, so that what binding finds out can be remembered."""

    def call(self, operation: Operation, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
        """`evaluate(operation, *operation.bind(operands, given))`, for arguments as the user wrote them."""


@runtime_checkable
class SupportsPrograms(Protocol):
    """Optional for a TensorProvider: what programs that run on buffers bind once rather than ask for at each call."""

    def bound_kernel(
        self, selection: Selection, operation: Operation, attributes: Mapping[str, Any]
    ) -> Callable[..., Any]:
        """The chosen kernel as eager evaluation calls it, on buffers: given the layout that it declares, checked in
        debug mode."""

    def wrapper(self, meta: TensorMeta) -> Callable[[Any], Array]:
        """`wrap` for buffers of one dtype on one device. A buffer may be what a kernel gave, such as a NumPy scalar."""


@runtime_checkable
class SupportsBytes(Protocol):
    """Optional for a TensorProvider: contents as C-ordered little-endian bytes, for the graph's JSON form."""

    def to_bytes(self, array: Array) -> bytes: ...
    def from_bytes(self, data: bytes, meta: TensorMeta) -> Array: ...


@runtime_checkable
class SupportsVariables(Protocol):
    """Something that holds variables: a module of any framework. Order is stable, each variable appears once."""

    @property
    def variables(self) -> Sequence[VariableLike]: ...
    @property
    def trainable_variables(self) -> Sequence[VariableLike]: ...


@runtime_checkable
class SupportsCheckpoint(Protocol):
    """Something whose state can be saved by object path and put back.

    `checkpoint_state` gives direct children by attribute name or index: variables, further SupportsCheckpoint objects,
    or plain scalars (bool, int, float, str), read without copying. `load_checkpoint_state` receives the scalars only,
    after everything was validated; variables are restored through their own `replace`. It must not raise.
    """

    def checkpoint_state(self) -> Mapping[str, Any]: ...
    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None: ...


@runtime_checkable
class SupportsLateState(Protocol):
    """Optional for a SupportsCheckpoint that gets children after its construction, such as a layer that is built at its
    first call: a restore can then wait for them.

    `observe_state(observer)`: from then on, `observer(name)` is called right after the attribute of that name was set
    (or deleted, where that can be), before anybody reads it. There is one observer at a time; None ends the observing.
    """

    def observe_state(self, observer: Callable[[str], None] | None) -> None: ...


@runtime_checkable
class SupportsPartialState(Protocol):
    """Optional for a SupportsLateState: its children part by part, so that whoever waits for some need not ask for all
    of them at each change. Without it `checkpoint_state` is asked each time."""

    def checkpoint_state_of(self, name: str) -> Mapping[str, Any]:
        """What `checkpoint_state` gives of the attribute `name`; nothing where there is no such attribute."""

    def state_containers(self) -> Sequence[Any]:
        """The lists and dicts in which children stand or may come to stand, nested ones too: all that changes
        `checkpoint_state` while no attribute is set."""


@runtime_checkable
class SupportsWeightLayout(Protocol):
    """Optional for a SupportsCheckpoint: says what its own variables are, so that weights can be moved between
    frameworks, which lay them out in other ways.

    `weight_layout` names a layout: "dense", "convolution", "depthwise_convolution", "transposed_convolution",
    "embedding", "batch_normalization", "layer_normalization", "group_normalization", "rms_normalization", "lstm", "gru"
    or "multi_head_attention". The variables are then those of Keras's layer of that kind, in name and in shape.
    """

    @property
    def weight_layout(self) -> str: ...


@runtime_checkable
class Optimizer(Protocol):
    """Changes variables by gradients. Its own state is variables, made at `build` or at the first `apply_gradients`.

    A gradient None leaves its variable alone. A call in which a variable stands twice, or a gradient has another shape
    than its variable, raises and changes nothing.
    """

    @property
    def variables(self) -> Sequence[VariableLike]: ...
    def build(self, variables: Sequence[VariableLike]) -> None: ...
    def apply_gradients(self, gradients_and_variables: Iterable[tuple[Array | None, VariableLike]]) -> None: ...


@runtime_checkable
class SupportsTracingType(Protocol):
    """An argument of a traced function that says what of it the trace depends on, as a hashable value."""

    def __tf_tracing_type__(self, context: Any) -> Any: ...


@runtime_checkable
class Communicator(Protocol):
    """A group of processes or threads that work together, in the entry-point group `dovetail.communicators.v1`.

    Every rank calls the same members in the same order. Where one has ended, or does not come in the communicator's own
    time, those that wait for it raise rather than wait for ever: a CommunicatorError, or an error of the library's.
    """

    @property
    def rank(self) -> int: ...
    @property
    def world_size(self) -> int: ...
    def barrier(self) -> None:
        """Returns once every rank has called it."""

    def gather(self, value: bytes) -> Sequence[bytes] | None:
        """On rank 0, the values of all ranks by rank; elsewhere None."""

    def broadcast(self, value: bytes | None) -> bytes:
        """Rank 0's value, on every rank; what others give is passed over."""


@runtime_checkable
class Differentiator(Protocol):
    """A package that differentiates, in the entry-point group `dovetail.autodiff.v1`."""

    def value_and_gradients(self, function: Any, arrays: Sequence[Array]) -> tuple[Array, Sequence[Array]]: ...


@runtime_checkable
class SupportsForwardMode(Protocol):
    """Optional for a Differentiator: derivatives along a direction, by forward rules."""

    def values_and_tangents(
        self, function: Any, arrays: Sequence[Array], tangents: Sequence[Array]
    ) -> tuple[Sequence[Array], Sequence[Array]]:
        """What `function(*arrays)` returns, a sequence of arrays, and its derivative along the tangents."""


@runtime_checkable
class SupportsBatching(Protocol):
    """Optional for a Differentiator: a function of one example on a whole batch, by batching rules."""

    def batched(self, function: Any, arrays: Sequence[Array], is_batched: Sequence[bool]) -> Sequence[Array]:
        """What `function` returns for each example, a sequence of arrays with the batch as their first axis. It is the
        first axis of those `arrays` of which `is_batched` says so; others are the same for each example."""
