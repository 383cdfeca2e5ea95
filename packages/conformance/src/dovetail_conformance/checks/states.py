"""State by path, as checkpoints see it, and bits of variables: what checks of modules, optimizers and formats share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.dtypes import DType
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.roles import SupportsCheckpoint

from ..cases import Buffer
from ..numpy_dtypes import dovetail_dtype, numpy_dtype

SCALARS = (bool, int, float, str, type(None))


def wrapped(buffer: Buffer) -> Any:
    """An array of the tensor package in use, of a buffer on the CPU."""
    return provider().wrap(buffer, TensorMeta(buffer.shape, dovetail_dtype(buffer.dtype)))


def buffer_of(value: Any) -> Buffer:
    """The buffer of a variable or array on the CPU, as NumPy has it."""
    return np.asarray(value.payload)


def bits(value: Any) -> tuple[str, tuple[int, ...], bytes]:
    """What tells two variables, arrays or buffers apart: dtype, shape and every bit."""
    buffer = np.asarray(getattr(value, "payload", value))
    return buffer.dtype.name, buffer.shape, buffer.tobytes()


def all_bits(values: Iterable[Any]) -> list[Any]:
    """The bits of each."""
    return [bits(value) for value in values]


def signature(variables: Iterable[Any]) -> list[tuple[str, TensorMeta]]:
    """Names and metas, in order."""
    return [(variable.name, variable.meta) for variable in variables]


def restore_values(variables: Iterable[Any], saved: Iterable[tuple[str, tuple[int, ...], bytes]]) -> None:
    """Gives variables the values that `all_bits` has kept."""
    for variable, (dtype, shape, data) in zip(variables, saved, strict=True):
        variable.replace(np.frombuffer(data, numpy_dtype(dtype)).reshape(shape).copy())


def drawn(generator: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> Buffer:
    """Any bits at all in a dtype, NaN of every kind among them; for bool, false and true."""
    kind = numpy_dtype(dtype.name)
    if dtype.name == "bool":
        return np.asarray(generator.integers(0, 2, shape)).astype(kind)
    count = int(np.prod(shape)) * kind.itemsize
    return np.frombuffer(generator.bytes(count), kind).reshape(shape).copy()


def state_of(owner: Any) -> tuple[dict[str, Any], list[str]]:
    """Variables and scalars below an object by path, each object under its first path; and what can't be saved."""
    leaves: dict[str, Any] = {}
    strange: list[str] = []
    _collect("", owner, leaves, strange, set())
    return leaves, strange


def _collect(path: str, value: Any, leaves: dict[str, Any], strange: list[str], seen: set[int]) -> None:
    if isinstance(value, SCALARS):
        leaves[path] = value
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if is_variable(value):
        leaves[path] = value
    elif isinstance(value, SupportsCheckpoint):
        for name, child in value.checkpoint_state().items():
            _collect(f"{path}/{name}" if path else name, child, leaves, strange, seen)
    else:
        strange.append(f"checkpoint_state() gives {path!r}, a {type(value).__name__}, which can't be saved")


def hand_over(source: Any, target: Any) -> list[str]:
    """Puts the state of one object into another as a checkpoint would; what stands in the way.

    By path where they support checkpoints, by place among their variables where they don't.
    """
    if not isinstance(source, SupportsCheckpoint):
        if signature(source.variables) != signature(target.variables):
            return [f"another one has variables {_shown(target.variables)}, not {_shown(source.variables)}"]
        restore_values(target.variables, all_bits(source.variables))
        return []
    (given, strange), (wanted, _) = state_of(source), state_of(target)
    if strange or set(given) != set(wanted):
        differences = sorted(set(given) ^ set(wanted))
        return [
            *strange,
            *[f"{name!r} is in one object's checkpoint_state() and not in another's" for name in differences],
        ]
    for path, value in given.items():
        if is_variable(value):
            restore_values([wanted[path]], all_bits([value]))
    _load_scalars(source, target, set())
    return []


def _load_scalars(source: SupportsCheckpoint, target: SupportsCheckpoint, seen: set[int]) -> None:
    """Scalars go to the object that has them, as `load_checkpoint_state` says; objects may hold one another."""
    if id(source) in seen:
        return
    seen.add(id(source))
    children, others = source.checkpoint_state(), target.checkpoint_state()
    scalars = {name: child for name, child in children.items() if isinstance(child, SCALARS)}
    if scalars:
        target.load_checkpoint_state(scalars)
    for name, child in children.items():
        if isinstance(child, SupportsCheckpoint):
            _load_scalars(child, others[name], seen)


def _shown(variables: Iterable[Any]) -> str:
    return ", ".join(f"{variable.name}: {variable.meta}" for variable in variables) or "none"
