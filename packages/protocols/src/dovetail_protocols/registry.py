"""The operations that are known, by name: the standard's, and those that plug-ins bring."""

from __future__ import annotations

from .errors import InvalidNameError, UnknownOperationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .operation import Operation

_operations: dict[tuple[str, int], Operation] = {}


def register_operation(operation: Operation) -> Operation:
    """Makes an operation known. The same name and version twice is an error, and the first stays.

    Raises: InvalidNameError.
    """
    key = (operation.name, operation.version)
    if key in _operations:
        raise InvalidNameError(
            f"operation {operation.name} version {operation.version} is registered already",
            fix="use a namespace of your own (acme::name), or a new version",
        )
    _operations[key] = operation
    return operation


def register_operations(operations: Sequence[Operation]) -> None:
    """Makes several operations known, or none of them. Those that are known already stay.

    Raises: InvalidNameError.
    """
    new = [
        operation for operation in operations if _operations.get((operation.name, operation.version)) is not operation
    ]
    done: list[Operation] = []
    try:
        for operation in new:
            done.append(register_operation(operation))
    except InvalidNameError:
        for operation in done:
            unregister_operation(operation)
        raise


def unregister_operation(operation: Operation) -> None:
    """Forgets an operation, as when a plug-in that brought it turns out to be broken."""
    _operations.pop((operation.name, operation.version), None)


def names() -> frozenset[tuple[str, int]]:
    """Names and versions of the operations known now, to come back to with `forget_all_but`."""
    return frozenset(_operations)


def forget_all_but(known: frozenset[tuple[str, int]]) -> None:
    """Forgets the operations registered since, as when the plug-in that brought them turns out to be broken."""
    for key in [key for key in _operations if key not in known]:
        _operations.pop(key, None)


def find_operation(name: str, version: int | None = None) -> Operation:
    """The operation of that name ("dovetail::matmul"; without a namespace the standard's), newest version by default.

    Raises: UnknownOperationError with near names.
    """
    _load_standard()
    qualified = name if "::" in name else f"dovetail::{name}"
    versions = {known: op for (op_name, known), op in _operations.items() if op_name == qualified}
    if not versions:
        from .plugins.operations import load_plugin_operations

        load_plugin_operations()
        versions = {known: op for (op_name, known), op in _operations.items() if op_name == qualified}
    if version is None and versions:
        return versions[max(versions)]
    if version not in versions:
        from difflib import get_close_matches

        near = get_close_matches(qualified, {op_name for op_name, _ in _operations}, 3)
        raise UnknownOperationError(
            f"unknown operation {qualified}" + (f" version {version}" if versions else ""),
            expected=f"version {', '.join(map(str, versions))}" if versions else None,
            fix=f"did you mean {' or '.join(near)}?" if near else "install the package that brings it",
        )
    return versions[version]


def all_operations() -> Sequence[Operation]:
    """Every operation known now, sorted by name and version: the standard's, and those of plug-ins loaded so far."""
    _load_standard()
    return [_operations[key] for key in sorted(_operations)]


def _load_standard() -> None:
    from . import operations  # noqa: F401 - importing it registers the standard
