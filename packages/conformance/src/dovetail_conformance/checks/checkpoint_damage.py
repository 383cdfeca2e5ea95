"""What is asked of a checkpoint format when something went wrong: damage is noticed, a save that failed leaves what was
there, and nothing in a file is ever run."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from dovetail_protocols.errors import CheckpointError

from .checkpoint_formats import Format
from .checkpoint_trees import bits_of, in_place_bits, small
from .failing_storage import FailingStorage

CALLS_LIMIT = 200
"""Calls of storage that one save is expected to stay below; each is made to fail once."""


def files_of(folder: Path) -> list[Path]:
    """Every file below a folder, in which a checkpoint stands alone."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def damage_problems(form: Format, folder: Path) -> list[str]:
    """Damage to a file that is neither noticed nor harmless."""
    form.save(folder / "checkpoint", small(1))
    found = []
    for file in files_of(folder):
        sound = file.read_bytes()
        for what, damaged in _damaged(sound):
            file.write_bytes(damaged)
            found += [f"{file.name} with {what}: {text}" for text in _judged(form, folder)]
        file.unlink()
        found += [f"{file.name} removed: {text}" for text in _judged(form, folder)]
        file.write_bytes(sound)
    return found


def _damaged(sound: bytes) -> Iterator[tuple[str, bytes]]:
    """One bit flipped in many places, and many lengths."""
    size = len(sound)
    places = {*range(min(size, 96)), *range(max(size - 16, 0), size), *range(0, size, max(size // 48, 1))}
    for place in sorted(places):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << place % 8
        yield f"a bit of byte {place} of {size} flipped", bytes(damaged)
    for length in sorted({0, 1, size // 4, size // 2, max(size - 9, 0), max(size - 1, 0)} - {size}):
        yield f"{length} of its {size} bytes", sound[:length]
    yield "a byte more", sound + b"\0"


def _judged(form: Format, folder: Path, *sound: dict[Any, Any]) -> list[str]:
    """Whether a restore raises a CheckpointError and changes nothing, or gives exactly what was saved."""
    target = small(None)
    before = in_place_bits(target)
    try:
        restored = bits_of(form.restore(folder / "checkpoint", target))
    except CheckpointError:
        return [] if in_place_bits(target) == before else ["it was noticed, but variables were changed before"]
    except Exception as error:  # noqa: BLE001 - a format may raise anything; callers expect the protocols' errors
        return [f"it raised {type(error).__name__}, not CheckpointError: {error}"]
    return [] if restored in (sound or (bits_of(small(1)),)) else ["other values were restored without a word"]


def mixture_problems(form: Format, folder: Path) -> list[str]:
    """Whether a file of another checkpoint is noticed, or that one restored whole."""
    one, other, found = folder / "one", folder / "other", []
    one.mkdir()
    other.mkdir()
    form.save(one / "checkpoint", small(1))
    form.save(other / "checkpoint", small(2))
    for file in files_of(one):
        foreign, sound = other / file.relative_to(one), file.read_bytes()
        if foreign.is_file():
            file.write_bytes(foreign.read_bytes())
            judged = _judged(form, one, bits_of(small(1)), bits_of(small(2)))
            found += [f"{file.name} of another checkpoint: {text}" for text in judged]
            file.write_bytes(sound)
    return found


def failing_save_problems(form: Format, folder: Path) -> list[str] | None:
    """Whether a save that fails leaves the earlier checkpoint or the new one, whole; None where no call can fail."""
    old, new, found = bits_of(small(1)), bits_of(small(2)), []
    for call in range(1, CALLS_LIMIT):
        root = folder / str(call)
        root.mkdir()
        form.save(root / "checkpoint", small(1))
        storage, failed = FailingStorage(root, call), True
        try:
            with storage:
                form.save(root / "checkpoint", small(2))
            failed = False
        except (OSError, CheckpointError):
            pass
        except Exception as error:  # noqa: BLE001 - a format may raise anything; callers expect the protocols' errors
            found.append(f"{storage.failed} failed, and it raised {type(error).__name__}: {error}")
        if storage.failed is None:
            return None if call == 1 else found
        allowed = (old, new) if failed else (new,)
        found += [f"after {storage.failed} failed: {text}" for text in _judged_whole(form, root, *allowed)]
        form.save(root / "checkpoint", small(1))
    return [*found, f"a save of four values makes more than {CALLS_LIMIT} calls of storage"]


def _judged_whole(form: Format, folder: Path, *allowed: dict[Any, Any]) -> list[str]:
    try:
        restored = bits_of(form.restore(folder / "checkpoint", small(None)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the checkpoint is gone
        return [f"no checkpoint can be restored: {type(error).__name__}: {error}"]
    return [] if restored in allowed else ["what is restored is neither the old checkpoint nor the new one"]


class Planted:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def execution_problems(form: Format, folder: Path) -> list[str]:
    """Whether restoring runs what somebody planted in a file, or what was handed to save."""
    saved, mark = folder / "saved", folder / "mark"
    saved.mkdir()
    form.save(saved / "checkpoint", small(1))
    found = []
    for file in files_of(saved):
        sound = file.read_bytes()
        for what, planted in _plants(sound, mark):
            file.write_bytes(planted)
            _restored(form, saved / "checkpoint", small(None))
            found += _marks(f"restoring {file.name} with {what} in its place", mark)
        file.write_bytes(sound)
    try:
        form.save(folder / "objects", {"a": Planted(mark)})
    except Exception:  # noqa: BLE001 - refusing is right, with whatever error
        return found + _marks("saving an object", mark)
    _restored(form, folder / "objects", {"a": np.zeros(())})
    return found + _marks("restoring an object that save took", mark)


def _plants(sound: bytes, mark: Path) -> Iterator[tuple[str, bytes]]:
    yield "a pickle", pickle.dumps(Planted(mark))
    array = np.empty(1, object)
    array[0] = Planted(mark)
    single, archive = BytesIO(), BytesIO()
    np.save(single, array, allow_pickle=True)
    yield "an array of objects", single.getvalue()
    if zipfile.is_zipfile(BytesIO(sound)):
        with zipfile.ZipFile(BytesIO(sound)) as original, zipfile.ZipFile(archive, "w") as target:
            for name in original.namelist():
                target.writestr(name, single.getvalue() if name.endswith(".npy") else pickle.dumps(Planted(mark)))
        yield "an archive of objects", archive.getvalue()


def _restored(form: Format, path: Path, target: Any) -> None:
    try:
        form.restore(path, target)
    except Exception:  # noqa: BLE001 - whether it is refused properly is what damage_problems asks
        return


def _marks(what: str, mark: Path) -> list[str]:
    if not mark.exists():
        return []
    mark.rmdir()
    return [f"{what} ran code"]
