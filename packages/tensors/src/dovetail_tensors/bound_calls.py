"""What eager evaluation remembers of calls: which kernel serves one, and what to look it up by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols.dtypes import DType
from dovetail_protocols.graph import Graph
from dovetail_protocols.metas import Device
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins.policy import Policy
from dovetail_protocols.selection import Candidate

from .signature import Signature

TABLE_LIMIT = 8192
"""Calls kept for one policy; attributes such as the bounds of slices vary without end."""


class BoundCall:
    """A kernel for one (operation, dtypes, attributes), and the signatures of its results.

    `kernel` serves all shapes. Where it is None, `by_shape` has one for each set of shapes seen, or None for those that
    the decomposition serves. `several` says whether the results are a tuple. `origins` has where each kernel comes
    from, by the same shapes (None for one that serves all), for errors.
    """

    __slots__ = ("attributes", "by_shape", "kernel", "operation", "origins", "several", "signature", "signatures")

    def __init__(
        self,
        operation: Operation,
        attributes: Mapping[str, Any],
        kernel: Any,
        signatures: tuple[Signature, ...],
        several: bool,
    ) -> None:
        self.operation, self.attributes, self.kernel = operation, attributes, kernel
        self.signatures, self.several = signatures, several
        self.signature: Any = signatures[0] if signatures else None
        self.by_shape: dict[tuple[Any, ...], Any] = {}
        self.origins: dict[tuple[Any, ...] | None, Candidate | None] = {}


class Tables:
    """The calls bound under one policy: `bound` by complete attributes, `written` by the call as its user wrote it."""

    __slots__ = ("bound", "written")

    def __init__(self) -> None:
        self.bound: dict[Any, BoundCall] = {}
        self.written: dict[Any, BoundCall] = {}


_tables: dict[Policy | None, Tables] = {None: Tables()}


def tables_of(policy: Policy | None) -> Tables:
    """The tables of one policy; None is the default one."""
    found = _tables.get(policy)
    return _tables.setdefault(policy, Tables()) if found is None else found


def forget() -> None:
    """Drops every bound call."""
    for tables in _tables.values():
        tables.bound.clear()
        tables.written.clear()


def store(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Enters something under a key, into a table that is emptied when it is full."""
    if len(table) >= TABLE_LIMIT:
        table.clear()
    table[key] = value


_PLAIN = frozenset({int, bool, str, type(None), DType, Device})
_WHOLE = frozenset({int, type(None)})


def attribute_key(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Attribute values as a key that keeps apart what Python calls equal: -0.0 and 0.0, 1 and 1.0 and True.

    Raises: TypeError for values that can't be hashed.
    """
    types = tuple(map(type, values))
    if _PLAIN.issuperset(types):
        return values, types
    for value, kind in zip(values, types, strict=True):
        if kind not in _PLAIN and not (kind is tuple and _WHOLE.issuperset(map(type, value))):
            return tuple([_exact(value) for value in values]), types
    return values, types


def _exact(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return value.hex()
    if kind is complex:
        return (value.real.hex(), value.imag.hex())
    if kind is tuple and not _WHOLE.issuperset(map(type, value)):
        return attribute_key(value)
    return value


def is_lasting(values: tuple[Any, ...]) -> bool:
    """Whether a call with these attributes is worth remembering: graphs and functions are made anew too often."""
    return not any(isinstance(value, Graph) or callable(value) for value in values)
