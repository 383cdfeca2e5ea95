"""A file or folder for each step, for formats that bring no manager: the scheme of most training scripts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from crash.formats.format import Way
from crash.payloads import Arrays

KEPT = 2


def steps(
    suffix: str, save: Callable[[Path, Arrays], object], load: Callable[[Path, Arrays], Mapping[str, Any]]
) -> Way:
    """A way that saves each step under a name of its own, then removes all but the newest two. Loading takes the
    newest that doesn't raise, as careful scripts do."""

    def found(root: Path) -> list[tuple[int, Path]]:
        matches = ((re.fullmatch(rf"step-(\d+){re.escape(suffix)}", path.name), path) for path in root.iterdir())
        return sorted((int(match[1]), path) for match, path in matches if match)

    def save_step(root: Path, number: int, arrays: Arrays) -> None:
        save(root / f"step-{number}{suffix}", arrays)
        for _, old in found(root)[:-KEPT]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()

    def load_newest(root: Path, expected: Arrays) -> Mapping[str, Any]:
        last: BaseException = FileNotFoundError(root)
        for _, path in reversed(found(root)):
            try:
                return load(path, expected)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the one before is tried; torch's is no Exception
                last = error
        raise last

    return Way(save_step, load_newest)


def one_path(
    name: str, save: Callable[[Path, Arrays], object], load: Callable[[Path, Arrays], Mapping[str, Any]]
) -> Way:
    """A way that saves to one path again and again."""
    return Way(
        lambda root, number, arrays: save(root / name, arrays), lambda root, expected: load(root / name, expected)
    )
