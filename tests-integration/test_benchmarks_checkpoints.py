"""What is timed of checkpoints is what happens: sessions save and load the same bytes. Nothing is timed here."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import campaign, checkpoint_worker, checkpoints, command_line, disk, report
from benchmarks.checkpoint_worker import CheckpointWorker, OtherBytes
from benchmarks.drivers.catalogue import DRIVERS, LIMIT, OURS, UNVERIFIED
from benchmarks.drivers.limit.checkpoints import Session as BareCalls
from benchmarks.drivers.session import NotApplicable
from benchmarks.plan import Plan
from benchmarks.results import DriverResult, Limits, Report, WorkloadResult
from benchmarks.targets import Goal, Measure, Target
from benchmarks.verdicts import verdicts
from benchmarks.workloads.checkpoints import CHECKPOINTS, Action, Checkpoint, differing, mixed, size_of, tiny
from benchmarks.workloads.registry import WORKLOADS

SIZE, COUNT = 1 << 20, 100
INSTALLED = (OURS, "safetensors", LIMIT)  # wherever the tests run
SMALL = Plan((), (), checkpoint_rounds=2, checkpoint_bytes=SIZE, checkpoint_tensors=COUNT, settle_seconds=0.0)

MISSING = {
    ("safetensors", Action.ASYNC),
    ("safetensors", Action.ASYNC_STEP),
    (LIMIT, Action.OPEN),
}


def result_of(workload: Checkpoint, *drivers: str) -> WorkloadResult:
    return WorkloadResult(workload.name, workload.title, {name: DriverResult(name) for name in drivers})


@pytest.fixture(autouse=True)
def _no_sync_of_the_whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.mark.parametrize("driver", INSTALLED)
@pytest.mark.parametrize("workload", CHECKPOINTS, ids=lambda workload: workload.name)
def test_every_action_loads_what_was_saved_and_leaves_no_more_than_it_needs(
    tmp_path: Path, driver: str, workload: Checkpoint
) -> None:
    worker = CheckpointWorker(driver, workload.name)
    folder = tmp_path / driver
    assert worker.load(str(folder), SIZE, COUNT)["payload_bytes"] > 0
    if (driver, workload.action) in MISSING:
        with pytest.raises(NotApplicable):
            worker.check()
        return
    worker.check()
    assert worker.once()["seconds"] > 0
    assert worker.memory()["peak_bytes"] > 0
    assert any(folder.iterdir()) == workload.action.reads


def test_a_session_that_loads_other_bytes_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: BareCalls, folder: Path) -> Any:
        loaded = np.fromfile(folder / "bytes", np.uint8)
        loaded[-1] ^= 1
        return loaded

    monkeypatch.setattr(BareCalls, "load", load)
    worker = CheckpointWorker(LIMIT, "checkpoint_save")
    worker.load(str(tmp_path / "here"), SIZE, COUNT)
    with pytest.raises(OtherBytes, match=r"blocks\.23\.tokens_seen"):
        worker.check()


def test_what_differs_in_a_bit_a_dtype_or_a_shape_or_is_missing_is_found() -> None:
    saved = {"a": np.array([1.0, np.nan]), "b": np.zeros(2, np.float32)}
    assert differing({"a": saved["a"].copy(), "b": saved["b"].copy()}, saved) is None
    for wrong in (-np.zeros(2, np.float32), np.zeros(2), np.zeros((2, 1), np.float32)):
        assert differing({**saved, "b": wrong}, saved) == "b"
    assert differing({"b": saved["b"]}, saved) == "a"


def test_tensors_are_the_same_in_every_process_and_about_as_large_as_asked() -> None:
    first, again = mixed(SIZE), mixed(SIZE)
    assert differing(first, again) is None
    assert {array.dtype.name for array in first.values()} == {"float32", "float16", "uint8", "int64"}
    assert size_of(mixed(16 << 20)) == pytest.approx(16 << 20, rel=0.02)
    assert len(tiny(COUNT)) == COUNT


def test_a_cold_load_has_its_files_dropped_from_memory_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[Path] = []
    monkeypatch.setattr(disk, "forget", forgotten.append)
    for name in ("checkpoint_load", "checkpoint_load_cold"):
        worker = CheckpointWorker("safetensors", name)
        worker.load(str(tmp_path / name), SIZE, COUNT)
        worker.check()
        worker.once()
    assert forgotten == [tmp_path / "checkpoint_load_cold"]


def test_steps_are_taken_until_the_save_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    enough = threading.Event()
    readings: list[float] = []

    def read_clock() -> float:
        readings.append(float(len(readings)))
        if len(readings) == 40:
            enough.set()
        return readings[-1]

    monkeypatch.setattr(checkpoint_worker.time, "perf_counter", read_clock)
    assert checkpoint_worker._step_seconds(enough.wait) == 1.0
    assert len(readings) >= 40


def test_formats_take_part_in_checkpoints_only_and_unverified_in_loads() -> None:
    plan = Plan((), (OURS, "jax", "safetensors", LIMIT))
    names = ("checkpoint_save", "checkpoint_load", "mlp")
    found = {name: campaign._taking_part(WORKLOADS[name], plan) for name in names}
    assert found["checkpoint_save"] == [OURS, "safetensors", LIMIT]
    assert found["checkpoint_load"] == [OURS, UNVERIFIED, "safetensors", LIMIT]
    assert found["mlp"] == [OURS, "jax", LIMIT]


def test_every_driver_computes_or_saves() -> None:
    assert all(driver.implementation or driver.checkpoints for driver in DRIVERS.values())


def test_a_package_within_a_missing_one_is_missing() -> None:
    assert not campaign._is_installed("no_such_package.inner")


def test_formats_are_measured_in_turns_and_their_files_removed(tmp_path: Path) -> None:
    workload = WORKLOADS["checkpoint_load"]
    assert isinstance(workload, Checkpoint)
    result = result_of(workload, "safetensors", LIMIT)
    checkpoints.measure(result, workload, SMALL, tmp_path)
    for driver in result.drivers.values():
        assert driver.failed is None
        assert len(driver.round_seconds) == 2
        assert driver.step_bytes is not None
    assert result.payload_bytes == size_of(mixed(SIZE))
    assert result.floor_driver == LIMIT
    assert not (tmp_path / workload.name).exists()


def test_a_full_disk_fails_the_workload_and_says_what_to_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workload = CHECKPOINTS[0]
    result = result_of(workload, OURS)
    monkeypatch.setattr(disk, "free_bytes", lambda folder: SIZE)
    checkpoints.measure(result, workload, SMALL, tmp_path)
    assert "pass --disk" in str(result.drivers[OURS].failed)


def test_the_file_system_is_that_of_the_innermost_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    inner = tmp_path / "a b"
    inner.mkdir()
    escaped = str(inner).replace(" ", "\\040")
    mounts.write_text(f"/dev/one / ext4 rw 0 0\nmemory {escaped} tmpfs rw 0 0\n/dev/two /elsewhere xfs rw 0 0\n")
    assert disk.file_system(inner, mounts) == "tmpfs on memory"
    assert disk.file_system(tmp_path, mounts) == "ext4 on /dev/one"
    assert disk.file_system(tmp_path, tmp_path / "none") == "unknown"


def test_checkpoints_have_a_table_of_their_own() -> None:
    ours, other = DriverResult(OURS, [[0.5]], step_bytes=9 << 20), DriverResult("safetensors", [[0.4]])
    drivers = {OURS: ours, "safetensors": other}
    result = WorkloadResult("checkpoint_load", "load", drivers, payload_bytes=10**9)
    plan = {"drivers": [OURS, "jax"], "checkpoint_bytes": SIZE, "checkpoint_tensors": COUNT}
    text = report.render_report(Report({}, plan, Limits(1e11, "", 1e10, ""), [result]))
    (row,) = [line.split() for line in text.splitlines() if line.startswith("checkpoint_load: load")]
    assert row[2:] == ["500", "ms", "±0%", "400", "ms", "±0%", "2.00", "safetensors", "1.25", "±0%", "DEFEAT", "–"]
    assert "checkpoint_load     9 MiB            –" in text
    assert "Time of one step" not in text


def test_verified_is_compared_with_unverified_where_a_target_names_it() -> None:
    target = Target("load", ("load",), Goal(Measure.SPEED, 0.8), Goal(Measure.SPEED, 0.9), (UNVERIFIED,))
    drivers = {OURS: DriverResult(OURS, [[1.0]]), UNVERIFIED: DriverResult(UNVERIFIED, [[0.85]])}
    (verdict,) = verdicts([WorkloadResult("load", "load", drivers)], [target])
    assert verdict.text == "must met"


def test_extra_memory_is_judged_in_bytes() -> None:
    target = Target("memory", ("load",), Goal(Measure.EXTRA, 32 << 20), Goal(Measure.EXTRA, 16 << 20))
    for size, text in ((40 << 20, "MISSED by 25.0%"), (20 << 20, "must met"), (0, "aim met"), (None, "not measured")):
        result = WorkloadResult("load", "load", {OURS: DriverResult(OURS, step_bytes=size)})
        assert verdicts([result], [target])[0].text == text


def test_checkpoints_are_smaller_when_quick() -> None:
    options = command_line.parser().parse_args(["--quick"])
    assert command_line.make_plan(options).checkpoint_bytes < Plan((), ()).checkpoint_bytes
