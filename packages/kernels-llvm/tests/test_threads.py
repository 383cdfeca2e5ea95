from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.runtime import threads
from dovetail_kernels_llvm.runtime.schedule import Arena, Input, Output, Repeat, Stage
from dovetail_kernels_llvm.runtime.structures import Pool
from dovetail_protocols.errors import AttributeValueError

WORK = 1e6


@pytest.fixture(autouse=True)
def _restored_count() -> Iterator[None]:
    yield
    threads.set_thread_count(None)


def test_the_environment_names_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_NUM_THREADS", " 3 ")
    assert threads.thread_count() == 3
    monkeypatch.setenv("DOVETAIL_NUM_THREADS", "")
    assert threads.thread_count() >= 1
    threads.set_thread_count(5)
    assert threads.thread_count() == 5


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "1e3", "99999", "²"])
def test_an_environment_that_names_no_number_is_an_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("DOVETAIL_NUM_THREADS", text)
    with pytest.raises(AttributeValueError, match="DOVETAIL_NUM_THREADS") as caught:
        threads.thread_count()
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("count", [0, -1, 2.0, "2", True, 10**6])
def test_no_other_number_of_threads_is_taken(count: Any) -> None:
    with pytest.raises(AttributeValueError, match="number of threads"):
        threads.set_thread_count(count)


def _mixed(small: Any) -> Any:
    """Stages of many kinds: of several launches, alone, in a loop, with one task and with many."""
    clear = Stage((small.spin(1, 1, 64, 3), small.spin(2, 7, 5, 100), small.spin(3, 1, 1, 10)))
    grow = Stage((small.add(1, 1, 1, 1, tasks=64, flops=WORK), small.add(2, 2, 2, 7, tasks=5, flops=WORK)))
    mix = Stage((small.add(1, 0, 1, 2, tasks=32, flops=WORK),))
    alone = Stage((small.add(3, 3, 3, 1),))
    last = Stage((small.add(1, 0, 4, 16, tasks=4, flops=WORK), small.add(2, 2, 5, 35), small.add(3, 3, 6, 1)))
    locations = {0: Input(0), 1: Arena(0), 2: Arena(1024), 3: Arena(2048), 4: Output(0), 5: Output(1), 6: Output(2)}
    return small.executable(
        (clear, Repeat(0, 20, (grow, mix, alone)), alone, last), locations, ((64,),), ((64,), (35,), (1,))
    )


def _expected(x: Any) -> tuple[Any, ...]:
    a, b, c = np.full(64, 3), np.full(35, 4950), 45
    for _ in range(20):
        a, b, c = 2 * a + x, 2 * b, 2 * c
    return a + x, 2 * b, [4 * c]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_results_do_not_depend_on_the_number_of_threads(small: Any, count: int, each_call: str) -> None:
    run = _mixed(small)
    for again in (count, 1, count):
        threads.set_thread_count(again)
        for seed in range(10):
            x = np.random.default_rng(seed).integers(0, 1000, 64)
            for result, expected in zip(run(x), _expected(x), strict=True):
                np.testing.assert_array_equal(result, expected)


def test_each_task_runs_once_whatever_the_workers_do(small: Any) -> None:
    """Stages as short as can be, so that workers are always late for one."""
    threads.set_thread_count(4)
    count = Stage((small.add(0, 1, 1, 1, tasks=7, flops=WORK),))
    run = small.executable(
        (Repeat(0, 5000, (count,)),), {0: Input(0), 1: Output(0)}, ((7,), (7,)), ((7,),), in_place={0: 1}
    )
    steps, total = np.arange(7), np.zeros(7, np.int64)
    for _ in range(4):
        run(steps, total)
    np.testing.assert_array_equal(total, np.arange(7) * 20000)


def test_threads_that_call_at_once_get_their_own_results(small: Any, each_call: str) -> None:
    threads.set_thread_count(2)
    # What the second stage takes its time for, the third one still has to find where the first one put it.
    steps = (
        Stage((small.add(0, 0, 1, 8, tasks=8, flops=WORK),)),
        Stage((small.spin(2, 1, 8, 4000),)),
        Stage((small.add(1, 1, 3, 8, tasks=8, flops=WORK), small.add(2, 2, 4, 1, tasks=8))),
    )
    locations = {0: Input(0), 1: Arena(0), 2: Arena(512), 3: Output(0), 4: Output(1)}
    run = small.executable(steps, locations, ((64,),), ((64,), (8,)))
    failures: list[BaseException] = []
    ready = threading.Barrier(6)

    def hammer(seed: int) -> None:
        random = np.random.default_rng(seed)
        ready.wait()
        try:
            for _ in range(50):
                x = random.integers(0, 1000, 64)
                results = run(x)
                np.testing.assert_array_equal(results[0], 4 * x)
                np.testing.assert_array_equal(results[1], 4000 * 3999)
        except BaseException as error:  # noqa: BLE001 # shown below, in the thread of the test
            failures.append(error)

    callers = [threading.Thread(target=hammer, args=(seed,)) for seed in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures
    assert 1 <= len(run._contexts) <= 6 * 2


def test_brief_calls_wake_workers_only_in_a_loop(small: Any) -> None:
    threads.set_thread_count(3)
    brief = Stage((small.add(0, 0, 1, 2, tasks=4, flops=WORK),))
    run = small.executable((brief,), {0: Input(0), 1: Output(0)}, ((8,),), ((8,),))
    x = np.arange(8)
    run(x)
    words = threads.pool_words(int(threads.CELL[0]))
    _wait_until(lambda: words[Pool.SLEEPERS] == 2)
    for _ in range(5):
        time.sleep(0.001)
        np.testing.assert_array_equal(run(x)[0], 2 * x)
        assert words[Pool.SLEEPERS] == 2

    def awake_after_calls_in_a_loop() -> bool:
        for _ in range(1000):
            run(x)
        return bool(words[Pool.SLEEPERS] < 2)

    _wait_until(awake_after_calls_in_a_loop)
    np.testing.assert_array_equal(run(x)[0], 2 * x)


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.005)
    raise AssertionError("it never came")


