"""Checkpoint: named objects that are saved and restored together, also before all of their variables are made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .late_restoring import RestoreStatus, require_variables
from .reading import open as open_checkpoint
from .saving import Receipt, save
from .shard import Sharding
from .storage import FileSystem


class Checkpoint:
    """The objects of a training by name: `Checkpoint(model=model, optimizer=optimizer, step=step)`.

    Each is a variable, has checkpoint state, or is a dict, list or tuple of such; plain arrays and numbers can't be
    changed in place, so hold them in variables. Values are matched by object path, such as "model/layers/0/kernel".

    Raises: StructureError for an object that can't be restored in place.
    """

    def __init__(self, **objects: Any) -> None:
        self.objects = objects
        self._status: RestoreStatus | None = None

    def checkpoint_state(self) -> Mapping[str, Any]:
        """The objects, so that a Checkpoint may stand inside of another tree. What waits for them is put in place
        first, so that nothing is saved instead of it."""
        if self._status is not None:
            self._status.look()
        return self.objects

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        """A Checkpoint has no scalars of its own."""

    def write(
        self, path: str | os.PathLike[str], *, step: int | None = None, overwrite: bool = False, **options: Any
    ) -> Receipt:
        """Saves the objects as the folder `path`, durably, as `save` does; the other options are those of `save`.

        What several ranks have parts of they save by `save_sharded`, or a Manager, of this Checkpoint.

        Raises: what `save` raises.
        """
        require_variables(self.objects)
        return save(path, self.checkpoint_state(), step=step, overwrite=overwrite, **options)

    def restore(
        self,
        path: str | os.PathLike[str],
        *,
        sharding: Sharding | None = None,
        expected_digest: str | None = None,
        file_system: FileSystem | None = None,
    ) -> RestoreStatus:
        """Puts values into all variables that exist and are in the checkpoint. Values for others wait until those are
        made and set: its files stay open until then, and may be removed meanwhile where storage allows that. A later
        `restore` ends the wait. Where a variable stands as a Shard, or `sharding(name, shape)` gives slices, only that
        part of the tensor is read. `expected_digest`, the `digest` of a receipt, refuses any other checkpoint.

        Raises: CheckpointMismatchError for shapes and dtypes that differ, CheckpointCorruptError; nothing is changed
        then. What is missing on either side is the status's business.
        """
        require_variables(self.objects)
        reader = open_checkpoint(path, expected_digest=expected_digest, file_system=file_system)
        status = RestoreStatus(reader, self.objects, sharding)
        if self._status is not None:
            self._status.end()
        self._status = status
        return status
