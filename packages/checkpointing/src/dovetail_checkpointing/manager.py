"""Manager: the checkpoints of one training, of which the newest are kept."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from dovetail_protocols.errors import AttributeValueError, CheckpointError

from .file_system import FileSystem, LocalFileSystem
from .reading import latest_checkpoint, step_folders
from .restoring import Restored, restore
from .saving import Receipt, save


class Manager:
    """Checkpoints `step-N` in the folder `root`. After each save the newest `max_to_keep` stay; None keeps all.

    One process at a time may save into a root.

    Raises: AttributeValueError for a `max_to_keep` below 1.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        max_to_keep: int | None = 5,
        *,
        file_system: FileSystem | None = None,
    ) -> None:
        if max_to_keep is not None and max_to_keep < 1:
            raise AttributeValueError(
                "a Manager keeps at least one checkpoint", where="max_to_keep", expected="≥ 1 or None", got=max_to_keep
            )
        self.root, self.max_to_keep = Path(root), max_to_keep
        self._storage = file_system or LocalFileSystem()

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that have a folder, ascending."""
        return tuple(step for step, _ in step_folders(self.root))

    def save(self, step: int, tree: Any) -> Receipt:
        """Saves a tree as the checkpoint of a step, then removes those that are too old.

        Raises: what `save` raises, also for a step that is saved already.
        """
        receipt = save(self.root / f"step-{step}", tree, step=step, file_system=self._storage)
        if self.max_to_keep is not None:
            kept = {receipt.path, *(folder for _, folder in step_folders(self.root)[-self.max_to_keep :])}
            for _, folder in step_folders(self.root):
                if folder not in kept:
                    self._remove(folder)
        return receipt

    def latest(self) -> Path | None:
        """The checkpoint of the highest step that can be read, or None."""
        return latest_checkpoint(self.root)

    def restore_latest(self, into: Any, **options: Any) -> Restored | None:
        """Restores the latest checkpoint into a tree, with the options of `restore`; None where there is none yet.

        Raises: what `restore` raises.
        """
        latest = self.latest()
        return None if latest is None else restore(latest, into, **options)

    def _remove(self, folder: Path) -> None:
        """Takes a checkpoint out of sight in one step, then deletes it: none is ever seen half deleted."""
        trash = folder.with_name(f".trash-{folder.name}-{secrets.token_hex(8)}")
        try:
            self._storage.rename(folder, trash, exchange=False)
        except OSError as error:
            raise CheckpointError(
                "an old checkpoint could not be removed",
                where=str(folder),
                cause=f"{type(error).__name__}: {error}",
                effect="the new checkpoint is saved; the old one is untouched",
            ) from error
        self._storage.remove_tree(trash)
