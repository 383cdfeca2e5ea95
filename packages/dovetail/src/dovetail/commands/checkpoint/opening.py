"""Opening what was found, to read its tensors: a checkpoint, a program's variables, or a plain file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .places import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from dovetail_checkpointing import Comparison, Reader
    from dovetail_checkpointing.sources import TensorSource


@dataclass(frozen=True, slots=True)
class Opened:
    """What can be read; `reader` is None for a plain file, which holds tensors only."""

    source: TensorSource
    reader: Reader | None


@contextmanager
def opened(found: Found) -> Iterator[Opened]:
    """What was found, open for the body of a `with`.

    Raises: what opening it raises.
    """
    import dovetail_checkpointing as checkpointing
    from dovetail_checkpointing.plain_files import open_safetensors
    from dovetail_checkpointing.sources import CheckpointSource

    if found.kind == "file":
        with open_safetensors(found.place.path) as source:
            yield Opened(source, None)
    else:
        with checkpointing.open(found.checkpoint) as reader:
            yield Opened(CheckpointSource(reader), reader)


def compare(
    first: Opened, second: Opened, *, values: bool = True, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """How two differ; where one is a plain file, in tensors only."""
    import dovetail_checkpointing as checkpointing
    from dovetail_checkpointing.comparing import compare_tensors

    if first.reader is not None and second.reader is not None:
        return checkpointing.compare(first.reader, second.reader, values=values, progress=progress)
    tensors, same = compare_tensors(first.source, second.source, values=values, progress=progress)
    return checkpointing.Comparison(tensors, same, values)
