"""The tensor package in use, and what an operand is. What an array and a variable are stands in roles.py."""

from __future__ import annotations

from .errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .metas import TensorMeta
    from .operation import Operation
    from .roles import SupportsBytes, TensorProvider

PROTOCOL = (1, 0)
"""The version of the tensor protocol that this package speaks. A tensor package need not state one."""

GROUP = "dovetail.tensors.v1"
_provider: TensorProvider | None = None


def provider() -> TensorProvider:
    """The tensor package in use, loaded at first need.

    Raises: PluginError where none is installed or fit to be used, or several are and none was chosen with
    `use_provider`.
    """
    if _provider is not None:
        return _provider
    found = _find_provider()
    use_provider(found)
    return found


def use_provider(chosen: TensorProvider | None) -> TensorProvider | None:
    """Chooses the tensor package of this process (None: found anew at next need). Returns the one before it."""
    global _provider, call
    before, _provider = _provider, chosen
    call = _call_at_first if chosen is None else getattr(chosen, "call", _call_in_steps)
    return before


def _call_at_first(operation: Operation, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
    provider()
    return call(operation, operands, given)


def _call_in_steps(operation: Operation, operands: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
    return provider().evaluate(operation, *operation.bind(operands, given))


call: Callable[[Operation, tuple[Any, ...], Mapping[str, Any]], Any] = _call_at_first
"""Evaluates a call as its user wrote it: `SupportsCalls.call` of the tensor package in use, where it has that."""


def _find_provider() -> TensorProvider:
    from .plugins import find, quarantined
    from .plugins.versions import offered_by, sound

    found = find(GROUP)
    sound_ones = found if len(found) == 1 else [plugin for plugin in found if sound(plugin) is not None]
    if len(sound_ones) == 1:
        chosen: TensorProvider = offered_by(sound_ones[0])
        return chosen
    if not sound_ones:
        aside = [message for key, message in quarantined().items() if key.startswith(f"{GROUP}:")]
        raise PluginError(
            "no tensor package can be used" if aside else "no tensor package is installed",
            cause="; ".join(aside) or None,
            fix="pip install dovetail-tensors",
        )
    raise PluginError(
        "several tensor packages are installed",
        got=", ".join(str(plugin) for plugin in sound_ones),
        fix="choose one with dovetail_protocols.arrays.use_provider(...), or uninstall the other",
    )


def bytes_provider() -> SupportsBytes:
    """The tensor package in use, which reads and writes arrays as bytes.

    Raises: PluginError where it doesn't.
    """
    from .roles import SupportsBytes

    chosen = provider()
    if not isinstance(chosen, SupportsBytes):
        raise PluginError(
            "the tensor package can't read or write arrays as bytes",
            expected="to_bytes and from_bytes, see SupportsBytes",
            got=type(chosen).__name__,
        )
    return chosen


def is_variable(value: Any) -> bool:
    """Whether a value is a variable, by the members of VariableLike. For boundaries, not for hot paths."""
    kind = type(value)
    return all(hasattr(kind, member) for member in ("replace", "payload", "meta")) and hasattr(value, "trainable")


def meta_of(value: Any) -> TensorMeta | None:
    """The meta of an operand; None for an optional operand left out."""
    return None if value is None else value.meta
