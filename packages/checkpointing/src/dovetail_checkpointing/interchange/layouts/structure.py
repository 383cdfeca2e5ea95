"""What a module consists of: the layers by path, what kind of weights each has, and the shapes of its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import StructureError
from dovetail_protocols.roles import SupportsCheckpoint, SupportsWeightLayout


@dataclass(frozen=True)
class Layer:
    """One module with variables of its own: what it says its weights are (None: nothing), and their shapes."""

    weight_layout: str | None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def of(module: Any) -> dict[str, Layer]:
    """The layers of a built module by object path. Any object with checkpoint state will do; what its own variables are
    it says by `SupportsWeightLayout`.

    Raises: StructureError where the module has no variables (yet).
    """
    found: dict[str, Layer] = {}
    _walk(module, "", found, set())
    if not found:
        raise StructureError(
            "the module has no variables",
            where="like",
            got=type(module).__name__,
            fix="call it once, so that its layers are built",
        )
    return found


def _walk(owner: Any, path: str, found: dict[str, Layer], seen: set[int]) -> None:
    if id(owner) in seen:
        return
    seen.add(id(owner))
    shapes: dict[str, tuple[int, ...]] = {}
    for name, child in owner.checkpoint_state().items():
        if is_variable(child):
            if id(child) not in seen:
                seen.add(id(child))
                shapes[name] = tuple(child.meta.shape)
        elif isinstance(child, SupportsCheckpoint):
            _walk(child, joined(path, name), found, seen)
    if shapes:
        found[path] = Layer(owner.weight_layout if isinstance(owner, SupportsWeightLayout) else None, shapes)


def joined(path: str, name: str) -> str:
    """The name of what is below a path."""
    return f"{path}/{name}" if path else name
