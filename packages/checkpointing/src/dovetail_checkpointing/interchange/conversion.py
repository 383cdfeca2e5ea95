"""convert: weights from one file to another, between frameworks too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from dovetail_protocols.errors import CheckpointError, CheckpointMismatchError

from . import checkpoint_folders, formats, isolated, layouts
from .contents import Contents
from .files import refuse_taken
from .formats import DOVETAIL, Format
from .layouts import Layer
from .limits import ForeignLimits
from .names import SEPARATORS, NameMap, renamed
from .stages import CountingFileSystem, Progress, Stages, counted

_LISTED = 40


@dataclass(frozen=True)
class Conversion:
    """What was written: names of arrays and plain values; which of them are a remainder, and what was left out."""

    target: Path
    arrays: tuple[str, ...]
    scalars: tuple[str, ...] = ()
    remainder: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    size_bytes: int = 0


@dataclass
class _Plan:
    """What is to be written, and what to say of it."""

    contents: Contents
    remainder: tuple[str, ...] = ()
    dropped: list[str] = field(default_factory=list)


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: str | None = None,
    source_format: str | None = None,
    like: Any = None,
    names: NameMap | Mapping[str, str] | None = None,
    source_layout: Literal["pytorch", "keras", "dovetail"] | None = None,
    target_layout: Literal["pytorch", "keras", "dovetail"] | None = None,
    unexpected: Literal["error", "keep", "drop"] = "error",
    remainder: Literal["keep", "drop"] = "keep",
    allow_code_execution: bool = False,
    overwrite: bool = False,
    limits: ForeignLimits = ForeignLimits(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Conversion:
    """Writes the weights of one file as another: PyTorch's .pt, .pth and .bin, Keras's .weights.h5 (and .keras, to
    read), .safetensors, Hugging Face's .safetensors.index.json, NumPy's .npz, and folders of Dovetail.

    Formats go by suffix; `to` says the target's and `source_format` the source's, where a name doesn't: "pytorch",
    "keras", "safetensors", "huggingface", "numpy", "dovetail".
    Without `like`, every array stays as it is. With `like`, a built Dovetail module, weights are moved between its
    layout and PyTorch's or Keras's; which one a file has that anybody may write is said by `source_layout` or
    `target_layout`. `names` maps the source's names to the target's (see `NameMap`); with `like`, everything below a
    layer's path keeps the name that its framework has for it.

    `unexpected`: what belongs to no layer of `like`, and plain values where the target can't hold them.
    `remainder`: what is needed for an exact way back only, such as PyTorch's counters of batches; restore with
    `unexpected="ignore"` where it is kept.

    The source is read in a process of its own that executes nothing; `allow_code_execution=True` has PyTorch load a .pt
    file there, and runs whatever is in it. The target is there whole or not at all (of shards, the index comes last).
    `progress` is called with the bytes moved so far and those there are, each of which is read and written.

    Raises: AttributeValueError for a pattern that fits no name, CheckpointMismatchError with everything that doesn't
    fit, CheckpointUnsafeError, CheckpointCorruptError, CheckpointError where the target exists (unless `overwrite`; an
    index is never replaced), CheckpointSpaceError, DTypeError for a dtype that the target doesn't have,
    MissingPackageError.
    """
    origin, goal = Path(source), Path(target)
    read_format = formats.named(source_format) if source_format else formats.of(origin)
    target_format = formats.named(to) if to else formats.of(goal)
    if target_format.name != DOVETAIL or not overwrite:
        refuse_taken(goal, overwrite)
    if allow_code_execution and read_format.name == "pytorch":
        read_format = replace(read_format, module="pytorch_code")
    route = _Route(
        source_layout or read_format.framework,
        target_layout or target_format.framework,
        names if isinstance(names, NameMap) else NameMap(names or {}),
    )
    layers = None if like is None else layouts.of(like)
    stages = Stages(progress, (read_format.name != DOVETAIL) + 1 + (target_format.library is not None))
    with _reading(read_format, origin, limits, goal, stages) as contents:
        plan = _plan(contents, route, layers, unexpected, remainder)
        _fit_scalars(plan, target_format, unexpected)
        _write(target_format, goal, plan.contents, overwrite, limits, stages)
        stages.end()
        written = plan.contents
        return Conversion(
            goal, tuple(written.arrays), tuple(written.scalars), plan.remainder, tuple(plan.dropped), written.size_bytes
        )


@dataclass(frozen=True)
class _Route:
    source: str | None
    target: str | None
    names: NameMap

    @property
    def separators(self) -> tuple[str | None, str | None]:
        return SEPARATORS.get(self.source or ""), SEPARATORS.get(self.target or "")


@contextmanager
def _reading(source: Format, path: Path, limits: ForeignLimits, beside: Path, stages: Stages) -> Iterator[Contents]:
    if source.name == DOVETAIL:
        with import_module(f"{__package__}.{source.module}").reading(path, limits) as contents:
            yield contents
    else:
        with isolated.reading(source.module, path, limits, beside, stages) as contents:
            yield contents


def _write(
    target: Format, path: Path, contents: Contents, overwrite: bool, limits: ForeignLimits, stages: Stages
) -> None:
    if target.library is not None:
        isolated.write(target.module, path, contents, overwrite=overwrite, limits=limits, stages=stages)
        return
    stages.begin(contents.size_bytes)
    if target.name == DOVETAIL:
        checkpoint_folders.write(path, contents, overwrite=overwrite, file_system=CountingFileSystem(stages))
    else:
        module = import_module(f"{__package__}.{target.module}")
        module.write(path, counted(contents, stages), overwrite=overwrite)


def _plan(
    contents: Contents,
    route: _Route,
    layers: Mapping[str, Layer] | None,
    unexpected: str,
    remainder: str,
) -> _Plan:
    """The contents under their new names, and in the target's layout where there is a module to go by."""
    start, goal = route.separators
    if layers is None or route.source != DOVETAIL:
        route.names.require_use([*contents.arrays, *contents.scalars])
    scalars = renamed(contents.scalars.items(), route.names, start, goal)
    metadata = dict(contents.metadata)
    if (route.target or route.source) == "pytorch":
        metadata.setdefault("format", "pt")  # the `transformers` library reads no safetensors file without it
    if layers is None:
        return _Plan(Contents(renamed(contents.arrays.items(), route.names, start, goal), scalars, metadata))
    if route.target == DOVETAIL and route.source in ("pytorch", "keras"):
        arrays = renamed(contents.arrays.items(), route.names, start, goal)
        moved = layouts.into_dovetail(arrays, route.source, layers)
        back = NameMap({})
    elif route.source == DOVETAIL and route.target in ("pytorch", "keras"):
        moved = layouts.from_dovetail(contents.arrays, route.target, layers)
        back = route.names
    else:
        raise CheckpointError(
            "`like` needs Dovetail's layout on one side, and PyTorch's or Keras's on the other",
            got=f"{route.source or 'nothing said'} to {route.target or 'nothing said'}",
            fix="say source_layout= or target_layout=; between PyTorch and Keras go by a checkpoint folder",
        )
    _refuse_mismatch(moved, scalars, unexpected)
    back.require_use([*moved.arrays, *moved.remainder, *moved.unexpected, *contents.scalars])
    kept = moved.arrays | (moved.remainder if remainder == "keep" else {})
    kept |= moved.unexpected if unexpected == "keep" else {}
    dropped = [] if remainder == "keep" else list(moved.remainder)
    if unexpected == "drop":
        dropped += [*moved.unexpected, *scalars]
        scalars = {}
    separator = SEPARATORS["dovetail"]
    final = renamed(kept.items(), back, separator, goal)
    rest = tuple(back(name, separator, goal) for name in moved.remainder) if remainder == "keep" else ()
    return _Plan(Contents(final, scalars, metadata), rest, dropped)


