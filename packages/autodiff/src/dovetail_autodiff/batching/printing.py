"""Batching of printing: the whole batch is written at once."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import operations as ops

from ..extend import batching_of


@batching_of(ops.print)
def print(size: int, is_batched: Any, *arrays: Any, **attributes: Any) -> Any:
    return ops.print(*arrays, **attributes)
