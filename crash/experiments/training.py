"""examples/digits.py is killed at random moments and resumed: what is lost, and whether its end is the same.

Every epoch that the example told of must still be there; at most the save under way may be missing. Trained to its
last epoch that way, the network, the optimizer's slots, the history and the predictions must be those of a training
that nobody killed, to the bit. Then a new training begins, until there were enough kills.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.results import Result
from crash.stand import Stand
from crash.tracing import scratch
from dovetail_checkpointing import Manager, latest_checkpoint

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"
SEED = 7
KILLS, EPOCHS = 200, 20
_EPOCH = re.compile(r"epoch +(\d+):")


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    if stand.name != OURS:
        return
    result, root = Result("training", stand.name, "examples/digits.py", plan.seed), scratch()
    try:
        kill_repeatedly(root, plan.count(KILLS, stand.name, quick=5), result, epochs=4 if plan.quick else EPOCHS)
    finally:
        shutil.rmtree(root)
    yield result


def kill_repeatedly(root: Path, kills: int, result: Result, *, epochs: int) -> None:
    """Trains under the folder `root`, again and again, with so many kills in all."""
    random = Random(result.seed)
    expected, number, killed = _finished(root / "whole", epochs), 0, 0
    while killed < kills:
        number += 1
        directory = root / f"training-{number}"
        while _last_epoch(directory) < epochs and killed < kills:
            killed += _one_kill(directory, epochs, random, result)
        if _finished(directory, epochs) == expected:
            result.add("trainings ended as one that nobody killed")
        else:
            result.add("trainings ended in other bits", miss=True, example=f"training {number}")
        Manager(directory, max_to_keep=None)  # which collects what killed saves have left
        left = [child.name for pattern in (".tmp-*", ".trash-*") for child in directory.glob(pattern)]
        if left:
            result.add("unfinished saves stayed", miss=True, example=", ".join(left))
        shutil.rmtree(directory)


def _one_kill(directory: Path, epochs: int, random: Random, result: Result) -> bool:
    """One run that is killed, and what it leaves behind; False where it had ended."""
    before, unfinished_before = _last_epoch(directory), _unfinished(directory)
    kind = random.choices(("it was starting", "it was training", "a save had begun"), (1, 6, 3))[0]
    epochs_told, share = random.choice((0, 1, 1, 2)), random.random()
    with _training(directory, epochs) as process:
        printed = _Printed(process)
        if kind == "it was starting":
            time.sleep(2.0 * share)
        else:
            printed.wait_for_epochs(epochs_told)
            if kind == "it was training":
                time.sleep(0.4 * share)
            else:
                _wait_for_a_save(directory, process)
                time.sleep(0.03 * share)
        process.kill()
        process.wait()
        told = max([before, *printed.epochs()])
    if process.returncode > 0:
        result.add("failed by itself", miss=True, example=printed.text())
        return True
    if process.returncode == 0:
        return False
    last, unfinished = _last_epoch(directory), _unfinished(directory) - unfinished_before
    moment = "a save was under way" if unfinished or last > told else kind
    if told <= last <= told + 1:
        result.add(f"killed: {moment}")
    else:
        what = f"epoch {told} was told of, and epoch {last} is the last that can be read"
        result.add("an epoch was lost", miss=True, example=f"{what}; {moment}")
    return True


def _wait_for_a_save(directory: Path, process: subprocess.Popen[str]) -> None:
    before = _unfinished(directory)
    while process.poll() is None and _unfinished(directory) <= before:
        time.sleep(0.0005)


@contextmanager
def _training(directory: Path, epochs: int) -> Iterator[subprocess.Popen[str]]:
    """The example as users start it, going on from where the directory is."""
    command = [sys.executable, str(EXAMPLE), "--resume", "--seed", str(SEED)]
    command += ["--epochs", str(epochs), "--directory", str(directory)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


class _Printed:
    """What a process has printed so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[str] = []
        self._grown = threading.Condition()
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._grown:
                self._lines.append(line)
                self._grown.notify_all()
        with self._grown:
            self._has_ended = True
            self._grown.notify_all()

    def wait_for_epochs(self, count: int) -> None:
        """Returns when it has told that it goes on, and then of so many epochs; or when it has ended."""
        with self._grown:
            self._grown.wait_for(lambda: self._has_ended or len(self._lines) > count)

    def epochs(self) -> list[int]:
        """The epochs that it told of, once the process has ended."""
        return [int(match[1]) for match in _EPOCH.finditer(self.text())]

    def text(self) -> str:
        """All of it, once the process has ended."""
        self._reader.join()
        return "".join(self._lines)


# ---------------------------------------------------------------------- what is there


def _last_epoch(directory: Path) -> int:
    """The last epoch whose checkpoint can be read, 0 if there is none."""
    latest = latest_checkpoint(directory)
    return 0 if latest is None else int(Path(latest).name.removeprefix("step-"))


def _unfinished(directory: Path) -> set[str]:
    return {child.name for child in directory.glob(".tmp-*")}


def _finished(directory: Path, epochs: int) -> list[Any]:
    """Everything about a training that has come to its end; it goes there undisturbed, if it hasn't yet."""
    if _last_epoch(directory) < epochs:
        with _training(directory, epochs) as process:
            printed = _Printed(process)
            if process.wait():
                raise RuntimeError(f"the example fails, also when nobody kills it:\n{printed.text()}")
    digits = _example()
    training = digits.Training(seed=1)
    training.restore(latest_checkpoint(directory))
    variables = [*training.model.variables, *training.optimizer.variables]
    predictions = training.predict(digits.load_data()["held out"][0])
    history = [{name: value.hex() for name, value in measured.items()} for measured in training.history]
    return [history, *((str(array.dtype), array.numpy().tobytes()) for array in (*variables, predictions))]


def _example() -> Any:
    spec = importlib.util.spec_from_file_location("digits", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
