"""Which checkpoints a Manager keeps, and what it restores when the newest is damaged."""

from __future__ import annotations

import errno
from math import nan
from pathlib import Path, PurePath

import numpy as np
import pytest

from dovetail_checkpointing import Manager, best, every, last
from dovetail_checkpointing.retention import Saved
from dovetail_checkpointing.storage import LocalFileSystem, ReadableFolder, locate
from dovetail_protocols.errors import AttributeValueError, CheckpointCorruptError, CheckpointWarning

STEPS = [Saved(100, {"loss": 3.0}), Saved(200, {"loss": 1.0}), Saved(250, {}), Saved(300, {"loss": nan})]
STEPS += [Saved(400, {"loss": 1.0}), Saved(500, {"loss": 2.0})]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (last(2), {400, 500}),
        (last(99), {100, 200, 250, 300, 400, 500}),
        (every(200), {200, 400}),
        (best("loss"), {200}),
        (best("loss", 3), {200, 400, 500}),
        (best("loss", 99), {100, 200, 400, 500}),
        (best("loss", 1, mode="max"), {100}),
        (best("accuracy", 2), set()),
    ],
)
def test_a_rule_keeps_what_it_says(rule: object, kept: set[int]) -> None:
    assert rule.kept(STEPS) == kept


def test_rules_refuse_what_keeps_nothing() -> None:
    for make in (lambda: last(0), lambda: every(0), lambda: best("loss", 0)):
        with pytest.raises(AttributeValueError, match="at least one"):
            make()
    with pytest.raises(AttributeValueError, match="'min' or 'max'"):
        best("loss", mode="middle")


def test_a_manager_keeps_what_any_rule_keeps_in_a_later_process_too(tmp_path: Path) -> None:
    losses = {1: 0.9, 2: 0.1, 3: 0.8, 4: 0.7, 5: 0.6, 6: 0.5}
    for step, loss in losses.items():  # a Manager of its own each time, as after a restart
        manager = Manager(tmp_path, keep=[last(2), every(3), best("loss")])
        manager.save(step, {"x": step}, metrics={"loss": loss})
    assert manager.steps == (2, 3, 5, 6)


def damage(folder: Path) -> None:
    file = next(folder.glob("*.safetensors"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


@pytest.fixture
def damaged(tmp_path: Path) -> Manager:
    """Steps 1 to 4, of which 3 and 4 are damaged."""
    manager = Manager(tmp_path)
    for step in (1, 2, 3, 4):
        manager.save(step, {"x": np.full(3, step)})
    damage(tmp_path / "step-000000000003")
    damage(tmp_path / "step-000000000004")
    return manager


def test_a_damaged_newest_step_is_an_error_that_names_an_older_one(damaged: Manager) -> None:
    with pytest.raises(CheckpointCorruptError, match="step-000000000004") as caught:
        damaged.restore_latest()
    text = str(caught.value)
    assert "step 2 verifies" in text
    assert "CRC-32" in text
    assert "while reading x" in text


def test_an_older_step_without_a_manifest_does_not_hide_what_is_damaged(damaged: Manager) -> None:
    (Path(damaged.path(3)) / "manifest.json").unlink()
    with pytest.raises(CheckpointCorruptError, match="step-000000000004") as caught:
        damaged.restore_latest()
    assert "step 2 verifies" in str(caught.value)


def test_with_fallback_the_newest_that_is_sound_is_restored_with_a_warning_for_each(damaged: Manager) -> None:
    with pytest.warns(CheckpointWarning, match="step [34] is damaged, an older one is restored") as warned:
        restored = damaged.restore_latest(fallback=True)
    assert restored is not None
    assert restored.tree["x"].tolist() == [2, 2, 2]
    assert len(warned) == 2


def test_where_no_step_is_sound_that_is_said(tmp_path: Path) -> None:
    manager = Manager(tmp_path)
    manager.save(1, {"x": np.ones(3)})
    damage(tmp_path / "step-000000000001")
    with pytest.raises(CheckpointCorruptError, match="no older step verifies"):
        manager.restore_latest()


def test_verify_tells_of_each_step(damaged: Manager) -> None:
    found = damaged.verify()
    assert [step for step, verification in found.items() if verification.is_sound] == [1, 2]
    (damage_found,) = found[3].damages
    assert damage_found.file == "data-00000-of-00001.safetensors"
    assert damage_found.tensors == ("x",)
    assert "CRC-32" in damage_found.what


def test_a_step_saved_before_steps_had_leading_zeros_is_found(tmp_path: Path) -> None:
    Manager(tmp_path).save(7, {"x": 7})
    (tmp_path / "step-000000000007").rename(tmp_path / "step-7")
    manager = Manager(tmp_path)
    assert manager.steps == (7,)
    assert manager.latest() == tmp_path / "step-7"


class OutOfFiles(LocalFileSystem):
    """Storage that opens no folder of a checkpoint: too many files are open."""

    def open_folder(self, path: PurePath) -> ReadableFolder:
        raise OSError(errno.EMFILE, "Too many open files", str(path))


def test_the_best_is_not_removed_where_its_metrics_can_not_be_read(tmp_path: Path) -> None:
    manager = Manager(tmp_path, keep=[last(1), best("loss")])
    manager.save(1, {"x": 1}, metrics={"loss": 0.1})
    manager.save(2, {"x": 2}, metrics={"loss": 0.2})
    later = Manager(tmp_path, keep=[last(1), best("loss")])
    later._metrics_of(2, later._place_of(2))  # of step 1 nothing is known
    later._place = locate(tmp_path, OutOfFiles())
    later._retain(2)
    assert later.steps == (1, 2)


def test_a_number_for_rules_is_refused_with_the_way_to_say_it(tmp_path: Path) -> None:
    with pytest.raises(AttributeValueError, match="max_to_keep= takes a number"):
        Manager(tmp_path, keep=3)  # type: ignore[arg-type]  # the mistake that is tested
