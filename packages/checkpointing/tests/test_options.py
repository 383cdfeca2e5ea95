"""Options that can't be are refused before anything is done, not found by who reads the checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import Manager, best, restore, run_threads, save, save_async, save_sharded, verify
from dovetail_protocols.errors import AttributeValueError, StructureError

TREE = {"model": {"kernel": np.ones(3)}, "epoch": 7}
UNFIT: list[dict[str, Any]] = [
    {"step": -1},
    {"step": 1.5},
    {"step": "12"},
    {"durability": "none"},
    {"digests": ["crc32", "md5"]},
    {"digests": "crc32"},
    {"metrics": {"loss": "low"}},
    {"versions": {"model": "2"}},
    {"versions": {"model": -2}},
]


@pytest.mark.parametrize("options", UNFIT, ids=str)
def test_saves_of_all_kinds_refuse_options_that_no_reader_could_read(options: Any, tmp_path: Path) -> None:
    name = next(iter(options))
    with pytest.raises(AttributeValueError, match=name):
        save(tmp_path / "c", TREE, **options)
    with pytest.raises(AttributeValueError, match=name):
        save_async(tmp_path / "c", TREE, **options)
    with pytest.raises(AttributeValueError, match=name):
        Manager(tmp_path).save(**({"step": 1, "tree": TREE} | options))
    assert not list(tmp_path.iterdir())


def test_every_rank_hears_of_an_option_that_can_not_be(tmp_path: Path) -> None:
    def train(ranks: Any) -> str:
        with pytest.raises(AttributeValueError) as caught:
            save_sharded(tmp_path / "c", TREE, communicator=ranks, step=-1 if ranks.rank else 3)
        return str(caught.value)

    assert all("rank 1" in message for message in run_threads(2, train))


def test_a_step_of_another_library_is_a_number_in_the_checkpoint(tmp_path: Path) -> None:
    class Counter:
        def __index__(self) -> int:
            return 12

        def __str__(self) -> str:
            return "Counter(12)"

    manager = Manager(tmp_path)
    manager.save(Counter(), TREE)  # type: ignore[arg-type]  # what variables are too
    manager.save(np.int64(13), TREE)  # type: ignore[arg-type]  # as above
    assert manager.steps == (12, 13)
    assert [restore(manager.path(step)).report.step for step in manager.steps] == [12, 13]


@pytest.mark.parametrize("option", ["missing", "unexpected", "cast", "verify"])
def test_words_that_an_option_does_not_know_are_refused(option: str, tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    with pytest.raises(AttributeValueError, match=option):
        restore(tmp_path / "c", TREE, **{option: "sometimes"})  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(AttributeValueError, match="level"):
        verify(tmp_path / "c", "all")  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(AttributeValueError, match="mode"):
        best("loss", mode="lowest")  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize("into", [TREE, None])
def test_a_pattern_that_picks_nothing_is_refused_with_the_one_that_was_meant(into: Any, tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    for pattern, meant in (("model", "model/*"), ("model/kernal", "model/kernel")):
        with pytest.raises(AttributeValueError, match=f"did you mean '{meant.replace('*', '[*]')}'"):
            restore(tmp_path / "c", into, only=["epoch", pattern])
    assert restore(tmp_path / "c", into, only="model/*").report.restored == ("model/kernel",)


def test_checksums_can_not_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="CRC-32"):
        save(tmp_path / "c", TREE, digests=["sha256"])


def test_of_tied_arrays_those_come_that_were_asked_for(tmp_path: Path) -> None:
    tied = np.ones(2)
    save(tmp_path / "c", {"first": tied, "other": np.zeros(1), "second": tied})
    for only in ("first", "second", ["first", "second"]):
        wanted = {only} if isinstance(only, str) else set(only)
        assert set(restore(tmp_path / "c", only=only).tree) == wanted
        blank = np.zeros(2)
        tree = {"first": blank, "other": np.ones(1), "second": blank}
        assert restore(tmp_path / "c", tree, only=only).tree["second"].tolist() == [1.0, 1.0]
