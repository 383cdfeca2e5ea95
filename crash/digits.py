"""examples/digits.py killed at random moments, by SIGKILL, and resumed: what is lost, and whether the end is the same.

    python -m crash.digits --kills 200 --seed 0

Every epoch that the example told of must still be there; at most the save under way may be missing. Trained to its
last epoch that way, the network, the optimizer's slots, the history and the predictions must be those of a training
that nobody killed, to the bit. Then a new training begins, until there were enough kills.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from dovetail_checkpointing import Manager, latest_checkpoint

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits.py"
SEED = 7
_EPOCH = re.compile(r"epoch +(\d+):")


@dataclass
class Outcome:
    """`counts`: kills by the moment that they hit. `misses`: what must not be, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    trainings: int = 0
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        return self.counts.total()


def kill_repeatedly(root: Path, kills: int, *, epochs: int, seed: int) -> Outcome:
    """Trains under the folder `root`, again and again, with so many kills in all."""
    started, random, outcome = time.perf_counter(), Random(seed), Outcome()
    expected = _finished(root / "whole", epochs)
    while outcome.kills < kills:
        outcome.trainings += 1
        directory = root / f"training-{outcome.trainings}"
        while _last_epoch(directory) < epochs and outcome.kills < kills:
            _one_kill(directory, epochs, random, outcome)
        if _finished(directory, epochs) != expected:
            outcome.misses.append(f"training {outcome.trainings} ended in other bits than one that nobody killed")
        Manager(directory, max_to_keep=None)  # which collects what killed saves have left
        left = [child.name for pattern in (".tmp-*", ".trash-*") for child in directory.glob(pattern)]
        outcome.misses += [f"training {outcome.trainings}: {name} was not removed" for name in left]
        shutil.rmtree(directory)
    outcome.seconds = time.perf_counter() - started
    return outcome


def _one_kill(directory: Path, epochs: int, random: Random, outcome: Outcome) -> None:
    """One run that is killed, and what it leaves behind."""
    before = _last_epoch(directory)
    kind = random.choices(("while it starts", "in training", "when a save begins"), (1, 6, 3))[0]
    epochs_told, share = random.choice((0, 1, 1, 2)), random.random()
    with _training(directory, epochs) as process:
        printed = _Printed(process)
        if kind == "while it starts":
            time.sleep(2.0 * share)
        else:
            printed.wait_for_epochs(epochs_told)
            if kind == "in training":
                time.sleep(0.4 * share)
            else:
                _wait_for_a_save(directory, process)
                time.sleep(0.03 * share)
        process.kill()
        process.wait()
        told = max([before, *printed.epochs()])
    if process.returncode >= 0:
        outcome.misses += [f"it ended by itself, with {process.returncode}:\n{printed.text()}"] * bool(
            process.returncode
        )
        return
    last, unfinished = _last_epoch(directory), list(directory.glob(".tmp-*"))
    outcome.counts["while a save was under way" if unfinished or last > told else kind] += 1
    if not told <= last <= told + 1:
        outcome.misses.append(f"epoch {told} was told of, and epoch {last} is the last that can be read")


def _wait_for_a_save(directory: Path, process: subprocess.Popen[str]) -> None:
    before = set(directory.glob(".tmp-*"))
    while process.poll() is None and set(directory.glob(".tmp-*")) <= before:
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=20, help="of one training")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        outcome = kill_repeatedly(Path(root), options.kills, epochs=options.epochs, seed=options.seed)
    print(f"{outcome.kills} kills in {outcome.trainings} trainings of {options.epochs} epochs, seed {options.seed}:")
    for moment, count in sorted(outcome.counts.items()):
        print(f"  {count:4} {moment}")
    print(f"{len(outcome.misses)} misses, {outcome.seconds:.0f} s")
    print(*outcome.misses[:20], sep="\n")
    return bool(outcome.misses)


if __name__ == "__main__":
    sys.exit(main())
