"""Roles that packages play for one another besides arrays and kernels: one to five members each.

Ask for an ability once, at a boundary, with `isinstance` (the classes are runtime-checkable).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from .arrays import Array, VariableLike


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
class Optimizer(Protocol):
    """Changes variables by gradients. Its own state is variables, made at `build` or at the first `apply_gradients`."""

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
    """A group of processes or threads that work together."""

    @property
    def rank(self) -> int: ...
    @property
    def world_size(self) -> int: ...
    def barrier(self) -> None: ...
    def gather(self, value: bytes) -> Sequence[bytes] | None: ...
    def broadcast(self, value: bytes | None) -> bytes: ...


@runtime_checkable
class Differentiator(Protocol):
    """A package that differentiates, in the entry-point group `dovetail.autodiff.v1`."""

    def value_and_gradients(self, function: Any, arrays: Sequence[Array]) -> tuple[Array, Sequence[Array]]: ...
