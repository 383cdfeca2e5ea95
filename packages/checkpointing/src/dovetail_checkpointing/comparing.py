"""How two checkpoints differ: tensors that one lacks, shapes, dtypes, values, scalars and all that is said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .float_text import same_float
from .object_tree import Path
from .reading import Reader, TensorInfo
from .sources import Array, CheckpointSource, TensorSource, groups, is_small, parts
from .value_differences import Gathered, ValueDifference, same_bits


class _Absent:
    """Stands where one side has no value."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """A tensor that differs. One side is None where it lacks the tensor; `values` where shape and dtype are the same,
    and values were compared."""

    path: Path
    first: TensorInfo | None
    second: TensorInfo | None
    values: ValueDifference | None = None


@dataclass(frozen=True)
class Comparison:
    """What differs between two checkpoints. The mappings have what differs only, each as a pair; ABSENT stands where
    one side lacks it. `same`: how many tensors don't differ; `compares_values`: whether values were looked at."""

    tensors: tuple[TensorDifference, ...]
    same: int
    compares_values: bool
    scalars: Mapping[Path, tuple[Any, Any]] = field(default_factory=dict)
    aliases: Mapping[Path, tuple[Any, Any]] = field(default_factory=dict)
    containers: Mapping[Path, tuple[Any, Any]] = field(default_factory=dict)
    items: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    metrics: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    step: tuple[int | None, int | None] | None = None

    @property
    def only_first(self) -> tuple[TensorDifference, ...]:
        """Tensors that the second lacks."""
        return tuple(one for one in self.tensors if one.second is None)

    @property
    def only_second(self) -> tuple[TensorDifference, ...]:
        """Tensors that the first lacks."""
        return tuple(one for one in self.tensors if one.first is None)

    @property
    def redescribed(self) -> tuple[TensorDifference, ...]:
        """Tensors of another shape or dtype."""
        return tuple(one for one in self.tensors if one.first and one.second and one.values is None)

    @property
    def changed(self) -> tuple[TensorDifference, ...]:
        """Tensors of the same shape and dtype, but other values."""
        return tuple(one for one in self.tensors if one.values is not None)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs, step and metrics included."""
        said = (self.scalars, self.aliases, self.containers, self.items, self.metrics, self.step)
        return not self.tensors and not any(said)


def compare(
    first: Reader, second: Reader, *, values: bool = True, progress: Callable[[int, int], None] | None = None
) -> Comparison:
    """How two open checkpoints differ. Tensors are matched by their paths and read in parts; with `values=False` only
    what their manifests say is compared. `progress` is called with the bytes compared so far and those there are.

    Raises: CheckpointCorruptError.
    """
    one, other = first.manifest, second.manifest
    tied_alike = {path for path, target in one.aliases.items() if other.aliases.get(path) == target}
    tensors, same = compare_tensors(
        CheckpointSource(first, without=tied_alike),
        CheckpointSource(second, without=tied_alike),
        values=values,
        progress=progress,
    )
    return Comparison(
        tensors,
        same,
        values,
        _differing(one.scalars, other.scalars),
        _differing(one.aliases, other.aliases),
        _differing(one.containers, other.containers),
        _differing(one.items, other.items),
        _differing(one.metrics, other.metrics),
        None if one.step == other.step else (one.step, other.step),
    )


def compare_tensors(
    first: TensorSource,
    second: TensorSource,
    *,
    values: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[tuple[TensorDifference, ...], int]:
    """The tensors that differ, those of the first in its order, and how many are the same."""
    found = []
    comparable = []
    for path, info in first.tensors.items():
        other = second.tensors.get(path)
        if other is None or (info.shape, info.dtype) != (other.shape, other.dtype):
            found.append(TensorDifference(path, info, other))
        else:
            comparable.append(path)
    found += [TensorDifference(path, None, info) for path, info in second.tensors.items() if path not in first.tensors]
    same = len(comparable)
    if values:
        changed = _changed(first, second, comparable, progress)
        found += changed
        same -= len(changed)
    return tuple(found), same


def _changed(
    first: TensorSource,
    second: TensorSource,
    paths: list[Path],
    progress: Callable[[int, int], None] | None,
) -> list[TensorDifference]:
    found: dict[Path, TensorDifference] = {}
    total = sum(first.tensors[path].size_bytes for path in paths)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    for group in groups(first.stored_order(paths), first.tensors):
        infos = [first.tensors[path] for path in group]
        if not is_small(infos[0]):
            differences = {group[0]: _in_parts(first, second, group[0], infos[0], advance)}
        else:
            left, right = first.read_several(group), second.read_several(group)
            differences = {
                path: _whole(left[path], right[path]) for path in group if not same_bits(left[path], right[path])
            }
            advance(sum(info.size_bytes for info in infos))
        for path, difference in differences.items():
            if difference.changed:
                found[path] = TensorDifference(path, first.tensors[path], first.tensors[path], difference)
    return [found[path] for path in paths if path in found]


def _in_parts(
    first: TensorSource, second: TensorSource, path: Path, info: TensorInfo, advance: Callable[[int], None]
) -> ValueDifference:
    gathered = Gathered()
    for part in parts(info):
        left = first.read_part(path, part)
        gathered.add(left, second.read_part(path, part))
        advance(left.nbytes)
    return gathered.result()


def _whole(left: Array, right: Array) -> ValueDifference:
    gathered = Gathered()
    gathered.add(left, right)
    return gathered.result()


def _differing(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    pairs = {key: (first.get(key, ABSENT), second.get(key, ABSENT)) for key in {**first, **second}}
    return {key: pair for key, pair in pairs.items() if not _is_same(*pair)}


def _is_same(first: Any, second: Any) -> bool:
    """Whether two scalars are the same to the bit: 1 and 1.0 and True differ, NaNs with other payloads too."""
    if type(first) is not type(second):
        return False
    return same_float(first, second) if isinstance(first, float) else bool(first == second)
