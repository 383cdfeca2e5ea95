"""Checkpoint formats with one fault each, an honest one, and what `numpy.savez` gives with nothing added."""

from __future__ import annotations

import pickle
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.errors import CheckpointCorruptError

from . import Mutant
from ._checkpoint_file import Honest, Leaves, buffer_of, leaves_of

# ---------------------------------------------------------------------- values


class LosesNarrowDtypes(Honest):
    def bytes_of(self, buffer: Any) -> bytes:
        wide = buffer.astype(np.float32).astype(np.float16 if buffer.itemsize == 2 else buffer.dtype)
        return super().bytes_of(wide.astype(buffer.dtype) if hasattr(ml_dtypes, buffer.dtype.name) else buffer)


class DropsSigns(Honest):
    def bytes_of(self, buffer: Any) -> bytes:
        return super().bytes_of(buffer + np.zeros((), buffer.dtype) if buffer.dtype.kind == "f" else buffer)


class OneNan(Honest):
    def bytes_of(self, buffer: Any) -> bytes:
        if buffer.dtype.kind == "f":
            buffer = np.where(np.isnan(buffer), np.asarray(np.nan, buffer.dtype), buffer)
        return super().bytes_of(buffer)


class GoesByMemory(Honest):
    def bytes_of(self, buffer: Any) -> bytes:
        return super().bytes_of(buffer.ravel(order="K"))


class RoundsScalars(Honest):
    def decoded(self, data: bytes) -> Leaves:
        return {p: float(f"{v:.6g}") if isinstance(v, float) else v for p, v in super().decoded(data).items()}


class LosesEmptyAxes(Honest):
    def buffer_from(self, data: bytes, dtype: Any, shape: Any) -> Any:
        return super().buffer_from(data, dtype, shape if data else (0,))

    def check(self, name: Any, value: Any, leaf: Any) -> None:
        if value is not None and getattr(value, "size", 1):
            super().check(name, value, leaf)


class ForgetsScalars(Honest):
    def load_scalars(self, tree: Any, path: tuple[str, ...], found: Leaves) -> None:
        pass


class KnowsOneClass(Honest):
    def assign(self, tree: Any, target: Leaves, found: Leaves) -> None:
        for path, leaf in target.items():
            if type(leaf).__name__ == "HostVariable":
                leaf.replace(found[path])
        self.load_scalars(tree, (), found)


class KeepsTheOld(Honest):
    def write(self, path: Path, data: bytes) -> None:
        if not path.exists():
            super().write(path, data)


class GoesByPlace(Honest):
    def matched(self, found: Leaves, target: Leaves) -> Leaves:
        super().matched(found, target)
        return dict(zip(target, found.values(), strict=True))

    def check(self, name: Any, value: Any, leaf: Any) -> None:
        if type(value) is type(buffer_of(leaf)):
            super().check(name, value, leaf)


class SortsByText(Honest):
    def matched(self, found: Leaves, target: Leaves) -> Leaves:
        super().matched(found, target)
        return dict(zip(target, (found[path] for path in sorted(found)), strict=True))


class JoinsNames(Honest):
    def encoded(self, leaves: Leaves) -> bytes:
        return super().encoded({("/".join(path),): leaf for path, leaf in leaves.items()})

    def matched(self, found: Leaves, target: Leaves) -> Leaves:
        joined = {path: ("/".join(path),) for path in target}
        super().matched(found, dict.fromkeys(joined.values()))
        return {path: found[name] for path, name in joined.items()}


# ---------------------------------------------------------------------- refusals


class AssignsAsItGoes(Honest):
    def check(self, name: Any, value: Any, leaf: Any) -> None:
        super().check(name, value, leaf)
        if is_variable(leaf):
            leaf.replace(value)


class ReshapesSilently(Honest):
    def check(self, name: Any, value: Any, leaf: Any) -> None:
        buffer = buffer_of(leaf)
        if buffer is not None and buffer.size != value.size:
            super().check(name, value, leaf)


class LeavesOutSilently(Honest):
    def matched(self, found: Leaves, target: Leaves) -> Leaves:
        return {path: found.get(path, buffer_of(leaf)) for path, leaf in target.items()}


class RaisesKeyError(Honest):
    def matched(self, found: Leaves, target: Leaves) -> Leaves:
        for path in target:
            found[path]
        return super().matched(found, target)


class StartsAfreshSilently(Honest):
    def restore(self, path: Path, tree: Any) -> Any:
        return super().restore(path, tree) if path.exists() else tree


class HidesWhatIsLeft(Honest):
    def left(self, found: Leaves, target: Leaves) -> list[str]:
        return []


# ---------------------------------------------------------------------- damage


class ChecksNothing(Honest):
    def verified(self, data: bytes) -> bytes:
        return data[32:]


class FillsUpShortFiles(Honest):
    def write(self, path: Path, data: bytes) -> None:
        super().write(path, len(data).to_bytes(3, "little") + data)

    def verified(self, data: bytes) -> bytes:
        missing = int.from_bytes(data[:3], "little") - len(data[3:])
        return data[35:] + bytes(missing) if missing > 0 else super().verified(data[3:])


class ChecksTheHeaderOnly(Honest):
    """Two files: a header with its digest, and the bytes of all buffers."""

    def write(self, path: Path, data: bytes) -> None:
        path.mkdir(exist_ok=True)
        end = 40 + int.from_bytes(data[32:40], "little")
        super().write(path / "data", data[end:])
        super().write(path / "header", sha256(data[32:end]).digest() + data[32:end])

    def read(self, path: Path) -> bytes:
        data = super().read(path / "header")
        return data + (path / "data").read_bytes()


