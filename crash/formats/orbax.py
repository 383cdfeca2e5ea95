"""Orbax: a folder by PyTreeCheckpointer, or several by CheckpointManager."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp

from crash.formats.format import Format, Way
from crash.payloads import Arrays


def save_plain(root: Path, number: int, arrays: Arrays) -> None:
    ocp.PyTreeCheckpointer().save(root / "checkpoint", dict(arrays), force=True)


def load_plain(root: Path, expected: Arrays) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ocp.PyTreeCheckpointer().restore(root / "checkpoint")
    return found


def _manager(root: Path) -> ocp.CheckpointManager:
    options = ocp.CheckpointManagerOptions(max_to_keep=2, enable_async_checkpointing=False)
    return ocp.CheckpointManager(root, options=options)


def save_step(root: Path, number: int, arrays: Arrays) -> None:
    with _manager(root) as manager:
        manager.save(number, args=ocp.args.PyTreeSave(dict(arrays)))


def load_newest(root: Path, expected: Arrays) -> Mapping[str, Any]:
    with _manager(root) as manager:
        found: Mapping[str, Any] = manager.restore(manager.latest_step(), args=ocp.args.PyTreeRestore())
        return found


FORMAT = Format(
    name="orbax",
    distributions=("orbax-checkpoint", "tensorstore", "jax"),
    calls="PyTreeCheckpointer().save(path, tree, force=True), restore(path); CheckpointManager(root).save, restore",
    ways={"plain": Way(save_plain, load_plain), "steps": Way(save_step, load_newest)},
    forks_warm=False,
)
