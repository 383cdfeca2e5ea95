"""What names, shapes and sizes in a foreign file must be. Each rule raises before anything is allocated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dovetail_protocols.dtypes import ALL
from dovetail_protocols.dtypes import dtype as find_dtype
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError, DTypeError

from .limits import ForeignLimits

if TYPE_CHECKING:
    from .contents import StoredArray

_FILE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_DTYPES = frozenset(dtype.name for dtype in ALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f]")


def within(what: str, got: int, limits: ForeignLimits, limit: str, where: str) -> None:
    """Raises CheckpointUnsafeError where a number is over the limit of that name."""
    most = getattr(limits, limit)
    if got > most:
        raise CheckpointUnsafeError(
            f"{what} is over its limit",
            where=where,
            expected=f"at most {most:,}",
            got=f"{got:,}",
            fix=f"if you trust the file, pass limits=ForeignLimits({limit}=...)",
        )


def array_name(name: object, limits: ForeignLimits, where: str) -> str:
    """A name that any format can hold and no path is made of.

    Raises: CheckpointUnsafeError.
    """
    if not isinstance(name, str) or not name:
        raise CheckpointUnsafeError("an array has no name", where=where, expected="a string", got=repr(name)[:80])
    shown = f"{where}: {name[:80]!r}"
    try:
        within("the length of a name", len(name.encode("utf-8")), limits, "name_bytes", shown)
    except UnicodeEncodeError as error:
        raise CheckpointUnsafeError("a name is no Unicode text", where=shown, cause=str(error)) from error
    if _CONTROL.search(name):
        raise CheckpointUnsafeError("a name holds NUL or control characters", where=shown)
    parts = re.split(r"[/\\]", name)
    if ".." in parts or parts[0] == "":
        raise CheckpointUnsafeError("a name reads as a path out of its folder", where=shown)
    return name


def file_name(name: object, where: str) -> str:
    """The name of a file beside the one that names it, with no folder in it.

    Raises: CheckpointUnsafeError.
    """
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name) or name.startswith("."):
        raise CheckpointUnsafeError(
            "a file names another that isn't beside it",
            where=where,
            expected="letters, digits, '.', '_' and '-', not beginning with '.'",
            got=repr(name)[:200],
        )
    return name


def known_dtype(name: str | None, where: str, written: object) -> str:
    """The name of a dtype that Dovetail has; `written` is how the file calls it.

    Raises: DTypeError.
    """
    if name not in _DTYPES:
        raise DTypeError("a file holds a dtype that Dovetail doesn't have", where=where, got=written)
    return name


def array_shape(shape: Iterable[object], dtype: str, limits: ForeignLimits, where: str) -> tuple[int, ...]:
    """A shape whose bytes can be counted: a zero axis doesn't excuse the size of the others.

    Raises: CheckpointUnsafeError, CheckpointCorruptError.
    """
    sizes = tuple(shape)
    within("the number of axes", len(sizes), limits, "rank", where)
    checked = tuple(size for size in sizes if type(size) is int and size >= 0)
    if len(checked) != len(sizes):
        raise CheckpointCorruptError("a shape isn't one", where=where, expected="sizes ≥ 0", got=repr(sizes)[:200])
    nonzero = math.prod(size for size in checked if size) * find_dtype(dtype).size_bytes
    within("the size of an array, in bytes,", nonzero, limits, "total_bytes", where)
    return checked


def size_bytes(shape: tuple[int, ...], dtype: str) -> int:
    """The bytes of an array."""
    return math.prod(shape) * find_dtype(dtype).size_bytes


def totals(arrays: Iterable[StoredArray], stored_bytes: int, limits: ForeignLimits, where: str) -> None:
    """Raises CheckpointUnsafeError where arrays together are too large, or far larger than what is stored of them."""
    sizes = [size_bytes(array.shape, array.dtype) for array in arrays]
    within("the number of arrays", len(sizes), limits, "arrays", where)
    expansion(sum(sizes), stored_bytes, limits, where)


def expansion(declared_bytes: int, stored_bytes: int, limits: ForeignLimits, where: str) -> None:
    """Raises CheckpointUnsafeError where a declared size is too large, or far larger than what is stored."""
    within("the size of all arrays, in bytes,", declared_bytes, limits, "total_bytes", where)
    if declared_bytes > limits.expansion_bytes and declared_bytes > limits.expansion_ratio * stored_bytes:
        raise CheckpointUnsafeError(
            "a file declares far more than it stores",
            where=where,
            expected=f"at most {limits.expansion_bytes:,} bytes, or {limits.expansion_ratio:,} times what is stored",
            got=f"{declared_bytes:,} bytes of {stored_bytes:,} stored",
            fix="if you trust the file, pass limits=ForeignLimits(expansion_bytes=...)",
        )