class WritesInPlace(Honest):
    def write(self, path: Path, data: bytes) -> None:
        with open(path, "wb") as file:
            file.write(data)


class RemovesTheOldFirst(Honest):
    def write(self, path: Path, data: bytes) -> None:
        path.unlink(missing_ok=True)
        super().write(path, data)


class SwallowsFailures(Honest):
    def write(self, path: Path, data: bytes) -> None:
        with suppress(OSError):
            super().write(path, data)


class Pickles(Honest):
    def save(self, path: Path, tree: Any) -> None:
        leaves = leaves_of(tree)
        values = {p: leaf if buffer_of(leaf) is None else buffer_of(leaf) for p, leaf in leaves.items()}
        self.write(path, pickle.dumps(values))

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def decoded(self, data: bytes) -> Leaves:
        try:
            found: Leaves = pickle.loads(data)
        except Exception as error:
            raise CheckpointCorruptError("a checkpoint is damaged") from error
        return found


class Savez(Honest):
    """numpy.savez and numpy.load, with nothing but names joined by slashes."""

    def save(self, path: Path, tree: Any) -> None:
        values = {"/".join(p): getattr(leaf, "payload", leaf) for p, leaf in leaves_of(tree).items()}
        with open(path, "wb") as file:
            np.savez(file, **values)

    def restore(self, path: Path, tree: Any) -> Any:
        target = leaves_of(tree)
        with np.load(path, allow_pickle=True) as archive:
            found = {p: archive["/".join(p)] for p in target}
        found = {p: v.item() if self.is_scalar(target[p]) else v for p, v in found.items()}
        self.assign(tree, target, found)
        return self.replaced(tree, found)


def suite_of(kind: type[Honest], *, limits: Path | None = None) -> type:
    """The suite for one format."""
    from dovetail_conformance import checkpoint_format_suite

    form = kind()
    objects = {"variables of the tensor package": lambda: {"v": provider().variable([0.0, 0.0])}}
    return checkpoint_format_suite(form.save, form.restore, partial=form.partial, objects=objects, limits=limits)


def mutant(kind: type[Honest], what: str, *caught_by: str) -> Mutant:
    suite = partial(suite_of, kind)
    return Mutant(name=kind.__name__, what=what, caught_by=frozenset(caught_by), suite=suite)


DTYPE, TREE = "every_dtype_comes_back_to_the_bit", "every_tree_comes_back"
REFUSED, DAMAGE = "what_does_not_fit_is_refused_whole", "damage_is_noticed"
FAILED = "a_failed_save_leaves_a_whole_checkpoint"
MUTANTS = (
    mutant(Honest, "one file with a digest, written beside and renamed"),
    mutant(LosesNarrowDtypes, "keeps bfloat16 as float16", DTYPE),
    mutant(DropsSigns, "gives 0.0 for -0.0", DTYPE),
    mutant(OneNan, "gives one NaN for all", DTYPE),
    mutant(LosesEmptyAxes, "gives shape (0,) for all that is empty", DTYPE),
    mutant(GoesByMemory, "writes elements in the order of memory", TREE),
    mutant(RoundsScalars, "keeps six digits of a float", TREE),
    mutant(ForgetsScalars, "doesn't hand scalars to the objects that have them", TREE),
    mutant(KnowsOneClass, "restores variables of one class only", "given_objects_come_back"),
    mutant(KeepsTheOld, "leaves an earlier checkpoint in its place", "a_save_replaces_an_earlier_one"),
    mutant(GoesByPlace, "matches values by place", "values_go_by_name"),
    mutant(SortsByText, "puts slot 10 before slot 2", TREE, "values_go_by_name"),
    mutant(JoinsNames, "joins the names of a path by slashes", "paths_that_read_alike_are_kept_apart"),
    mutant(AssignsAsItGoes, "has assigned half when it finds what doesn't fit", REFUSED),
    mutant(ReshapesSilently, "asks for the number of elements only", REFUSED),
    mutant(LeavesOutSilently, "keeps values for which the checkpoint has none", REFUSED),
    mutant(RaisesKeyError, "raises a KeyError for a missing name", REFUSED),
    mutant(StartsAfreshSilently, "restores nothing where nothing is", "absence_is_said"),
    mutant(HidesWhatIsLeft, "doesn't say what was left", "a_partial_restore_names_what_is_left"),
    mutant(ChecksNothing, "checks no digest", DAMAGE),
    mutant(FillsUpShortFiles, "fills up a file that is too short with zeros", DAMAGE),
    mutant(ChecksTheHeaderOnly, "has a digest of its header alone", DAMAGE, "files_of_two_checkpoints_are_not_mixed"),
    mutant(WritesInPlace, "writes over the earlier checkpoint", FAILED),
    mutant(RemovesTheOldFirst, "removes the earlier checkpoint before the new one is there", FAILED),
    mutant(SwallowsFailures, "says nothing where the disk is full", FAILED),
    mutant(Pickles, "loads a pickle", "nothing_in_a_file_is_run"),
    mutant(
        *(Savez, "is numpy.savez and numpy.load with nothing added"),
        *(DTYPE, REFUSED, DAMAGE, FAILED, "absence_is_said", "nothing_in_a_file_is_run"),
    ),
)
