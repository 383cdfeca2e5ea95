"""How far a conversion says that it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dovetail_checkpointing.interchange import convert, isolated
from dovetail_checkpointing.interchange.stages import Stages

ARRAYS = {"a": np.zeros((300, 1000)), "b": np.ones((200, 1000)), "empty": np.zeros((0, 3))}
SIZE = 500 * 1000 * 8


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Compressed, so that the file is far smaller than what it holds."""
    np.savez_compressed(tmp_path / "source.npz", **ARRAYS)
    return tmp_path / "source.npz"


@pytest.mark.parametrize(
    ("name", "stages"), [("a", 2), ("a.npz", 2), ("a.safetensors", 2), ("a.pt", 2), ("a.weights.h5", 3)]
)
def test_each_stage_is_told_up_to_all_that_there_is(source: Path, name: str, stages: int) -> None:
    told: list[tuple[int, int]] = []
    convert(source, source.with_name(name), progress=lambda *now: told.append(now))
    assert told == sorted(told)
    assert told[-1] == (stages * SIZE, stages * SIZE)
    assert {total for _, total in told} == {stages * SIZE}
    done = {done for done, _ in told}
    assert {SIZE * stage for stage in range(1, stages + 1)} <= done
    assert any(SIZE < moved < 2 * SIZE for moved in done)


def test_a_checkpoint_is_read_as_it_is_written(source: Path) -> None:
    convert(source, source.with_name("a"))
    told: list[tuple[int, int]] = []
    convert(source.with_name("a"), source.with_name("b.npz"), progress=lambda *now: told.append(now))
    assert told[-1] == (SIZE, SIZE)


def test_nothing_is_told_of_a_conversion_that_fails_before_it_moves_anything(source: Path) -> None:
    told: list[tuple[int, int]] = []
    with pytest.raises(Exception, match="exists already"):
        convert(source, source, progress=lambda *now: told.append(now))
    assert not told


@pytest.mark.parametrize("said", [b"", b"1", b"x y", b"-1 5", b"7 5", b"9" * 64, b"\xff\xff 1"])
def test_what_the_other_process_says_is_passed_on_where_it_makes_sense(tmp_path: Path, said: bytes) -> None:
    told: list[tuple[int, int]] = []
    stages = Stages(lambda *now: told.append(now))
    stages.begin()
    isolated._tell(tmp_path / "progress", stages)
    (tmp_path / "progress").write_bytes(said)
    isolated._tell(tmp_path / "progress", stages)
    assert not told
    (tmp_path / "progress").write_bytes(b"                   3                    5")
    isolated._tell(tmp_path / "progress", stages)
    assert told == [(3, 5)]


def test_a_link_in_place_of_what_the_other_process_says_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"3 5")
    (tmp_path / "progress").symlink_to(tmp_path / "other")
    told: list[tuple[int, int]] = []
    stages = Stages(lambda *now: told.append(now))
    stages.begin()
    isolated._tell(tmp_path / "progress", stages)
    assert not told
