from __future__ import annotations

import subprocess
import sys
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.runtime import profiling, threads
from dovetail_kernels_llvm.runtime.profiling import record
from dovetail_kernels_llvm.runtime.schedule import Arena, Input, Output, Repeat, Stage


@pytest.fixture
def run(small: Any) -> Any:
    """Three launches a round, two rounds: one alone, one of six tasks, one alone."""
    body = (
        Stage((small.add(0, 0, 1, 6, flops=6),)),
        Stage((small.spin(2, 1, 6, 50, flops=6e6),)),
        Stage((small.add(1, 0, 3, 6, flops=6),)),
    )
    locations = {0: Input(0), 1: Arena(0), 2: Arena(64), 3: Output(0)}
    return small.executable((Repeat(0, 2, body),), locations, ((6,),), ((6,),))


X = np.arange(6)


def test_every_task_is_recorded_with_its_part_of_the_work(run: Any, each_call: str) -> None:
    run(X)
    with record() as recording:
        run(X)
        assert recording.runs == []
    names = [one.what for one in recording.runs]
    assert (names.count("add"), set(names)) == (4, {"add", "spin"})
    spins = [one for one in recording.runs if one.what == "spin"]
    assert sum(one.tasks for one in spins) == 12
    assert sum(one.flops for one in spins) == pytest.approx(12e6)
    assert all(one.start <= one.end for one in recording.runs)
    assert [one.start for one in recording.runs] == sorted(one.start for one in recording.runs)
    assert recording.left_out == 0


def test_nothing_is_recorded_afterwards(run: Any) -> None:
    with record() as first:
        pass
    run(X)
    with record() as second:
        run(X)
    assert first.runs == []
    assert sum(one.tasks for one in second.runs) == 4 + 12
    np.testing.assert_array_equal(run(X)[0], 3 * X)


def test_executables_made_meanwhile_are_recorded_and_keep_their_names(small: Any) -> None:
    with record() as recording:
        made = small.executable((Stage((small.fill(0, 1),)),), {0: Output(0)}, (), ((1,),))
        made()
        del made
    assert [one.what for one in recording.runs] == ["fill"]


def test_threads_have_rows_of_their_own(run: Any) -> None:
    threads.set_thread_count(3)
    try:
        with record() as recording:
            for _ in range(100):
                run(X)
    finally:
        threads.set_thread_count(None)
    assert {one.thread for one in recording.runs} <= {0, 1, 2}
    for thread in range(3):
        own = [one for one in recording.runs if one.thread == thread]
        assert all(first.end <= second.start for first, second in pairwise(own))


def test_calls_in_several_threads_are_recorded(run: Any) -> None:
    with record() as recording:
        callers = [threading.Thread(target=run, args=(X,)) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert sum(one.tasks for one in recording.runs) == 4 * 16


def test_what_has_no_room_is_counted(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "CAPACITY", 10)
    with record() as recording:
        run(X)
    assert (sum(one.tasks for one in recording.runs), recording.left_out) == (10, 6)


def test_recordings_do_not_nest(run: Any) -> None:
    with record() as recording:
        with pytest.raises(RuntimeError, match="recorded already"), record():
            pass
        run(X)
    assert recording.runs


def test_an_error_ends_a_recording(run: Any) -> None:
    with pytest.raises(KeyError), record():
        raise KeyError
    with record() as recording:
        run(X)
    assert recording.runs


def test_a_child_process_may_record_while_its_parent_does() -> None:
    code = """if True:
        import os
        from dovetail_kernels_llvm.runtime.profiling import record
        with record():
            child = os.fork()
            if not child:
                with record():
                    pass
        os._exit(0) if not child else None
        assert os.waitpid(child, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-c", code], check=True)