def test_no_thread_starts_without_need(small: Any) -> None:
    code = """
        from small_launches import Small
        from dovetail_kernels_llvm.runtime.schedule import Input, Output, Stage
        import numpy, threading
        small = Small()
        run = small.executable((Stage((small.add(0, 0, 1, 4),)),), {0: Input(0), 1: Output(0)}, ((4,),), ((4,),))
        run(numpy.arange(4))
        assert threading.active_count() == 1, threading.enumerate()
        run = small.executable(
            (Stage((small.add(0, 0, 1, 2, tasks=2, flops=1e7),)),), {0: Input(0), 1: Output(0)}, ((4,),), ((4,),)
        )
        assert threading.active_count() == 1, threading.enumerate()
        run(numpy.arange(4))
        assert threading.active_count() == 3, threading.enumerate()
    """
    _python("", code, DOVETAIL_NUM_THREADS="3")


LONG_RUN = """
import numpy, os, sys, threading, time
from small_launches import Small
from dovetail_kernels_llvm.runtime.schedule import Output, Stage
small = Small()
def long(rounds, flops=1e9):
    return small.executable((Stage((small.spin(0, 1, 8, rounds, flops),)),), {0: Output(0)}, (), ((8,),))
"""


def test_a_child_process_starts_its_own_workers() -> None:
    code = """
        run = long(1000)
        expected = run()[0].tolist()
        children = []
        for _ in range(5):
            child = os.fork()
            if not child:
                assert threading.active_count() == 1
                same = all(run()[0].tolist() == expected for _ in range(20))
                os._exit(0 if same and threading.active_count() == 3 else 1)
            children.append(child)
        assert run()[0].tolist() == expected
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 5
    """
    _python(LONG_RUN, code, DOVETAIL_NUM_THREADS="3")


def test_a_child_process_works_although_its_parent_was_in_the_middle_of_calls() -> None:
    code = """
        run, brief = long(3_000_000), long(1000)
        expected, fast = run()[0].tolist(), brief()[0].tolist()
        callers = [threading.Thread(target=run) for _ in range(3)]
        for caller in callers:
            caller.start()
        children = []
        for _ in range(10):
            child = os.fork()
            if not child:
                os._exit(0 if brief()[0].tolist() == fast and run()[0].tolist() == expected else 1)
            children.append(child)
        for caller in callers:
            caller.join()
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 10
    """
    _python(LONG_RUN, code, DOVETAIL_NUM_THREADS="2")


def test_a_child_process_compiles_although_its_parent_was_compiling() -> None:
    code = """
        from dovetail_kernels_llvm.codegen.builder import Builder
        from dovetail_kernels_llvm.codegen.isa import isa
        from dovetail_kernels_llvm.runtime.engine import compile_kernels
        def texts(first):
            for number in range(first, first + 15):
                b = Builder(isa())
                b.store(b.index(number), b.pointer(0))
                yield b.text()
        compile_kernels(list(texts(0)))
        compiler = threading.Thread(target=lambda: [compile_kernels([text]) for text in texts(100)])
        compiler.start()
        children = []
        for number in range(5):
            child = os.fork()
            if not child:
                compile_kernels(list(texts(100 * number + 200))[:2])
                os._exit(0)
            children.append(child)
        compiler.join()
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 5
    """
    _python(LONG_RUN, code, DOVETAIL_CACHE_DIR="")


@pytest.mark.parametrize("where", ["main thread is done", "error"])
def test_the_interpreter_ends_while_a_thread_still_runs_a_call(where: str) -> None:
    end = {"main thread is done": "pass", "error": "raise ValueError"}[where]
    code = """
        run = long(1000)
        run()
        endless = long(2**40)
        brief = small.executable((Stage((small.spin(0, 1, 1, 300, 1e9),)),), {0: Output(0)}, (), ((1,),))
        def repeat():
            while True:
                brief()
        for target in (endless, repeat, repeat):
            threading.Thread(target=target, daemon=True).start()
        brief()
    """
    code += f"    {end}\n"
    _python(LONG_RUN, code, expected=1 if where == "error" else 0, DOVETAIL_NUM_THREADS="3")


def test_calls_work_until_the_very_end() -> None:
    code = """
        import atexit
        run = long(1000)
        expected = run()[0].tolist()
        fresh = long(1000)
        class Last:
            def __del__(self):
                assert run()[0].tolist() == expected
                print("done")
        last = Last()
        # Before the workers are told to end, and after.
        from dovetail_kernels_llvm.runtime import threads
        atexit.unregister(threads._end)
        atexit.register(lambda: print(fresh()[0].tolist() == expected))
        atexit.register(threads._end)
    """
    assert _python(LONG_RUN, code, DOVETAIL_NUM_THREADS="3").split() == ["True", "done"]


def _python(start: str, code: str, expected: int = 0, **environment: str) -> str:
    """What a fresh interpreter prints that runs some code."""
    path = os.pathsep.join(entry for entry in (str(Path(__file__).parent), os.environ.get("PYTHONPATH")) if entry)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + textwrap.dedent(code)],
        env=os.environ | environment | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == expected, done.stderr + done.stdout
    return done.stdout
