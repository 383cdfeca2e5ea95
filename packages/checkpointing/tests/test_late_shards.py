"""Values that wait for variables which are parts of tensors: each gets its own part, and no more is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import Checkpoint, Manager, Shard, bind, even_slices, run_threads, save
from dovetail_protocols.errors import CheckpointMismatchError, StructureError

from .late_objects import Late

WHOLE = np.arange(12.0).reshape(6, 2)


def rows(name: str, shape: tuple[int, ...]) -> tuple[slice, ...] | None:
    """Two rows of what has some."""
    return (slice(2, 4), slice(0, 2)) if name == "net/w" else None


@pytest.fixture
def path(tmp_path: Path, variable: Any) -> Path:
    save(tmp_path / "c", {"net": {"w": variable(WHOLE), "b": variable([1.0, 2.0])}})
    return tmp_path / "c"


@pytest.mark.parametrize("waits", [False, True], ids=["made before", "made later"])
def test_sharding_says_which_part_a_variable_gets(path: Path, variable: Any, waits: bool) -> None:
    net, own = Late(), variable(np.zeros((2, 2)))
    if not waits:
        net.set("w", own)
    with Checkpoint(net=net).restore(path, sharding=rows):
        if waits:
            net.set("w", own)
        bias = net.set("b", variable(np.zeros(2)))
    assert own.payload.tolist() == [[4, 5], [6, 7]]
    assert bias.payload.tolist() == [1, 2]


def test_variable_that_stands_as_a_shard_gets_that_part(path: Path, variable: Any) -> None:
    own, net = variable(np.zeros((3, 2))), Late()
    tree: dict[str, Any] = {"net": net}
    with bind(path, tree):
        tree["net"] = {"w": Shard(own, (3, 0), (6, 2)), "b": variable(np.zeros(2))}
    assert own.payload.tolist() == WHOLE[3:].tolist()


def test_part_that_does_not_fit_is_refused_once_and_the_others_are_restored_later(path: Path, variable: Any) -> None:
    net = Late(w=variable(np.zeros((3, 2))))
    checkpoint = Checkpoint(net=net)
    with pytest.raises(CheckpointMismatchError, match="a part of shape"):
        checkpoint.restore(path, sharding=rows)
    net = Late()
    status = Checkpoint(net=net).restore(path, sharding=rows)
    net.children |= {"w": variable(np.zeros((2, 2))), "b": variable(np.zeros(3))}
    with pytest.raises(CheckpointMismatchError, match="net/b"):
        status.look()
    status.look()
    assert net.children["w"].payload.tolist() == [[4, 5], [6, 7]]
    assert net.children["b"].payload.tolist() == [0, 0, 0]
    status.end()


def test_tensors_of_which_a_part_is_wanted_are_not_read_ahead(path: Path, variable: Any) -> None:
    with_part = Checkpoint(net=Late(b=variable(np.zeros(2)))).restore(path, sharding=rows)
    assert not with_part._reader._kept
    whole = Checkpoint(net=Late(b=variable(np.zeros(2)))).restore(path)
    assert whole._reader._kept  # else this would show nothing
    with_part.end()
    whole.end()


def test_plain_array_as_a_shard_is_refused_as_any_plain_array(path: Path) -> None:
    with pytest.raises(StructureError, match="can't be restored in place"):
        Checkpoint(net={"w": Shard(WHOLE[:2], (0, 0), (6, 2))}).restore(path)


def test_checkpoint_of_objects_is_saved_and_restored_by_ranks(tmp_path: Path, variable: Any) -> None:
    def part(ranks: Any) -> tuple[slice, ...]:
        return even_slices(WHOLE.shape, 0, ranks.rank, ranks.world_size)

    def training(ranks: Any) -> None:
        checkpoint = Checkpoint(net=Late(w=variable(WHOLE[part(ranks)])))
        start = part(ranks)[0].start
        manager = Manager(tmp_path, communicator=ranks)
        manager.save(1, checkpoint, sharding=lambda name, value: Shard(value, (start, 0), WHOLE.shape))

    def resumed(ranks: Any) -> bool:
        net = Late()
        latest = Manager(tmp_path, communicator=ranks).latest()
        assert latest is not None
        with Checkpoint(net=net).restore(latest, sharding=lambda name, shape: part(ranks)):
            net.set("w", variable(np.zeros_like(WHOLE[part(ranks)])))
        return np.array_equal(net.children["w"].payload, WHOLE[part(ranks)])

    assert run_threads(3, training) == [None] * 3
    assert run_threads(4, resumed) == [True] * 4