def _refuse_mismatch(moved: layouts.Moved, scalars: Iterable[str], unexpected: str) -> None:
    lines = [*moved.differences, *(f"missing: {name}" for name in moved.missing)]
    if unexpected == "error":
        lines += [f"{name} {list(array.shape)}: belongs to no layer" for name, array in moved.unexpected.items()]
        lines += [f"{name}: is no array, and belongs to no layer" for name in scalars]
    if lines:
        listed = lines[:_LISTED] + ([f"and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else [])
        raise CheckpointMismatchError(
            f"a file's weights don't fit the module: {len(lines)} difference{'s' * (len(lines) > 1)}",
            where="names here are those after names={...}",
            got="\n    ".join(["", *listed]),
            effect="nothing was written",
            fix='map names={"encoder.*": "encoder/*"}; unexpected="keep" or "drop" for what belongs to no layer',
        )


def _fit_scalars(plan: _Plan, target: Format, unexpected: str) -> None:
    """Leaves plain values out, or refuses them, where the target holds arrays only."""
    if not plan.contents.scalars or target.name in ("pytorch", DOVETAIL):
        return
    if unexpected != "drop":
        raise CheckpointMismatchError(
            "the target's format holds arrays only",
            where=target.name,
            got=", ".join(sorted(plan.contents.scalars)[:_LISTED]),
            fix='pass unexpected="drop" to leave plain values out',
        )
    plan.dropped += plan.contents.scalars
    plan.contents = replace(plan.contents, scalars={})
