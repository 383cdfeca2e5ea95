"""Saves in the background: what was there when they were asked for, and no failure unheard."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import LocalFileSystem, Manager, restore, save_async
from dovetail_protocols.errors import CheckpointError, StructureError


class Gate(LocalFileSystem):
    """Storage that makes no file before it is opened; `failing`, it then fails."""

    def __init__(self, failing: bool = False) -> None:
        self.opened, self.failing = threading.Event(), failing

    def create(self, path: PurePath, size_bytes: int) -> Any:
        assert self.opened.wait(60)
        if self.failing:
            raise OSError(5, "Input/output error")
        return super().create(path, size_bytes)


def test_what_is_changed_right_after_the_call_is_saved_as_it_was(tmp_path: Path, variable: Any) -> None:
    gate = Gate()
    array, cell, tied = np.arange(1000.0), variable(np.ones(5)), variable(np.zeros(3))
    tree = {"array": array, "cell": cell, "list": [tied, tied], "number": 1}
    pending = save_async(tmp_path / "c", tree, file_system=gate)
    assert not pending.done()
    array[:] = -1.0
    cell.replace(np.full(5, 9.0))
    tied.replace(np.full(3, 9.0))
    tree["number"] = 2
    tree["list"].clear()
    gate.opened.set()
    receipt = pending.result()
    restored = restore(tmp_path / "c").tree
    np.testing.assert_array_equal(restored["array"], np.arange(1000.0))
    np.testing.assert_array_equal(restored["cell"], np.ones(5))
    np.testing.assert_array_equal(restored["list"][0], np.zeros(3))
    assert restored["list"][0] is restored["list"][1]
    assert restored["number"] == 1
    assert restore(tmp_path / "c", expected_digest=receipt.digest).report.step is None


def test_a_variables_buffer_is_held_not_copied(tmp_path: Path, variable: Any) -> None:
    gate, cell = Gate(), variable(np.ones(5))
    count = sys.getrefcount(cell.payload)
    pending = save_async(tmp_path / "c", {"cell": cell}, file_system=gate)
    held = sys.getrefcount(cell.payload)
    gate.opened.set()
    pending.result()
    afterwards = sys.getrefcount(cell.payload)
    assert held > count, "so that nobody overwrites it meanwhile"
    assert afterwards == count


def test_what_cannot_be_saved_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(StructureError):
        save_async(tmp_path / "c", {"x": object()})
    assert not (tmp_path / "c").exists()


def test_a_failure_is_raised_by_result_with_the_threads_own_traceback(tmp_path: Path) -> None:
    gate = Gate(failing=True)
    pending = save_async(tmp_path / "c", {"x": np.ones(3)}, file_system=gate)
    gate.opened.set()
    with pytest.raises(CheckpointError, match="could not be saved") as caught:
        pending.result()
    assert any(entry.name == "save_to" for entry in caught.traceback)
    assert "saved in the background" in caught.value.__notes__[0]
    save_async(tmp_path / "c", {"x": np.ones(3)}).result()  # it was told once; the next call is not to blame


@pytest.mark.parametrize("call", ["save", "save_async", "wait", "close", "latest", "restore_latest"])
def test_a_failure_that_nobody_asked_for_is_raised_by_the_next_call(tmp_path: Path, call: str) -> None:
    gate = Gate(failing=True)
    manager = Manager(tmp_path, file_system=gate)
    manager.save_async(1, {"x": np.ones(3)})
    gate.opened.set()
    arguments = (2, {"x": np.ones(3)}) if call.startswith("save") else ()
    with pytest.raises(CheckpointError, match="Input/output error") as caught:
        getattr(manager, call)(*arguments)
    assert "step-000000000001 was saved in the background" in caught.value.__notes__[0]
    manager.wait()
    assert manager.steps == ()


def test_one_save_at_a_time_and_retention_behind_each(tmp_path: Path) -> None:
    with Manager(tmp_path, max_to_keep=2) as manager:
        value = np.zeros(1000)
        for step in range(5):
            value += 1
            manager.save_async(step, {"value": value})
    assert manager.steps == (3, 4)
    for step in manager.steps:
        assert restore(tmp_path / f"step-{step:012}").tree["value"].tolist() == [step + 1.0] * 1000


ENDING = """
import sys
import numpy as np
from dovetail_checkpointing import LocalFileSystem, save_async

class Slow(LocalFileSystem):
    def create(self, path, size_bytes):
        import threading
        threading.main_thread().join()  # not before the program has come to its end
        if {failing}:
            raise OSError(5, "Input/output error")
        return super().create(path, size_bytes)

save_async(sys.argv[1], {{"x": np.ones(3_000_000)}}, file_system=Slow())
"""


@pytest.mark.parametrize("failing", [False, True])
def test_the_program_does_not_end_before_its_saves_and_tells_what_failed(tmp_path: Path, failing: bool) -> None:
    program = ENDING.format(failing=failing)
    command = [sys.executable, "-c", program, str(tmp_path / "c")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    if failing:
        assert f"{tmp_path / 'c'} was NOT saved:" in done.stderr
        assert "Input/output error" in done.stderr
        assert list(tmp_path.iterdir()) == []
    else:
        assert done.stderr == ""
        assert restore(tmp_path / "c").tree["x"].sum() == 3_000_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, which other tests may have loaded
def test_a_forked_process_may_not_save_and_does_not_wait_for_threads_that_it_lacks(tmp_path: Path) -> None:
    gate = Gate()
    manager = Manager(tmp_path, file_system=gate)
    pending = manager.save_async(1, {"x": np.ones(3)})
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        told = []
        for call in (lambda: manager.save(2, {}), pending.result):
            try:
                call()
            except CheckpointError as error:
                told.append(str(error))
        manager.wait()
        os._exit(0 if len(told) == 2 and "fork" in told[0] and "fork" in told[1] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.opened.set()
    pending.result()
